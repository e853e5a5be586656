"""Settings of fetching: how much, how long, how politely."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from densewalk.datasets.config import require
from densewalk.datasets.storage.config import StorageConfig

__all__ = ["FetchConfig", "YoutubeConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YoutubeConfig:
    """How yt-dlp is used."""

    short_side: int = 480
    """Of the formats offered, the largest whose shorter side is at most so many pixels is fetched, or else the
    smallest; without sound where that is offered."""
    videos_per_second: float = 0.08
    """Videos asked for per second, by all workers together; YouTube lets a guest see about 300 an hour."""
    sleep_seconds: float = 0.5
    """Pause between the requests that one video takes."""
    pause_seconds: float = 900.0
    """How long nothing is asked of YouTube after it blocked a request; twice as long after each further block in a row,
    up to a day."""
    lookup_url: str = "https://storage.googleapis.com/data.yt8m.org/2/j/i"
    """Where the ids of YouTube-8M are looked up; the file of id `abcd` is <this>/ab/abcd.js."""

    def __post_init__(self) -> None:
        require(
            self.short_side < 16 and f"fetch.youtube.short_side={self.short_side} must be at least 16",
            *_not_positive(self, "fetch.youtube", "videos_per_second", "pause_seconds"),
            self.sleep_seconds < 0 and f"fetch.youtube.sleep_seconds={self.sleep_seconds:g} must not be negative",
            urlsplit(self.lookup_url).scheme not in ("http", "https")
            and f"fetch.youtube.lookup_url={self.lookup_url!r} must start with http:// or https://",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchConfig:
    """How remote videos are brought to this machine."""

    max_bytes: int = 16 << 30
    """Largest video fetched; checked against what the host declares and while bytes arrive."""
    deadline_seconds: float = 3600.0
    """Longest work on one video, all attempts and waits between them included, turns at its host not."""
    stall_seconds: float = 30.0
    """A connection that brings less than 1 KiB a second over this long is given up, as is one not made in that time."""
    attempts: int = 5
    """Tries in a row that bring no new byte before a video is given up for now."""
    backoff_seconds: float = 1.0
    """Wait before the second try; doubled for each further one, varied by half, at most a minute."""
    requests_per_second: float = 4.0
    """Requests to one host, by all workers together, evenly spaced."""
    connections_per_host: int = 4
    """Connections to one host at a time, by all workers together."""
    patience_seconds: float = 60.0
    """Longest wait for a host that asks for a pause; for a longer one its videos end as `host paused` at once."""
    redirects: int = 5
    """Most redirects followed for one request."""
    content_types: tuple[str, ...] = (
        "video/",
        "application/octet-stream",
        "binary/octet-stream",
        "application/mp4",
        "application/x-matroska",
    )
    """Beginnings of the types a video may be declared as; an answer without a type passes."""
    honour_robots: bool = True
    """Whether videos marked noai, noimageai, noindex or none by X-Robots-Tag are rejected."""
    private_networks: bool = True
    """Whether addresses of the lists themselves may lie in private networks or on this machine; for lists written by
    strangers say false. Redirects never lead from a public host into a private network."""
    user_agent: str = "densewalk (research dataset preparation; honours robots tags and Retry-After)"
    """How requests introduce themselves; put an address in it where you can be reached."""
    storage: StorageConfig = field(default_factory=StorageConfig)
    """Object stores."""
    youtube: YoutubeConfig = field(default_factory=YoutubeConfig)
    """YouTube."""

    def __post_init__(self) -> None:
        require(
            *_not_positive(
                self,
                "fetch",
                *("max_bytes", "deadline_seconds", "stall_seconds", "attempts"),
                *("requests_per_second", "connections_per_host"),
            ),
            *(
                getattr(self, name) < 0 and f"fetch.{name}={getattr(self, name):g} must not be negative"
                for name in ("backoff_seconds", "patience_seconds", "redirects")
            ),
            not self.content_types and "fetch.content_types is empty, so every answer would be refused",
            not (self.user_agent.isascii() and self.user_agent.isprintable() and self.user_agent.strip())
            and f"fetch.user_agent={self.user_agent!r} must be printable ASCII",
        )


def _not_positive(section: object, name: str, *fields: str) -> list[str | bool]:
    values = {field_name: getattr(section, field_name) for field_name in fields}
    return [not value > 0 and f"{name}.{field_name}={value:g} must be above 0" for field_name, value in values.items()]

"""How much of a file from anywhere is read, and why a file is not used.

Limits are checked against what was found before anything of that size is allocated. An error here is about a file: its
reason is one of few fixed phrases, to group by, and its detail names what was found and the option that decides.
"""

from dataclasses import dataclass

from densewalk.datasets.config import require

__all__ = ["MediaLimits", "UnusableError", "UnwantedError", "check_size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """How much of a file is read at most."""

    max_bytes: int = 64 << 30
    """Size of a file; a larger one is rejected."""
    max_pixels: int = 7680 * 4320
    """Pixels of a frame; a file of larger frames is rejected."""
    max_streams: int = 32
    """Streams in a file; a file with more is rejected."""
    max_frames: int = 2_000_000
    """Frames decoded of a file; what follows is left out."""
    max_seconds: float = 12 * 3600.0
    """Length decoded of a file; what follows is left out."""
    min_side_px: int = 64
    """Shortest side of an upright frame; a file of smaller frames is rejected."""
    max_aspect: float = 8.0
    """Longer side of an upright frame over its shorter side; a file of narrower frames is rejected."""

    def __post_init__(self) -> None:
        require(
            *(
                f"probe.limits.{name}={getattr(self, name)} must be above 0"
                for name in self.__slots__
                if not getattr(self, name) > 0
            )
        )


class UnusableError(Exception):
    """The file cannot be used; arguments are the ledger's reason and detail."""

    outcome = "failed"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class UnwantedError(UnusableError):
    """The file is sound but not wanted."""

    outcome = "rejected"


def check_size(width: float, height: float, limits: MediaLimits) -> None:
    """Raise `UnwantedError` when upright frames of this many square pixels are too small or too narrow."""
    found = f"{width:.0f}x{height:.0f} upright"
    if min(width, height) < limits.min_side_px:
        raise UnwantedError("too small", f"{found}; probe.limits.min_side_px={limits.min_side_px}")
    if max(width, height) > limits.max_aspect * min(width, height):
        raise UnwantedError("too narrow", f"{found}; probe.limits.max_aspect={limits.max_aspect:g}")

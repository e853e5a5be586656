"""What somebody asks to be removed: ids of sources, hashes of files, paths, URLs, YouTube ids."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import PURGED, Verdict, content_verdict, name_verdict
from densewalk.datasets.records import source_id
from densewalk.pipelines.sources.locate import locate

__all__ = ["PurgeRequest", "Wish", "read_list"]

_ID, _SHA256 = re.compile(r"[0-9a-f]{20}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that is asked for; either `id` or `uris` says what it is."""

    text: str
    """As it was written."""
    id: str
    """Of a source by its content; empty for a name."""
    uris: frozenset[str]
    """Names that it may have in the ledger."""

    @classmethod
    def parse(cls, text: str) -> "Wish":
        """Read an id of 20 hex digits, a SHA-256 of 64, a path, a URL, or `youtube:` and an id.

        Raises `ConfigError` for what is none of these.
        """
        digits = text.lower()
        if _ID.fullmatch(digits) or _SHA256.fullmatch(digits):
            return cls(text, source_id(digits), frozenset())
        try:
            return cls(text, "", frozenset({text, locate(text, Path.cwd())}))
        except ValueError as error:
            raise ConfigError(f"cannot purge {text!r}: {error}; name an id, a SHA-256, a path or a URL") from error

    def tombstone(self) -> Verdict:
        """Return the ledger row that keeps out what was never in."""
        if self.id:
            return content_verdict(self.id, f"sha256:{self.id}", "purged", PURGED)
        return name_verdict(locate(self.text, Path.cwd()), "purged", PURGED, "")


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """Everything that is asked to be removed by one command."""

    named: tuple[Wish, ...] = ()
    """What the command line names; all of it must be in the dataset."""
    listed: tuple[Wish, ...] = ()
    """What a list names; what of it is not in the dataset is kept out from now on."""

    @classmethod
    def of(cls, named: Iterable[str] = (), listed: Iterable[str] = ()) -> "PurgeRequest":
        """Read what is asked for; raises `ConfigError` naming what cannot be understood."""
        return cls(*(tuple(Wish.parse(text) for text in dict.fromkeys(texts)) for texts in (named, listed)))

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Everything, in the order it was asked for."""
        return self.named + self.listed


def read_list(path: Path) -> list[str]:
    """Return the lines of a list of ids, paths and URLs; blank ones and those that begin with `#` are left out.

    Raises `ConfigError` when the file cannot be read or says nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the list {path} (--list): {error}") from error
    texts = [line for line in lines if line and not line.startswith("#")]
    if not texts:
        raise ConfigError(f"the list {path} (--list) names nothing; write an id, a path or a URL a line")
    return texts

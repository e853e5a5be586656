"""What is compared, and what is found: clips with their signatures, and duplicates."""

import re
from dataclasses import dataclass
from typing import Literal

from densewalk.pipelines.records import Refusal

__all__ = ["Duplicate", "DuplicateKind", "Signed", "twin_of"]

DuplicateKind = Literal["exact", "near", "held-out"]
_REASONS: dict[DuplicateKind, str] = {
    "exact": "exact duplicate",
    "near": "near-duplicate",
    "held-out": "overlaps held-out video",
}
_DETAIL = re.compile(r"of (?P<of>.+) at [+-][\d.]+ s, similarity [\d.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A clip as the search for duplicates knows it. Of two that match, more pixels, longer, smaller key wins."""

    key: str
    signature: str = ""
    """As made by the stage `signatures`; a clip without one is compared by its bytes alone."""
    sha256: str = ""
    """Of the mp4, 64 hex digits; empty when there is none."""
    shot: str = ""
    """Source and shot it is a piece of: pieces of one shot are different moments, however alike they look, and are no
    near-duplicates of each other. Empty: nothing is known."""
    pixels: int = 0
    """Of a frame of its source, inside the clip's crop."""
    seconds: float = 0.0
    """Length of the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A clip that must not enter, and the one that shows the same."""

    key: str
    of: str
    """Key of a clip that stays, or the name of a held-out video and the second where its part begins."""
    similarity: float
    """At most 1; 1 for clips of equal bytes."""
    offset_seconds: float
    """Time within the other at which this one begins."""
    kind: DuplicateKind

    def refusal(self) -> Refusal:
        """Return why the clip is not kept."""
        detail = f"of {self.of} at {self.offset_seconds:+.2f} s, similarity {self.similarity:.3f}"
        return Refusal(outcome="rejected", reason=_REASONS[self.kind], detail=detail)


def twin_of(detail: str) -> str | None:
    """Return the key that `Duplicate.refusal` put into a detail, or None when the detail is of something else."""
    found = _DETAIL.fullmatch(detail)
    return found["of"] if found else None

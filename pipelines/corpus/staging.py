"""Staging: what became of one reel, whole or not at all. The unit in which an interrupted preparation resumes.

    .work/staged/<recipe>/<id>[:2]/<id>-<name>/<reel>.tar          <key>.mp4  <key>.json  [<key>.flow.npz]  ...
                                              <reel>[.last].json  its outcome, written last
                                              verdict.json        for a source that gave nothing

`id` is that of the content; `name` stands for the uri and for what is wanted of it, so copies of one content that two
workers make at once cannot spoil each other, and what was staged for other segments, another label or licence is not
taken up. Every file appears whole. What belongs to a source has a folder of its own, so finding it
takes as long among ten million sources as among ten.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_text
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.datasets.row_tables import row_from
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.records import Segment

__all__ = ["ReelOutcome", "StagedClip", "Staging", "staged_name"]

_NAME_DIGITS = 16
_LAST = ".last"
_VERDICT = "verdict.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedClip:
    """A clip in a staged tar."""

    row: ClipRow
    """`shard`, a path in the staging folder, and `offset` say where its mp4 lies."""
    total_bytes: int
    """Of the mp4 and its companions."""
    signature: str = ""
    """What near-duplicates are known by; empty when not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelOutcome:
    """What became of a reel and of its candidate clips."""

    source: Source
    name: str
    """What `staged_name` gives for its source."""
    number: int
    is_last: bool
    row: SourceRow
    """Of the source, as far as this reel goes."""
    clips: tuple[StagedClip, ...]
    verdicts: tuple[Verdict, ...]
    """One for each candidate clip."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder where outcomes wait to be packed."""

    folder: Path

    def tar_path(self, source_id: str, name: str, reel: int) -> Path:
        """Return where the members of a reel's clips belong."""
        return self._folder(source_id, name) / f"{reel:04d}.tar"

    def put(self, outcome: ReelOutcome) -> None:
        """Declare a reel staged; its tar, if it has clips, must lie in its place."""
        path = self._reel_path(outcome.source.id, outcome.name, outcome.number, is_last=outcome.is_last)
        write_text(path, json.dumps(asdict(outcome), sort_keys=True))

    def put_verdict(self, verdict: Verdict, name: str) -> None:
        """Keep the verdict on a source that ended before it was staged; it outweighs reels that were.

        It is found again by the id of its row: that of the content, or that of the uri where there is none.
        """
        write_text(self._folder(verdict.id, name) / _VERDICT, json.dumps(asdict(verdict), sort_keys=True))

    def holds(self, source_id: str, name: str) -> bool:
        """Return whether nothing more needs to be done for a source."""
        folder = self._folder(source_id, name)
        return (folder / _VERDICT).is_file() or self._reel_paths(folder) is not None

    def has_reel(self, source_id: str, name: str, number: int, *, is_last: bool) -> bool:
        """Return whether a reel of a source is staged."""
        return self._reel_path(source_id, name, number, is_last=is_last).is_file()

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the id of each source of which something is staged."""
        for folder in self.folder.glob("??/*-*"):
            source_id, _, name = folder.name.partition("-")
            yield name, source_id

    def outcome(self, source_id: str, name: str) -> list[ReelOutcome] | Verdict | None:
        """Return what became of a source's reels, or the verdict on it, or None when it is unfinished."""
        folder = self._folder(source_id, name)
        verdict = folder / _VERDICT
        if verdict.is_file():
            return Verdict(**json.loads(verdict.read_text()))
        paths = self._reel_paths(folder)
        return None if paths is None else [_outcome(json.loads(path.read_text())) for path in paths]

    def _folder(self, source_id: str, name: str) -> Path:
        return self.folder / source_id[:2] / f"{source_id}-{name}"

    def _reel_path(self, source_id: str, name: str, number: int, *, is_last: bool) -> Path:
        return self._folder(source_id, name) / f"{number:04d}{_LAST if is_last else ''}.json"

    def _reel_paths(self, folder: Path) -> list[Path] | None:
        """Return the outcomes of all reels up to the last, or None where one is missing."""
        found = sorted(folder.glob(f"*{_LAST}.json"))
        if not found:
            return None
        last = found[0]
        earlier = [folder / f"{reel:04d}.json" for reel in range(int(last.name.partition(".")[0]))]
        return [*earlier, last] if all(path.is_file() for path in earlier) else None


def staged_name(uri: str, licence: str, label: str, segments: Sequence[Segment]) -> str:
    """Return 16 hex digits for a video and what is wanted of it."""
    wish = [uri, licence, label, [astuple(segment) for segment in segments]]
    return hashlib.sha256(json.dumps(wish).encode()).hexdigest()[:_NAME_DIGITS]


def _outcome(content: dict[str, Any]) -> ReelOutcome:
    return ReelOutcome(
        source=Source(**content["source"]),
        name=content["name"],
        number=content["number"],
        is_last=content["is_last"],
        row=row_from(SourceRow, content["row"]),
        clips=tuple(StagedClip(**{**clip, "row": ClipRow(**clip["row"])}) for clip in content["clips"]),
        verdicts=tuple(Verdict(**verdict) for verdict in content["verdicts"]),
    )

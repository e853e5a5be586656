"""Staging: what became of one source, whole or not at all. The unit in which an interrupted preparation resumes.

    .work/staged/<source id>.tar     <key>.mp4  <key>.json  ...  <source id>.outcome.json

The tar is written under a scratch name and renamed, so two workers of the same source, one of them left over from a
killed run, cannot spoil each other's work.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.records import SourceRow

__all__ = ["SourceOutcome", "read_outcome", "stage", "staged_members", "staged_path"]

_OUTCOME = "outcome.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """What became of a source and of its candidate clips."""

    source: Source
    verdict: Verdict
    clips: tuple[ClipRow, ...] = ()
    """Rows of the clips that were written; shard and offset are filled in when they are packed."""
    clip_verdicts: tuple[Verdict, ...] = ()
    """A row for each candidate clip."""
    row: SourceRow | None = None
    """Absent for sources that could not be decoded."""


def staged_path(staged: Path, source_id: str) -> Path:
    """Return where the outcome of a source is staged."""
    return staged / f"{source_id}.tar"


def stage(
    staged: Path, scratch: Path, members: Iterable[tuple[str, bytes] | SourceOutcome], source_id: str
) -> SourceOutcome:
    """Write the members of a source's clips, which end with its outcome, and return that outcome."""
    outcomes: list[SourceOutcome] = []

    def flat() -> Iterator[tuple[str, bytes]]:
        for member in members:
            if isinstance(member, SourceOutcome):
                outcomes.append(member)
                yield f"{source_id}.{_OUTCOME}", json.dumps(asdict(member), sort_keys=True).encode()
            else:
                yield member

    temporary = staged_path(scratch, source_id)
    write_shard(temporary, flat())
    staged.mkdir(parents=True, exist_ok=True)
    temporary.replace(staged_path(staged, source_id))
    return outcomes[-1]


def read_outcome(path: Path) -> SourceOutcome | None:
    """Return a staged outcome, or None where there is none or the tar is damaged."""
    try:
        with tarfile.open(path, "r:") as tar:
            last = tar.getmembers()[-1]
            if not last.name.endswith(f".{_OUTCOME}"):
                return None
            content = tar.extractfile(last)
            return _outcome(json.loads(content.read())) if content is not None else None
    except (OSError, tarfile.TarError, IndexError, ValueError):
        return None


def staged_members(staged: Path, rows: Sequence[ClipRow]) -> Iterator[tuple[str, bytes]]:
    """Yield the mp4 and json members of clips, in the order of the rows."""
    for source_id, clips in groupby(rows, key=lambda row: row.source_id):
        with tarfile.open(staged_path(staged, source_id), "r:") as tar:
            for clip in clips:
                for name in (f"{clip.key}.mp4", f"{clip.key}.json"):
                    member = tar.extractfile(name)
                    assert member is not None, f"{name} is not a file"
                    yield name, member.read()


def _outcome(content: dict[str, Any]) -> SourceOutcome:
    row = content["row"]
    return SourceOutcome(
        source=Source(**content["source"]),
        verdict=Verdict(**content["verdict"]),
        clips=tuple(ClipRow(**clip) for clip in content["clips"]),
        clip_verdicts=tuple(Verdict(**verdict) for verdict in content["clip_verdicts"]),
        row=None if row is None else SourceRow.rebuilt(row),
    )

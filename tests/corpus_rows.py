"""Rows of a corpus with plain values, for tests that care about a few of them."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source, clip_key
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip, Staging, staged_name


def a_source(uri: str = "/videos/a.mp4", content: str = "a") -> Source:
    """A source whose hash is that of the text `content`."""
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return Source(id=sha256[:20], uri=uri, bytes=7, sha256=sha256)


def a_clip(source: Source, place: int, mp4: bytes = b"mp4", **changes: Any) -> ClipRow:
    """The `place`-th second of a source at 25 frames a second, with the given content."""
    row = ClipRow(
        key=clip_key(source.id, 25 * place, 25 * place + 25),
        shard="",
        offset=0,
        bytes=len(mp4),
        sha256=hashlib.sha256(mp4).hexdigest(),
        source_id=source.id,
        shot=0,
        start_seconds=float(place),
        end_seconds=place + 1.0,
        start_frame=25 * place,
        end_frame=25 * place + 25,
        frames=25,
        fps=25.0,
        width=96,
        height=64,
        licence="CC0",
    )
    return replace(row, **changes)


def a_source_row(source: Source, **changes: Any) -> SourceRow:
    """The row of a source of 100 frames at 25 frames a second."""
    blank = {str: "unknown", int: 0, float: 0.0, bool: False, tuple[int, ...]: ()}
    values = {name: blank[kind] for name, kind in get_type_hints(SourceRow).items()}
    values |= {name: getattr(source, name) for name in source.__slots__}
    values |= {"width": 96, "height": 64, "frames": 100, "fps": 25.0, "seconds": 4.0, "fault": ""}
    return SourceRow(**(values | changes))


def a_clip_verdict(clip: ClipRow, uri: str, reason: str = "") -> Verdict:
    """The ledger row of a clip that was written, or rejected for a reason."""
    outcome = "rejected" if reason else "written"
    return Verdict(kind="clip", id=clip.key, source_id=clip.source_id, uri=uri, outcome=outcome, reason=reason)


def stage_clips(staging: Staging, source: Source, contents: list[bytes], **of_reel: Any) -> list[StagedClip]:
    """Stage a reel whose clips have these mp4s and a json each; return them."""
    rows = [a_clip(source, place, mp4) for place, mp4 in enumerate(contents)]
    number = of_reel.pop("number", 0)
    name = of_reel.pop("name", staged_name(source.uri, source.licence, source.label, ()))
    path: Path = staging.tar_path(source.id, name, number)
    members = [
        m
        for row, mp4 in zip(rows, contents, strict=True)
        for m in ((f"{row.key}.mp4", mp4), (f"{row.key}.json", b"{}"))
    ]
    places = {place.name: place for place in write_shard(path, members).places}
    empty = hashlib.sha256(b"{}").hexdigest()
    clips = [
        StagedClip(
            row=replace(
                row,
                shard=str(path.relative_to(staging.folder)),
                offset=places[f"{row.key}.mp4"].offset,
                companions=f"json={empty}",
            ),
            total_bytes=row.bytes + 2,
        )
        for row in rows
    ]
    staging.put(
        ReelOutcome(
            source=source,
            name=name,
            number=number,
            is_last=of_reel.pop("is_last", True),
            row=a_source_row(source, clips=len(clips), **of_reel),
            clips=tuple(clips),
            verdicts=tuple(a_clip_verdict(row, source.uri) for row in rows),
        )
    )
    return clips

"""What stages find, in words: for looking at one file before a corpus is made of millions."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import singledispatch
from pathlib import Path
from typing import Any

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.quality import describe_quality
from densewalk.pipelines.chain import Folders, stages_until
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Candidate, Cutting, Fetched, Held, Probed, Reel, Segment, ShotList
from densewalk.pipelines.sources import read_entries

__all__ = ["describe", "run_until"]


def run_until(specs: Sequence[str], config: PrepareConfig, last: str, *, tell_all: bool) -> Iterator[str]:
    """Run the stages up to the one named `last` over sources, in this process and a folder that goes afterwards.

    Yields what each record holds when `tell_all`, and how many there were; raises `ConfigError` for a stage that is
    not there.
    """
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="densewalk-") as folder:
        stages = stages_until(config, Folders(Path(folder) / "fetched", Path(folder) / "scratch"), last)
        engine = InProcessEngine()
        for result in engine.run(stages, read_entries((*specs, *config.sources), config.fetch.storage)):
            reel = _reel(result)
            if reel is None or reel.is_last:
                counts["ended early" if isinstance(result, Verdict) else f"went through {last}"] += 1
            if tell_all or isinstance(result, Verdict):
                yield describe(result)
            if reel is not None:
                shutil.rmtree(reel.folder)  # the last stage of a corpus would have done it
        seconds = ", ".join(f"{name} {tally.seconds:.2f} s" for name, tally in engine.tallies.items())
    yield f"{sum(counts.values())} sources: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}"
    yield f"time: {seconds}"


def _reel(record: Any) -> Reel | None:
    record = record.shots if isinstance(record, Cutting) else record
    record = record.reel if isinstance(record, ShotList) else record
    return record if isinstance(record, Reel) else None


@singledispatch
def describe(record: Any) -> str:
    """Return what a record says, over one or more lines."""
    raise TypeError(f"no words for a {type(record).__name__}")


@describe.register
def _(record: Verdict) -> str:
    return f"{record.uri}: {record.outcome}: {record.reason} ({record.detail})"


@describe.register
def _(record: Fetched) -> str:
    return f"{record.entry.uri}: {Path(record.path).stat().st_size:,} bytes in {record.path}"


@describe.register
def _(record: Held) -> str:
    source = record.source
    parts = "".join(f"\n  segment {_span(part)}" for part in record.segments)
    label = f", label {source.label}" if source.label else ""
    return f"{source.uri}: {source.bytes:,} bytes, sha256 {source.sha256}, licence {source.licence}{label}{parts}"


@describe.register
def _(record: Probed) -> str:
    facts = record.facts
    listed = "\n".join(f"  {field.name:16} {getattr(facts, field.name)}" for field in fields(facts))
    return f"{record.held.source.uri}\n{listed}"


@describe.register
def _(record: Reel) -> str:
    last = record.first_frame + record.num_frames
    text = (
        f"{record.source.uri}: reel {record.number}, frames [{record.first_frame}, {last}), "
        f"{record.width}x{record.height}, {record.fps:.3f} fps"
    )
    return f"{text}; {record.fault}" if record.fault else text


@describe.register
def _(record: ShotList) -> str:
    lines = [
        describe(record.reel),
        f"  cuts         {' '.join(map(str, record.cuts)) or 'none'}",
        f"  transitions  {' '.join(map(_interval, record.transitions)) or 'none'}",
        f"  shots        {' '.join(map(_interval, record.shots)) or 'none'}",
    ]
    return "\n".join(lines)


@describe.register
def _(record: Cutting) -> str:
    folder = Path(record.shots.reel.folder)
    kept = [f"  {_clip(clip)}{_files(folder, clip)}" for clip in record.clips]
    rejected = [f"  {_clip(clip)}: {why.outcome}: {why.reason} ({why.detail})" for clip, why in record.rejected]
    return "\n".join([describe(record.shots), *kept, *rejected])


def _clip(clip: Candidate) -> str:
    left, top, width, height = clip.crop_xywh
    text = f"{clip.key} {clip.start_seconds:.3f}-{clip.end_seconds:.3f} s {width}x{height}+{left}+{top}"
    words = [text, f"{clip.fps[0] / clip.fps[1]:.3f} fps", clip.label, describe_quality(clip.quality)]
    words += [f"signature of {len(clip.signature)} letters {clip.signature[:16]}..."] if clip.signature else []
    words += [f"{clip.frames} frames"] if clip.frames else []
    return "  ".join(filter(None, words))


def _files(folder: Path, clip: Candidate) -> str:
    files = sorted(folder.glob(f"{clip.key}.*"))
    return "".join(f"  {path.name.partition('.')[2]} {path.stat().st_size:,} bytes" for path in files)


def _span(segment: Segment) -> str:
    end = "the end" if segment.end_seconds is None else f"{segment.end_seconds:g} s"
    return f"{segment.start_seconds:g} s to {end} {segment.label}".rstrip()


def _interval(interval: tuple[int, int]) -> str:
    return f"[{interval[0]},{interval[1]})"

"""The samples of a batch as pictures, and the section of a page that shows them with where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.cluster.stream_view.sample_places import SamplePlace, collection_of, place_of
from densewalk.cluster.stream_view.tables import sample_table
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample, SampleSource
from densewalk.ssl.report.blocks import Block, Note, Picture
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.sample_sheet import ShownSample, sample_sheet
from densewalk.ssl.show.still import jpeg_bytes, write_png
from densewalk.ssl.show.view_boxes import in_its_clip

__all__ = ["batch_blocks"]

_MOST_PICTURES = 8
_JPEG_QUALITY = 86


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A sample that is drawn."""

    number: int
    sample: ClipSample
    place: SamplePlace


def batch_blocks(source: SampleSource, numbers: Sequence[int], out: Path) -> list[Block]:
    """Write a PNG a sample into `out` and return a table and the pictures of a batch.

    Of a large batch a few samples are drawn, spread evenly. Raises as making the samples does.
    """
    samples = source.samples(numbers)
    drawn = [
        _Drawn(number=number, sample=sample, place=place_of(source, number, sample))
        for number, sample in zip(numbers, samples, strict=True)
    ]
    blocks: list[Block] = [sample_table([(each.number, each.sample, each.place) for each in drawn])]
    if damaged := {clip.key: clip for sample in samples for clip in sample.passed_over}:
        listed = "; ".join(f"`{clip.key}` in `{clip.group}`: {clip.reason}" for clip in damaged.values())
        blocks.append(Note(text=f"Damaged clips that others stand in for: {listed}", tone="warning"))
    chosen = evenly(len(drawn), _MOST_PICTURES)
    if len(chosen) < len(drawn):
        blocks.append(Note(text=f"{len(chosen)} of the {len(drawn)} samples are drawn."))
    return blocks + [_picture(source, drawn[position], out) for position in chosen]


def _picture(source: SampleSource, drawn: _Drawn, out: Path) -> Picture:
    sample, place = drawn.sample, drawn.place
    shown = ShownSample(
        sample=sample,
        batch=render([sample]),
        clip_THWC=_whole_frames(source, drawn),
        fps=place.fps,
        title=f"sample {drawn.number}: {sample.key}",
        text=_origin(place, sample),
    )
    sheet_HWC = sample_sheet(shown)
    write_png(out / f"sample-{drawn.number:08d}.png", sheet_HWC)
    alt = f"the views of sample {drawn.number}, clip {sample.key}, with points that correspond"
    return Picture(content=jpeg_bytes(sheet_HWC, quality=_JPEG_QUALITY), alt=alt)


def _whole_frames(source: SampleSource, drawn: _Drawn) -> UInt8[np.ndarray, "t h w 3"]:
    """Return the frames of the clip, which the sample kept in part only; a generated one is nowhere else."""
    collection = collection_of(source, drawn.number)
    if collection is None:
        return in_its_clip(drawn.sample, drawn.place.clip_hw)
    return collection.read(drawn.place.clip, drawn.sample.frames)


def _origin(place: SamplePlace, sample: ClipSample) -> str:
    height, width = place.clip_hw
    parts = [
        place.source,
        *([place.group] if place.group else []),
        f"{width} x {height} at {place.fps:g} frames a second",
        f"epoch {place.epoch}, place {place.place}, column {place.column}",
    ]
    if sample.passed_over:
        parts.append("stands in for " + ", ".join(f"{clip.key} ({clip.reason})" for clip in sample.passed_over))
    return "; ".join(parts)

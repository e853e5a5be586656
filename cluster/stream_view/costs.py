"""What samples cost: each part of making one, by itself in this process, and the stream as training runs it."""

import time
from collections.abc import Callable, Sequence

import torch

from densewalk.cluster.stream_view.sample_places import place_of
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample, SampleSource
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource

__all__ = ["part_seconds", "stream_rate"]

_WARM_UP_BATCHES = 2


def part_seconds(source: SampleSource, numbers: Sequence[int], device: torch.device | str) -> dict[str, float]:
    """Return the seconds that each part of making a sample takes, of a source that is no mixture.

    The first time they are made is told apart, since data may have to come from far away then.
    """
    samples: list[ClipSample] = []
    first = _seconds(lambda: samples.extend(source.samples([number])[0] for number in numbers))
    whole = _seconds(lambda: [source.samples([number]) for number in numbers])
    seconds = {"made, the first time": first, "made again": whole}
    if isinstance(source, ClipSource):
        seconds |= _reading(source, numbers, samples, whole)
    seconds["rendered"] = _render_seconds(samples, device)
    return {part: spent / len(samples) for part, spent in seconds.items()}


def stream_rate(stream: BatchStream, *, seconds: float) -> float:
    """Return the clips a second that a stream gives, for so many seconds, to somebody who does nothing else."""
    for _ in range(_WARM_UP_BATCHES):
        next(stream)
    began, clips = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        clips += len(next(stream))
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clips / (time.perf_counter() - began)


def _reading(
    source: ClipSource, numbers: Sequence[int], samples: Sequence[ClipSample], whole: float
) -> dict[str, float]:
    """Return what reading takes of the seconds of making samples, what is left being choosing views and cutting."""
    collection = source.collection
    clips = [place_of(source, number, sample).clip for number, sample in zip(numbers, samples, strict=True)]
    frames = [sample.frames for sample in samples]
    read = _seconds(lambda: [collection.read(clip, shown) for clip, shown in zip(clips, frames, strict=True)])
    if not isinstance(collection, Dataset):
        return {"- read and decoded": read, "- drawn and cut": max(0.0, whole - read)}
    fetched = _seconds(lambda: [collection.read_clip(collection.row(clip)) for clip in clips])
    return {
        "- read and checked": fetched,
        "- decoded": max(0.0, read - fetched),
        "- drawn and cut": max(0.0, whole - read),
    }


def _render_seconds(samples: Sequence[ClipSample], device: torch.device | str) -> float:
    def work() -> None:
        render(samples, device)
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()

    work()
    return _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

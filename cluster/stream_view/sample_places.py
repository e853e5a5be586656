"""Where a sample of a stream comes from: source, epoch, column, place in its clip's collection."""

from dataclasses import dataclass

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.samples import ClipSample, SampleSource
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.mixture import Mixture

__all__ = ["SamplePlace", "collection_of", "place_of", "sources_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlace:
    """What the number of a sample means, and what is known of its clip without opening it."""

    source: str
    """Name of the collection, or what generates it."""
    number: int
    """Number of the sample within its own source."""
    epoch: int
    """Pass over the source that the sample belongs to."""
    place: int
    """Its number within that pass."""
    column: int
    group: str
    """Shard, file or folder of the clip; empty for what is generated."""
    clip: int
    """Number of the clip in its collection, or of the scene."""
    clip_hw: tuple[int, int]
    fps: float


def sources_of(source: SampleSource) -> tuple[SampleSource, ...]:
    """Return what a stream is mixed of."""
    return source.sources if isinstance(source, Mixture) else (source,)


def collection_of(source: SampleSource, number: int) -> ClipCollection | None:
    """Return where the clip of sample `number` is stored; `None` for what is generated."""
    if isinstance(source, Mixture):
        return collection_of(*source.part(number))
    return source.collection if isinstance(source, ClipSource) else None


def place_of(source: SampleSource, number: int, sample: ClipSample) -> SamplePlace:
    """Return where sample `number` comes from; `sample` tells which clip stands in for damaged ones."""
    if isinstance(source, Mixture):
        inner, own = source.part(number)
        return place_of(inner, own, sample)
    if isinstance(source, SceneSource):
        return _of_scene(source, number)
    if isinstance(source, ClipSource):
        return _of_clip(source, number, sample)
    raise TypeError(f"no place is known of samples of {type(source).__name__}")


def _of_scene(source: SceneSource, number: int) -> SamplePlace:
    epoch, place = divmod(number, len(source))
    config = source.config
    return SamplePlace(
        source="generated scenes",
        number=number,
        epoch=epoch,
        place=place,
        column=source.column(number),
        group="",
        clip=number,
        clip_hw=(config.height, config.width),
        fps=config.fps,
    )


def _of_clip(source: ClipSource, number: int, sample: ClipSample) -> SamplePlace:
    table = source.collection.table
    epoch, place = divmod(number, len(source))
    clip = next(clip for clip in source.candidates(number) if table.keys[clip] == sample.key)
    return SamplePlace(
        source=source.collection.name,
        number=number,
        epoch=epoch,
        place=place,
        column=source.order.column(place // source.draws_per_clip),
        group=table.groups[table.group_N[clip]],
        clip=clip,
        clip_hw=(int(table.height_N[clip]), int(table.width_N[clip])),
        fps=float(table.fps_N[clip]),
    )

"""The batches of a run: clips of any collections and generated scenes, mixed at exact shares."""

import logging
from collections.abc import Mapping
from fractions import Fraction

import torch

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.config import require
from densewalk.datasets.opening import Location
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import SampleSource
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.mixture import Mixture
from densewalk.ssl.train.config import DataConfig, TrainConfig

__all__ = ["open_collections", "training_source", "training_stream"]

_log = logging.getLogger("densewalk")


def open_collections(config: DataConfig) -> dict[str, tuple[float, ClipCollection]]:
    """Open what a run is trained on beside scenes: weights and collections by location, those of weight 0 left out.

    Raises `ConfigError` when data is needed and not named, `DataError` for what is not what it should be,
    `UnreachableError` for what does not answer.
    """
    require(
        config.scene_weight < 1
        and not config.datasets
        and f"data.scene_weight={config.scene_weight} leaves room for stored clips and data.datasets is empty; "
        "name a folder made by prepare, or set data.scene_weight=1"
    )
    places = [Location.parse(text) for text in config.datasets]
    return {str(place): (place.weight, place.open(config.cache)) for place in places if place.weight}


def training_source(
    config: DataConfig, collections: Mapping[str, tuple[float, ClipCollection]], plan: PalindromePlan, *, seed: int
) -> SampleSource:
    """Return the samples of a run, those of `collections` in their order and then the scenes.

    Clips that are too short for the plan are left out, and how many is logged. Raises `DataError` when a collection has
    no other, `ConfigError` when one lacks the motion that the plan asks for.
    """
    scenes = Fraction(str(config.scene_weight))
    total = sum(Fraction(str(weight)) for weight, _ in collections.values())
    parts: list[tuple[float | Fraction, SampleSource]] = [
        ((1 - scenes) * Fraction(str(weight)) / total, _clips(config, collection, plan, seed))
        for weight, collection in collections.values()
    ]
    if scenes:
        parts.append((scenes, SceneSource(config.scenes, plan, seed=seed)))
    return parts[0][1] if len(parts) == 1 else Mixture(parts)


def training_stream(config: TrainConfig, source: SampleSource, device: torch.device | str) -> BatchStream:
    """Return the batches of a run, on the device that trains."""
    return BatchStream(
        source,
        config.batch_size,
        workers=config.data.workers,
        deadline_seconds=config.data.deadline_seconds,
        max_damaged=config.data.max_damaged,
        device=device,
    )


def _clips(config: DataConfig, collection: ClipCollection, plan: PalindromePlan, seed: int) -> ClipSource:
    source = ClipSource(
        collection,
        plan,
        seed=seed,
        columns=config.columns,
        window=config.window,
        draws_per_clip=config.draws_per_clip,
    )
    if source.too_short:
        _log.warning(
            "%s: %d of %d clips are left out, they are too short for objective.plan.num_frames=%d at "
            "objective.plan.gap_seconds=%s",
            collection.name, source.too_short, len(collection.table), plan.num_frames, list(plan.gap_seconds),
        )  # fmt: skip
    return source

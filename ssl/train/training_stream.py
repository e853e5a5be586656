"""The batches of a run: stored clips and generated scenes, mixed at exact shares."""

from densewalk.datasets.config import require
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.old_clips import ClipSource
from densewalk.datasets.old_mixture import Mixture
from densewalk.datasets.old_samples import SampleSource
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.source import SceneSource
from densewalk.ssl.train.config import DataConfig

__all__ = ["open_dataset", "training_source"]


def open_dataset(config: DataConfig) -> Dataset | None:
    """Open the run's dataset, None when it trains on generated scenes alone.

    Raises `ConfigError` when a dataset is needed and not named, `DataError` when the folder is no dataset.
    """
    needed = config.scene_weight < 1
    require(
        needed
        and config.dataset is None
        and f"data.scene_weight={config.scene_weight} leaves room for stored clips and data.dataset is not set; "
        "name a folder made by prepare, or set data.scene_weight=1"
    )
    return Dataset.open(config.dataset) if config.dataset is not None else None


def training_source(config: DataConfig, dataset: Dataset | None, plan: PalindromePlan, *, seed: int) -> SampleSource:
    """Return the samples of a run; raises `DataError` when no clip is long enough for the plan."""
    parts: list[tuple[float, SampleSource]] = []
    if dataset is not None:
        parts.append((1 - config.scene_weight, ClipSource(dataset, plan, seed=seed)))
    if config.scene_weight > 0:
        parts.append((config.scene_weight, SceneSource(config.scenes, plan, seed=seed)))
    return parts[0][1] if len(parts) == 1 else Mixture(parts)

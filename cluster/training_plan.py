"""What a training command means: its resolved configuration, its size, and how far it is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from densewalk.datasets.config import require, resolve, to_yaml
from densewalk.datasets.errors import known_name
from densewalk.datasets.opening import Location
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.mixture import Mixture
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes import RECIPES
from densewalk.ssl.train.run_log import StepRecord
from densewalk.ssl.train.training_stream import open_collections, training_source

__all__ = ["describe_step", "describe_training", "plan_training"]

_DATASETS = "data.datasets"


def plan_training(
    recipe: str, *, datasets: Sequence[str] = (), overrides: Sequence[str] = (), file: Path | None = None
) -> TrainConfig:
    """Return a recipe with a YAML file, then overrides, then the datasets laid over it.

    Datasets are named by absolute paths, so that a run continues from any folder. Raises `ConfigError`.
    """
    require(
        bool(datasets)
        and any(text.partition("=")[0] == _DATASETS for text in overrides)
        and f"{' '.join(datasets)} and {_DATASETS}=... both say what to train on; leave one of them out"
    )
    config = resolve(RECIPES[known_name(recipe, RECIPES, "recipe (--recipe)")](), overrides=overrides, file=file)
    places = [Location.parse(text).absolute for text in datasets or config.data.datasets]
    return replace(config, data=replace(config.data, datasets=tuple(map(str, places))))


def describe_training(config: TrainConfig) -> str:
    """Return the configuration as YAML, headed by what it amounts to; raises what training would raise of its data."""
    objective = build_objective(config.objective)
    parameters = sum(parameter.numel() for parameter in objective.parameters())
    samples = config.steps * config.batch_size
    share = config.data.scene_weight
    facts = [
        f"{config.steps} steps of {config.batch_size} clips: {samples} samples",
        f"{parameters / 1e6:.2f} million parameters",
        f"generated scenes: {100 * share:.0f}% of the samples",
    ]
    collections = open_collections(config.data)
    source = training_source(config.data, collections, objective.plan, seed=config.seed)
    parts = source.sources if isinstance(source, Mixture) else (source,)
    clips = [len(part.order) for part in parts if isinstance(part, ClipSource)]
    total = sum(weight for weight, _ in collections.values())
    for (name, (weight, _)), count in zip(collections.items(), clips, strict=True):
        seen = samples * (1 - share) * weight / total
        facts.append(f"{name}: {count} clips, seen {seen / count:.1f} times each on average")
    return "\n".join([*(f"# {fact}" for fact in facts), to_yaml(config).rstrip()])


def describe_step(record: StepRecord) -> tuple[int, int, str]:
    """Return steps done, steps in all and a note for a progress line."""
    waiting = f", {100 * record.data_wait_share:.0f}% waiting for data" if record.data_wait_share > 0.1 else ""
    note = f"loss {record.loss:.4f}  {record.clips_per_second:.1f} clips/s{waiting}"
    if "return_error_px" in record.scalars:
        note += f"  {record.scalars['return_error_px']:.2f} px from home"
    return record.step, record.num_steps, note

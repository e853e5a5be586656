"""What a training command means: its resolved configuration, its size, and how far it is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from densewalk.datasets.config import resolve, to_yaml
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import known_name
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes import RECIPES
from densewalk.ssl.train.run_log import StepRecord

__all__ = ["describe_step", "describe_training", "plan_training"]


def plan_training(
    recipe: str, *, dataset: Path | None = None, overrides: Sequence[str] = (), file: Path | None = None
) -> TrainConfig:
    """Return a recipe with a YAML file, then overrides, then the dataset laid over it.

    The dataset is named by its absolute path, so that a run continues from any folder. Raises `ConfigError`.
    """
    config = resolve(RECIPES[known_name(recipe, RECIPES, "recipe (--recipe)")](), overrides=overrides, file=file)
    chosen = dataset or config.data.dataset
    if chosen is None:
        return config
    return replace(config, data=replace(config.data, dataset=chosen.absolute()))


def describe_training(config: TrainConfig) -> str:
    """Return the configuration as YAML, headed by what it amounts to; raises `DataError` for a wrong dataset."""
    objective = build_objective(config.objective)
    parameters = sum(parameter.numel() for parameter in objective.parameters())
    samples = config.steps * config.batch_size
    share = config.data.scene_weight
    facts = [
        f"{config.steps} steps of {config.batch_size} clips: {samples} samples",
        f"{parameters / 1e6:.2f} million parameters",
        f"generated scenes: {100 * share:.0f}% of the samples",
    ]
    if config.data.dataset is not None:
        clips = Dataset.open(config.data.dataset).card.num_clips
        facts.append(f"clips of the dataset: {clips}, seen {samples * (1 - share) / clips:.1f} times each on average")
    return "\n".join([*(f"# {fact}" for fact in facts), to_yaml(config).rstrip()])


def describe_step(record: StepRecord) -> tuple[int, int, str]:
    """Return steps done, steps in all and a note for a progress line."""
    waiting = f", {100 * record.data_wait_share:.0f}% waiting for data" if record.data_wait_share > 0.1 else ""
    note = f"loss {record.loss:.4f}  {record.clips_per_second:.1f} clips/s{waiting}"
    if "return_error_px" in record.scalars:
        note += f"  {record.scalars['return_error_px']:.2f} px from home"
    return record.step, record.num_steps, note

"""What a quickstart does, resolved: which videos, which training runs, what is filmed, where everything goes."""

from dataclasses import dataclass, replace
from pathlib import Path

from densewalk.cluster.scoreboard import COLLAPSED, OURS
from densewalk.cluster.tracking import FilmConfig
from densewalk.cluster.training_plan import plan_training
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.samples import sample_videos
from densewalk.pipelines.sources import read_entries
from densewalk.ssl.train.config import TrainConfig

__all__ = ["QuickstartPlan", "describe_quickstart", "plan_quickstart"]

_COLLAPSE_SHARE = 0.6
"""Length of the run without label warping, as a share of the other: enough for the collapse to be plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickstartPlan:
    """Everything a quickstart does."""

    out: Path
    prepare: PrepareConfig
    """Its `sources` name the videos."""
    train: TrainConfig
    train_without_warping: TrainConfig
    """The same with one crop for both ways."""
    film: FilmConfig

    @property
    def corpus(self) -> Path:
        """Dataset folder."""
        return self.out / "corpus"

    @property
    def trainings(self) -> dict[str, tuple[Path, TrainConfig]]:
        """Run folder and configuration of each training, by the name of its scores."""
        return {
            OURS: (self.out / "run", self.train),
            COLLAPSED: (self.out / "run-without-label-warping", self.train_without_warping),
        }

    @property
    def runs(self) -> dict[str, Path]:
        """Run folders by the name of their scores."""
        return {name: run for name, (run, _) in self.trainings.items()}

    @property
    def scores(self) -> Path:
        """Folder of the scores."""
        return self.out / "scores"

    @property
    def track(self) -> Path:
        """Folder of the tracking film."""
        return self.out / "track"

    @property
    def report(self) -> Path:
        """The page about it all."""
        return self.out / "report.html"


def plan_quickstart(out: Path, videos: Path | None) -> QuickstartPlan:
    """Return the plan for the sample videos, or for the user's own.

    Raises `DataError` when there is no file and `ConfigError` when the output would lie among the videos.
    """
    out = out.absolute()
    paths = sample_videos() if videos is None else [videos]
    if videos is not None and out.is_relative_to(videos.absolute()):
        raise ConfigError(f"--out {out} lies inside --videos {videos}: its own films would become sources; move one")
    prepare = PrepareConfig(
        sources=tuple(str(path.absolute()) for path in paths),
        licence="BSD-3-Clause" if videos is None else "unknown",
    )
    list(read_entries(prepare.sources))
    train = plan_training("gmrw_small", datasets=[str(out / "corpus")])
    shared_crop = replace(train.objective, plan=replace(train.objective.plan, independent_return=False))
    return QuickstartPlan(
        out=out,
        prepare=prepare,
        train=train,
        train_without_warping=replace(train, objective=shared_crop, steps=max(1, round(train.steps * _COLLAPSE_SHARE))),
        film=FilmConfig(short_side_px=train.objective.plan.size * 3 // 2),
    )


def describe_quickstart(plan: QuickstartPlan) -> str:
    """Return the plan as YAML, headed by what it amounts to."""
    samples = plan.train.steps * plan.train.batch_size
    facts = [
        f"{len(list(read_entries(plan.prepare.sources)))} sources to prepare into {plan.corpus}",
        f"{plan.train.steps} training steps of {plan.train.batch_size} clips: {samples} samples",
        f"{plan.train_without_warping.steps} more without label warping, for comparison",
        f"scores, tracking film and report.html in {plan.out}",
    ]
    return "\n".join([*(f"# {fact}" for fact in facts), to_yaml(plan).rstrip()])

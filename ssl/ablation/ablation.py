"""The contract of an ablation: rows that differ by one thing, trained from several seeds and scored alike.

Rows that train alike share their runs; what differs then is how tracks are read out. Data are generated scenes, so the
truth is exact; scenes of the scores are held out by seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from densewalk.datasets.config import require
from densewalk.datasets.errors import known_name
from densewalk.ssl.evaluate.scenes_flow import ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTrackingConfig
from densewalk.ssl.track.tracker import TrackerConfig
from densewalk.ssl.train.config import TrainConfig

__all__ = ["Ablation", "AblationRow", "Training", "slug"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationRow:
    """One line of the table."""

    name: str
    group: str
    """Heading the row stands under."""
    train: TrainConfig
    """How its network is trained, but for the seed."""
    tracker: TrackerConfig
    """How its points are tracked."""
    against: str = ""
    """Name of the row that this one differs from; its gain is measured against it. Empty for the first."""
    published: float | None = None
    """AJ of the same row in the paper, Kubric at full size; for the order of rows, not for the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One run and the rows that are read out of it."""

    folder: str
    """Name below the ablation's `runs/`."""
    config: TrainConfig
    rows: tuple[AblationRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """A table to be filled."""

    name: str
    rows: tuple[AblationRow, ...]
    tracking: ScenesTrackingConfig
    """Tracking benchmark; its tracker is each row's."""
    flow: ScenesFlowConfig
    """Displacement benchmark at the training crop."""
    seeds: int = 3
    """Runs of every row."""

    def __post_init__(self) -> None:
        names = [row.name for row in self.rows]
        unknown = sorted({row.against for row in self.rows} - {*names, ""})
        require(
            self.seeds < 1 and f"--seeds {self.seeds}: at least 1",
            len(set(names)) < len(names) and f"rows of one name: {names}",
            bool(unknown) and f"rows to compare with are missing: {', '.join(unknown)}",
        )

    def trainings(self) -> list[Training]:
        """Return every run, each once, seeds outermost so that a table of fewer seeds is complete first."""
        distinct: list[tuple[TrainConfig, list[AblationRow]]] = []
        for row in self.rows:
            rows = next((rows for config, rows in distinct if config == row.train), None)
            if rows is None:
                distinct.append((row.train, [row]))
            else:
                rows.append(row)
        return [
            Training(
                folder=f"{slug(rows[0].name)}/seed-{seed}",
                config=replace(config, seed=config.seed + seed),
                rows=tuple(rows),
            )
            for seed in range(self.seeds)
            for config, rows in distinct
        ]

    def row(self, name: str) -> AblationRow:
        """Return the row of a name; raises `ConfigError` when there is none."""
        names = [row.name for row in self.rows]
        return self.rows[names.index(known_name(name, names, "row"))]

    def only(self, names: Sequence[str]) -> "Ablation":
        """Return the table of some rows and of those they are measured against, directly or not."""
        kept: set[str] = set()
        waiting = list(names)
        while waiting:
            row = self.row(waiting.pop())
            waiting += [row.against] if row.against not in {"", *kept} else []
            kept.add(row.name)
        return replace(self, rows=tuple(row for row in self.rows if row.name in kept))


def slug(name: str) -> str:
    """Return a row's name as a file name."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return "-".join(words)

"""The ablation of GMRW: the rows of the paper's table, in its order, and what this project adds to them.

The paper's rows build on each other: no label warping, label warping, smoothness, then training and reading out at a
finer stride. Ours each change one thing of the row `+ label warping`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.ablation.ablation import Ablation, AblationRow
from densewalk.ssl.evaluate.scenes_flow import ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTrackingConfig
from densewalk.ssl.objectives.gmrw import GMRWConfig
from densewalk.ssl.objectives.oracle import OracleConfig
from densewalk.ssl.track.tracker import TrackerConfig
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.recipes.gmrw import gmrw, gmrw_scenes_small

__all__ = ["gmrw_ablation", "gmrw_full", "gmrw_small"]

_PAPER, _OURS = "the paper's rows", "ours, against + label warping"
_WARPED = "+ label warping"


def gmrw_small(overrides: Sequence[str] = (), dataset: Path | None = None) -> Ablation:
    """Return the table at the size of a laptop: 64 px crops of 96 px scenes."""
    base = replace(gmrw_scenes_small(), steps=300, threads=1)
    return gmrw_ablation(
        resolve(base, overrides=overrides), smoothness_weight=200.0, num_videos=8, name="gmrw_small", dataset=dataset
    )


def gmrw_full(overrides: Sequence[str] = (), dataset: Path | None = None) -> Ablation:
    """Return the table at the published size of the network, on generated scenes of MOVi-E's size; for a GPU."""
    scenes = SceneConfig(height=256, width=256, num_frames=24, max_speed_px=12.0, max_background_speed_px=11.0)
    published = gmrw()
    plan = PalindromePlan(size=256)
    base = replace(
        published,
        objective=GMRWConfig(plan=plan),
        data=DataConfig(scene_weight=1.0, scenes=scenes, workers=8),
    )
    return gmrw_ablation(
        resolve(base, overrides=overrides), smoothness_weight=200.0, num_videos=30, name="gmrw", dataset=dataset
    )


def gmrw_ablation(
    base: TrainConfig, *, smoothness_weight: float, num_videos: int, name: str, dataset: Path | None = None
) -> Ablation:
    """Return the table for a configuration on generated scenes; the row on real video needs a `dataset`.

    Raises `ConfigError` when `base` is not a GMRW configuration.
    """
    objective = base.objective
    if not isinstance(objective, GMRWConfig):
        raise ConfigError(f"the ablation of GMRW starts from a GMRW recipe, not from {objective.name!r}")
    scenes = base.data.scenes
    seen = replace(scenes, num_frames=min(scenes.num_frames, 8) if scenes.height < 256 else scenes.num_frames)
    rows = [*_paper_rows(base, objective, smoothness_weight, dataset), *_our_rows(base, objective)]
    return Ablation(
        name=name,
        rows=tuple(rows),
        tracking=ScenesTrackingConfig(num_videos=num_videos, scene=seen),
        flow=ScenesFlowConfig(num_pairs=6 * num_videos, window=min(objective.plan.size, scenes.height), scene=scenes),
    )


def _paper_rows(
    base: TrainConfig, objective: GMRWConfig, smoothness_weight: float, dataset: Path | None
) -> list[AblationRow]:
    row = partial(AblationRow, group=_PAPER, tracker=TrackerConfig())
    warped = replace(objective, smoothness_weight=0.0)
    smooth = replace(objective, smoothness_weight=smoothness_weight)
    fine = replace(smooth, plan=replace(smooth.plan, size=2 * smooth.plan.size))
    plain = replace(warped, plan=replace(warped.plan, independent_return=False))
    oracle = OracleConfig(matcher=objective.matcher, plan=replace(objective.plan, motion=True))
    train_fine = replace(base, objective=fine)
    twice, fourfold = TrackerConfig(upsample=2), TrackerConfig(upsample=4)
    rows = [
        row(name="base CRW", train=replace(base, objective=plain), published=25.4),
        row(name=_WARPED, train=replace(base, objective=warped), against="base CRW", published=45.3),
        row(name="+ smoothness", train=replace(base, objective=smooth), against=_WARPED, published=49.0),
        row(name="+ training stride 2", train=train_fine, tracker=twice, against="+ smoothness", published=47.7),
        row(name="evaluation stride 4", train=train_fine, against="+ training stride 2", published=37.8),
        row(
            name="evaluation stride 1",
            train=train_fine,
            tracker=fourfold,
            against="+ training stride 2",
            published=54.2,
        ),
        row(name="supervised oracle", train=replace(base, objective=oracle), against=_WARPED, published=63.7),
    ]
    if dataset is not None:
        data = replace(base.data, datasets=(str(dataset.absolute()),), scene_weight=0.0)
        real = replace(base, objective=warped, data=data)
        rows.append(row(name="real-video training", train=real, against=_WARPED, published=47.5))
    return rows


def _our_rows(base: TrainConfig, objective: GMRWConfig) -> list[AblationRow]:
    row = partial(AblationRow, group=_OURS, tracker=TrackerConfig(), against=_WARPED)
    warped = replace(objective, smoothness_weight=0.0)
    same = replace(base, objective=warped)
    one_frame = 1 / base.data.scenes.fps
    one_gap = replace(warped, plan=replace(warped.plan, gap_seconds=(one_frame, one_frame)))
    jittered = replace(warped, plan=replace(warped.plan, colour_jitter=0.4))
    return [
        row(name="rounded labels instead of 4-tap", train=replace(base, objective=replace(warped, label="nearest"))),
        row(name="both directions", train=replace(base, objective=replace(warped, both_directions=True))),
        row(name="one frame gap instead of sampled", train=replace(base, objective=one_gap)),
        row(name="photometric augmentation", train=replace(base, objective=jittered)),
        row(name="average of the weights", train=replace(same, ema_decay=0.99)),
        row(name="direct tracking", train=same, tracker=TrackerConfig(mode="direct")),
        row(name="combined tracking", train=same, tracker=TrackerConfig(mode="combined")),
    ]

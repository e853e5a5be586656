"""Training runs of global matching random walks."""

from dataclasses import replace

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.matchers.gmflow import GMFlowConfig
from densewalk.ssl.objectives.gmrw import GMRWConfig
from densewalk.ssl.train.config import AdamWConfig, DataConfig, TrainConfig

__all__ = ["SMALL_NETWORK", "gmrw", "gmrw_scenes_small", "gmrw_small"]

SMALL_NETWORK = GMFlowConfig(stem_dim=32, middle_dim=48, dim=64, num_blocks=2, ffn_factor=2, num_splits=1)
"""The matcher of the small recipes; attention is global, for its grids are small."""


def gmrw_scenes_small() -> TrainConfig:
    """GMRW on generated scenes alone: the whole method on a laptop.

        densewalk pretrain --recipe gmrw_scenes_small --out runs/scenes

    Hardware: 2 CPU cores, 1 GiB of memory.
    Duration: 90 seconds at 8 steps a second.
    Result: scenes-tracking AJ 17.7 and endpoint error 11.8 px (zero motion 6.4 and 27.3), scenes-flow 3.7 px (8.8);
    with combined tracking AJ 20.7.
    """
    return TrainConfig(
        objective=GMRWConfig(
            matcher=SMALL_NETWORK,
            plan=PalindromePlan(size=64),
            smoothness_weight=0.0,
        ),
        data=DataConfig(scene_weight=1.0, scenes=SceneConfig(height=96, width=96)),
        optimiser=AdamWConfig(lr=1e-3, warmup_steps=20),
        steps=700,
        batch_size=4,
        checkpoint_every=100,
    )


def gmrw_small() -> TrainConfig:
    """The same network on a prepared dataset, with generated scenes as half of the samples.

        densewalk pretrain --recipe gmrw_small --out runs/small DATASET

    Hardware: 2 CPU cores, 1 GiB of memory.
    Duration: 2 minutes 20 seconds at 7 steps a second.
    Result: with a dataset of three sample videos scenes-tracking AJ 17.0 and endpoint error 12.3 px (zero motion 6.4
    and 27.3), scenes-flow 3.8 px (8.8).
    """
    small = gmrw_scenes_small()
    return replace(small, data=replace(small.data, scene_weight=0.5), steps=1000)


def gmrw() -> TrainConfig:
    """GMRW at its published size: 512 px crops, six blocks of width 128, four clips a step.

        densewalk pretrain --recipe gmrw --out runs/gmrw DATASET

    Hardware: the paper trains on four GPUs, one clip on each; this loop takes all four clips on one, 2.7 GiB a clip.
    With `objective.matcher.checkpoint_blocks=false` steps are a fifth faster and take about 8 GiB a clip.
    Duration: 73,000 steps; not measured here.
    Result: the paper's AJ on TAP-Vid, strided, read out at stride 1, is 54.2 on Kubric and 41.8 on DAVIS.
    """
    return TrainConfig(
        objective=GMRWConfig(matcher=GMFlowConfig(checkpoint_blocks=True), plan=PalindromePlan(size=512)),
        data=DataConfig(scene_weight=0.0, workers=8),
        optimiser=AdamWConfig(lr=1.6e-4, weight_decay=1e-4, clip_norm=20.0),
        steps=73_000,
        batch_size=4,
        checkpoint_every=1000,
    )

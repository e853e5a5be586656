"""Training runs of the multi-scale walk."""

from dataclasses import replace

from densewalk.datasets.plan import PalindromePlan
from densewalk.ssl.matchers.pyramid import PyramidConfig
from densewalk.ssl.objectives.multiscale import MultiScaleConfig
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes.gmrw import gmrw, gmrw_scenes_small

__all__ = ["multiscale", "multiscale_small"]


def multiscale_small() -> TrainConfig:
    """Coarse-to-fine walks on generated scenes alone, with the sizes of gmrw_scenes_small.

        densewalk pretrain --recipe multiscale_small --out runs/multiscale

    Hardware: 2 CPU cores, 1 GiB of memory.
    Duration: about 90 seconds at 8 steps a second, by the processor time of 12 steps.
    Result: after 300 of the 700 steps scenes-tracking AJ 19.2 and endpoint error 11.1 px (zero motion 6.4 and 27.3),
    scenes-flow 4.2 px (8.8); with num_levels=1, the dense walk of the same encoder, 4.6 px.
    """
    return replace(
        gmrw_scenes_small(),
        objective=MultiScaleConfig(
            matcher=PyramidConfig(stem_dim=32, middle_dim=48, dim=64, num_levels=2, radius=3),
            plan=PalindromePlan(size=64),
            level_weights=(1.0, 1.0),
            smoothness_weight=0.0,
        ),
    )


def multiscale() -> TrainConfig:
    """Coarse-to-fine walks on 512 px crops: strides 16, 8 and 4, windows of 9 x 9 nodes.

        densewalk pretrain --recipe multiscale --out runs/multiscale DATASET

    Hardware: one GPU; a step of one clip takes 1.8 GiB in float32 (measured on a CPU).
    Duration: 73,000 steps; not measured here.
    Result: not measured here. FlowWalk, the method it follows, has AJ 35.2 on TAP-Vid-DAVIS and 49.4 on Kubric.
    """
    return replace(gmrw(), objective=MultiScaleConfig())

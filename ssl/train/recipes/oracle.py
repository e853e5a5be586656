"""Training runs of the supervised oracle, each the ceiling of a GMRW run with the same network."""

from dataclasses import replace

from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.matchers.gmflow import GMFlowConfig
from densewalk.ssl.objectives.oracle import OracleConfig
from densewalk.ssl.train.config import DataConfig, TrainConfig
from densewalk.ssl.train.recipes.gmrw import SMALL_NETWORK, gmrw, gmrw_scenes_small

__all__ = ["oracle", "oracle_small"]


def oracle_small() -> TrainConfig:
    """The network of gmrw_scenes_small, taught the exact motion of the same scenes.

        densewalk pretrain --recipe oracle_small --out runs/oracle

    Hardware: 2 CPU cores, 1 GiB of memory.
    Duration: about 3 minutes at 4 steps a second, by the processor time of 12 steps.
    Result: after 200 of the 700 steps scenes-tracking AJ 14.4 and endpoint error 12.9 px (zero motion 6.4 and 27.3),
    scenes-flow 4.2 px (8.8).
    """
    return replace(
        gmrw_scenes_small(), objective=OracleConfig(matcher=SMALL_NETWORK, plan=PalindromePlan(size=64, motion=True))
    )


def oracle() -> TrainConfig:
    """The network of the recipe gmrw, taught exact motion: generated scenes of 640 px, 512 px crops.

        densewalk pretrain --recipe oracle --out runs/oracle

    Hardware: one GPU; not measured here.
    Duration: 73,000 steps; not measured here.
    Result: not measured here. The paper's oracle, on Kubric's exact motion, has AJ 63.7 on Kubric and 39.1 on DAVIS.
    """
    return replace(
        gmrw(),
        objective=OracleConfig(
            matcher=GMFlowConfig(checkpoint_blocks=True), plan=PalindromePlan(size=512, motion=True)
        ),
        data=DataConfig(scene_weight=1.0, scenes=SceneConfig(height=640, width=640), workers=8),
    )

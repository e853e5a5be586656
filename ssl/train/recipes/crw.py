"""Training runs of contrastive random walks over patches."""

from dataclasses import replace

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.objectives.crw import CRWConfig
from densewalk.ssl.train.config import AdamWConfig, DataConfig, TrainConfig

__all__ = ["crw", "crw_small"]


def crw_small() -> TrainConfig:
    """CRW on generated scenes alone: 25 patches of 16 px, the first half of ResNet-18 at stride 4.

        densewalk pretrain --recipe crw_small --out runs/crw

    Hardware: 2 CPU cores, 1 GiB of memory.
    Duration: 45 seconds of one core at 4 steps a second.
    Result: scenes-propagation J&F 66.1 (untrained 60.5, zero motion 38.0, raw colours 70.4); 400 steps give the same.
    """
    published = CRWConfig()
    return TrainConfig(
        objective=replace(
            published,
            plan=replace(published.plan, size=64, num_frames=3, gap_seconds=(0.08, 0.17)),
            encoder=replace(published.encoder, stages=2, strides=(1, 1, 1, 1)),
            patch_px=16,
            patch_stride_px=12,
            subject_stages=2,
        ),
        data=DataConfig(scene_weight=1.0, scenes=SceneConfig(height=96, width=96)),
        optimiser=AdamWConfig(lr=2e-4),
        steps=200,
        batch_size=4,
        checkpoint_every=100,
    )


def crw() -> TrainConfig:
    """CRW at its published size: 49 patches of 64 px from frames of 256 px, four frames an eighth of a second apart.

        densewalk pretrain --recipe crw --out runs/crw DATASET

    Hardware: the authors say that two GPUs of 11 GB suffice; this loop takes all twenty clips on one.
    Duration: the paper's million steps; not measured here.
    Result: the paper's J&F on DAVIS-2017 is 67.6, its features read at stride 8, trained on Kinetics-400.
    """
    return TrainConfig(
        objective=CRWConfig(),
        data=DataConfig(scene_weight=0.0, workers=16),
        optimiser=AdamWConfig(lr=1e-4, weight_decay=0.0, clip_norm=1e6),
        steps=1_000_000,
        batch_size=20,
        checkpoint_every=5000,
    )

"""The report of encodings counts bytes and errors as they are."""

import numpy as np
import pytest

from densewalk.datasets.motion.flow_code import encode_field
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.motion.flow_report import FlowEncoding, ResidualEncoding, flow_report, residual_report

SCENES = [Scene(SceneConfig(height=64, width=80), seed) for seed in range(3)]
PAIRS = [(scene.flow(0, 1)[0], scene.flow(1, 0)[0]) for scene in SCENES]


def test_errors_and_bytes_are_those_of_the_fields() -> None:
    fields = [forth for forth, _ in PAIRS]
    png, half, fine, coarse = flow_report(
        fields, [FlowEncoding("png16"), FlowEncoding("fp16"), FlowEncoding("jpeg", 95), FlowEncoding("jpeg", 40)]
    )
    assert png.fields == 3
    assert png.bytes_per_field == np.mean([encode_field(field, "png16", quality=95).nbytes for field in fields])
    assert half.bytes_per_field == 2 * 2 * 64 * 80
    assert half.bits_per_pixel == 32
    assert png.epe_mean <= png.epe_p99 <= 0.0125
    assert png.greatest_epe <= 2**0.5 / 128 + 1e-4
    assert png.share_above_half_px == 0
    assert fine.bytes_per_field < png.bytes_per_field
    assert coarse.bytes_per_field < fine.bytes_per_field
    assert half.epe_mean < png.epe_mean < fine.epe_mean < coarse.epe_mean < coarse.epe_p99 < coarse.greatest_epe


def test_a_known_error_is_measured() -> None:
    field_2HW = np.full((2, 16, 16), 600.0, np.float32)  # KITTI ends at 511.98
    (row,) = flow_report([field_2HW], [FlowEncoding("png16")])
    assert row.epe_mean == row.greatest_epe == pytest.approx(88.015625 * 2**0.5)
    assert row.share_above_half_px == 1
    assert row.epe_p99 == pytest.approx(64, abs=0.01)


def test_storing_residuals_changes_few_verdicts_and_cells_change_more() -> None:
    fine, half, cells = residual_report(
        PAIRS, [ResidualEncoding("log8"), ResidualEncoding("fp16"), ResidualEncoding("log8", 4)]
    )
    assert fine.fields == 6
    assert half.bytes_per_field == 4 * 64 * 80
    assert cells.bytes_per_field < fine.bytes_per_field < half.bytes_per_field
    assert half.share_changed <= fine.share_changed < 0.005
    assert fine.share_changed < cells.share_changed < 0.12

"""Views and batches: collation, movement between devices, pixels as floats."""

from dataclasses import replace

import pytest
import torch

from densewalk.datasets.errors import DataError
from densewalk.datasets.views import ClipBatch, Motion, View


def make_view(value: int, size: int = 4) -> View:
    return View(
        video_BTCHW=torch.full((1, 2, 3, size, size + 2), value, dtype=torch.uint8),
        clip_from_view_B33=torch.eye(3)[None] * (value + 1),
        frame_BT=torch.tensor([[value, value + 1]]),
    )


def make_motion(value: int) -> Motion:
    return Motion(
        source_frame_BP=torch.tensor([[value]]),
        target_frame_BP=torch.tensor([[value + 1]]),
        flow_BP2HW=torch.full((1, 1, 2, 4, 6), float(value)),
        visible_BPHW=torch.ones(1, 1, 4, 6, dtype=torch.bool),
    )


def make_sample(value: int) -> ClipBatch:
    return ClipBatch(
        keys=(f"clip-{value}",), views=(make_view(value), make_view(value + 10)), motion=make_motion(value)
    )


def test_a_view_knows_its_size_and_gives_its_frames_as_floats() -> None:
    view = make_view(51)
    assert view.size_hw == (4, 6)
    view.video_BTCHW[:, 1] = 255
    assert view.image_BCHW(0).shape == (1, 3, 4, 6)
    assert view.image_BCHW(0).unique().tolist() == pytest.approx([0.2])
    assert view.image_BCHW(-1).unique().tolist() == [1.0]


def test_collating_keeps_samples_views_and_motion_in_order() -> None:
    batch = ClipBatch.collate([make_sample(1), make_sample(2), make_sample(3)])
    assert len(batch) == 3
    assert batch.keys == ("clip-1", "clip-2", "clip-3")
    assert len(batch.views) == 2
    assert batch.views[0].frame_BT.tolist() == [[1, 2], [2, 3], [3, 4]]
    assert batch.views[1].video_BTCHW[:, 0, 0, 0, 0].tolist() == [11, 12, 13]
    assert batch.views[1].clip_from_view_B33[:, 0, 0].tolist() == [12.0, 13.0, 14.0]
    assert batch.motion is not None
    assert batch.motion.flow_BP2HW[:, 0, 0, 0, 0].tolist() == [1.0, 2.0, 3.0]


def test_collating_a_single_sample_changes_nothing() -> None:
    sample = make_sample(5)
    batch = ClipBatch.collate([sample])
    assert batch.keys == sample.keys
    assert torch.equal(batch.views[1].video_BTCHW, sample.views[1].video_BTCHW)


def test_motion_is_dropped_unless_every_sample_has_it() -> None:
    assert ClipBatch.collate([make_sample(1), replace(make_sample(2), motion=None)]).motion is None
    assert ClipBatch.collate([replace(make_sample(2), motion=None)]).motion is None


@pytest.mark.parametrize("views", [(make_view(2),), (make_view(2, size=5), make_view(3))])
def test_views_that_differ_in_number_or_size_are_refused_by_name(views: tuple[View, ...]) -> None:
    odd = replace(make_sample(2), views=views)
    with pytest.raises(DataError, match=r"clip-1: .*; clip-2: .*plan\.size"):
        ClipBatch.collate([make_sample(1), odd])


def test_moving_a_batch_moves_every_tensor() -> None:
    moved = make_sample(1).to("meta")
    assert moved.keys == ("clip-1",)
    assert moved.motion is not None
    tensors = [moved.motion.flow_BP2HW, moved.motion.visible_BPHW, moved.motion.source_frame_BP]
    tensors += [tensor for view in moved.views for tensor in (view.video_BTCHW, view.clip_from_view_B33, view.frame_BT)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert replace(make_sample(1), motion=None).to("meta").motion is None

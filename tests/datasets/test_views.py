"""Views and batches: movement between devices, pixels as floats."""

from dataclasses import replace

import pytest
import torch

from densewalk.datasets.views import ClipBatch, Motion, View, joined_motion


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


def make_batch(value: int) -> ClipBatch:
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


def test_motion_of_clips_is_joined_in_their_order_and_only_when_all_have_it() -> None:
    joined = joined_motion([make_motion(1), make_motion(2), make_motion(3)])
    assert joined is not None
    assert joined.flow_BP2HW[:, 0, 0, 0, 0].tolist() == [1.0, 2.0, 3.0]
    assert joined.source_frame_BP.tolist() == [[1], [2], [3]]
    assert joined_motion([make_motion(1), None]) is None
    assert joined_motion([None]) is None


def test_moving_a_batch_moves_every_tensor() -> None:
    moved = make_batch(1).to("meta")
    assert moved.keys == ("clip-1",)
    assert moved.motion is not None
    tensors = [moved.motion.flow_BP2HW, moved.motion.visible_BPHW, moved.motion.source_frame_BP]
    tensors += [tensor for view in moved.views for tensor in (view.video_BTCHW, view.clip_from_view_B33, view.frame_BT)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert {id(tensor) for tensor in tensors} < {id(tensor) for tensor in moved.tensors()}
    assert len(list(moved.tensors())) == 10
    assert replace(make_batch(1), motion=None).to("meta").motion is None

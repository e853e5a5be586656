"""Fields between frames: both directions of a pair, steps there and back, memory that a long video does not fill."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.fields import Fields
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.track.tracker import TRACKING_MODES, TrackerConfig, track_points

Paint = Callable[..., np.ndarray]


def _fields(matcher: Any, video: np.ndarray) -> Fields:
    return Fields(matcher, EncodedFrames(matcher, video), maps_held=2)


def test_steps_go_forwards_through_the_video_and_back_from_the_last_query(oracle: Any, paint: Paint) -> None:
    fields = _fields(oracle(), paint((32, 32), [(float(t * t), 0.0) for t in range(5)]))
    steps = list(fields.steps(torch.tensor([1, 3])))
    assert [(step.source, step.target) for step in steps] == [(0, 1), (1, 2), (2, 3), (3, 4), (3, 2), (2, 1), (1, 0)]
    for there, back in ((steps[0], steps[6]), (steps[2], steps[4])):
        assert torch.equal(there.flow.forth_12HW, back.flow.back_12HW)
        assert torch.equal(there.flow.back_12HW, back.flow.forth_12HW)
    assert [step.moves(torch.tensor([1, 3])).tolist() for step in steps[2:5]] == [
        [True, False],
        [True, True],
        [False, True],
    ]


def test_queries_of_the_first_frame_need_no_way_back(oracle: Any, paint: Paint) -> None:
    fields = _fields(oracle(), paint((32, 32), [(0.0, 0.0)] * 4))
    assert len(list(fields.steps(torch.tensor([0, 0])))) == 3
    assert len(list(fields.steps(torch.tensor([], dtype=torch.long)))) == 3


def test_fields_end_where_the_video_does(oracle: Any, paint: Paint) -> None:
    flow = _fields(oracle(multiple=32), paint((33, 50), [(0.0, 0.0)] * 2)).between(0, 1)
    assert flow.forth_12HW.shape == flow.back_12HW.shape == (1, 2, 9, 13)


class Watched(PositionMatcher):
    """Stands still, loses some points, and counts how many of its maps and fields are alive."""

    def __init__(self) -> None:
        super().__init__(stride=4)
        self.made: list[weakref.ref] = []
        self.most = 0

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return self._watch(super().encode(image_BCHW).clone())

    def displacement(self, source_BDHW: Tensor, target_BDHW: Tensor) -> tuple[Tensor, Tensor]:
        forth = torch.zeros(1, 2, *source_BDHW.shape[-2:])
        back = torch.zeros_like(forth)
        back[..., : back.shape[-1] // 2] = 40.0
        return self._watch(forth), self._watch(back)

    def _watch(self, tensor: Tensor) -> Tensor:
        self.made.append(weakref.ref(tensor))
        self.made = [made for made in self.made if made() is not None]
        self.most = max(self.most, len(self.made))
        return tensor


class Reel:
    """A long video that is never whole; counts the frames that are alive."""

    def __init__(self, num_frames: int) -> None:
        self.shape = (num_frames, 16, 16, 3)
        self.made: list[weakref.ref] = []
        self.most = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> np.ndarray:
        picture = np.full(self.shape[1:], frame % 256, np.uint8)
        self.made = [made for made in [*self.made, weakref.ref(picture)] if made() is not None]
        self.most = max(self.most, len(self.made))
        return picture


@pytest.mark.parametrize(("mode", "most_tensors"), [("chained", 3 + 4), ("direct", 11 + 4), ("combined", 11 + 6)])
def test_six_hundred_frames_take_no_more_memory_than_twenty(mode: str, most_tensors: int) -> None:
    """Maps held and one more, and the fields of two pairs: the one in hand and the one that replaces it."""
    assert mode in TRACKING_MODES
    for num_frames in (20, 600):
        matcher, reel = Watched(), Reel(num_frames)
        query = np.array([[t, x, 8.0] for t in np.linspace(0, num_frames - 1, 7).round() for x in (3.0, 13.0)])
        tracks = track_points(matcher, reel, query, TrackerConfig(mode=mode))
        assert tracks.track_KT2.shape == (14, num_frames, 2)
        assert not tracks.visible_KT[::2].all()
        assert tracks.visible_KT[1::2].all()
        assert matcher.most <= most_tensors
        assert reel.most <= 2

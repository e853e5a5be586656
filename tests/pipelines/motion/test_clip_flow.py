"""Flow of a clip: sizes, and frames read once."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.pipelines.clips.frames import ClipFrames
from densewalk.pipelines.motion.clip_flow import ClipFlow
from tests.filmed_scene import film


class Recorder:
    """Remembers what it is shown and finds no motion."""

    weights_sha256 = ""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, source_HWC: np.ndarray, target_HWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen += [source_HWC, target_HWC]
        zero_2HW = np.zeros((2, *source_HWC.shape[:2]), np.float32)
        return zero_2HW, zero_2HW


@pytest.mark.parametrize(("short_side", "expected"), [(0, (48, 80)), (24, (24, 40)), (100, (48, 80)), (1, (1, 2))])
def test_the_shorter_side_is_shrunk_to_what_was_asked(
    tmp_path: Path, short_side: int, expected: tuple[int, int]
) -> None:
    cutting = film(np.full((3, 48, 80, 3), 128, np.uint8), tmp_path)
    recorder = Recorder()
    flow = ClipFlow(ClipFrames(cutting.shots.reel, cutting.clips[0]), recorder, short_side_px=short_side)
    assert flow.size_hw == expected
    assert flow.clip_size_hw == (48, 80)
    flow.between(0, 2)
    assert [frame.shape for frame in recorder.seen] == [(*expected, 3)] * 2


def test_frames_are_those_of_the_clip_in_rgb_and_read_once(tmp_path: Path) -> None:
    shades = [40, 120, 200]
    frames_THWC = np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in shades])
    frames_THWC[..., 2] //= 2
    cutting = film(frames_THWC, tmp_path)
    recorder = Recorder()
    flow = ClipFlow(ClipFrames(cutting.shots.reel, cutting.clips[0]), recorder, short_side_px=0)
    flow.between(0, 1)
    flow.between(1, 2)
    for picture, shade in zip(recorder.seen, (40, 120, 120, 200), strict=True):
        np.testing.assert_allclose(picture.mean((0, 1)), (shade, shade, shade // 2), atol=3)
    assert recorder.seen[1] is recorder.seen[2]

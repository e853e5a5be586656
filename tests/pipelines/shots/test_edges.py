"""Foreign frames at a shot's ends are left out, and nothing else."""

import numpy as np
import pytest

from densewalk.pipelines.shots.edges import inner_frames


def _thumbnails(*levels: float) -> np.ndarray:
    """Frames of one grey level each over a gradient that moves a little."""
    ramp_W = np.arange(48) % 12
    frames = [np.broadcast_to((level + np.roll(ramp_W, n))[:, None], (27, 48, 3)) for n, level in enumerate(levels)]
    return np.stack(frames).astype(np.uint8)


@pytest.mark.parametrize(
    ("levels", "inner"),
    [
        ([100] * 12, (0, 12)),
        ([40] + [100] * 11, (1, 12)),  # one frame of the shot before
        ([70, 40] + [100] * 10, (2, 12)),  # two
        ([100] * 11 + [160], (0, 11)),
        ([40] + [100] * 10 + [160, 200], (1, 11)),
        ([200, 100, 200, 100, 200, 100, 200, 100, 200, 100, 200, 100], (0, 12)),  # stroboscope
        ([40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150], (0, 12)),  # a change that goes on
        ([40, 40, 40] + [100] * 9, (0, 12)),  # a cut further inside is none of the edge
    ],
)
def test_frames_that_stand_apart_from_all_behind_them_are_left_out(levels: list[int], inner: tuple[int, int]) -> None:
    assert inner_frames(_thumbnails(*levels), (0, 12)) == inner


def test_only_the_shot_itself_is_looked_at() -> None:
    thumbnail_NHWC = _thumbnails(*[10] * 5, 60, *[100] * 10, *[200] * 5)
    assert inner_frames(thumbnail_NHWC, (5, 16)) == (6, 16)


def test_very_short_shots_stay_as_they_are() -> None:
    assert inner_frames(_thumbnails(0, 100, 100, 100, 100), (0, 5)) == (0, 5)
    assert inner_frames(_thumbnails(0), (0, 1)) == (0, 1)

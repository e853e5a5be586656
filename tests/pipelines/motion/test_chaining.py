"""Chained tracks: exact on exact motion, ended where things hide, a function of seed and key."""

import numpy as np
import pytest

from densewalk.datasets.motion.track_file import RaggedTracks
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.motion.chaining import chain, draw_starts

SIZE_HW = (60, 80)
GOLDEN = ([18, 20, 26], [[268.702, 79.036], [432.368, 0.319], [272.439, 126.962]])


def still(x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """A shift of the whole frame, there and back."""
    forth = np.broadcast_to(np.array([x, y], np.float32)[:, None, None], (2, *SIZE_HW)).copy()
    return forth, -forth


def parts(tracks: RaggedTracks) -> list[np.ndarray]:
    return np.split(tracks.unit_S2 * (SIZE_HW[1], SIZE_HW[0]), np.cumsum(tracks.length_K)[:-1])


def test_a_shift_is_followed_until_the_frame_ends() -> None:
    start_K = np.array([0, 0, 3])
    point_K2 = np.array([[10.25, 20.5], [74.0, 5.0], [3.0, 3.0]], np.float32)
    tracks = chain(start_K, point_K2, [still(2, 1)] * 5, alpha=0.01, beta=0.5)
    assert tracks.length_K.tolist() == [6, 4, 3]  # 74, 76, 78, 80: the border belongs to the frame, 82 does not
    np.testing.assert_allclose(parts(tracks)[0], [(10.25 + 2 * t, 20.5 + t) for t in range(6)], atol=1e-4)
    np.testing.assert_allclose(parts(tracks)[2], [(3 + 2 * t, 3 + t) for t in range(3)], atol=1e-4)
    np.testing.assert_allclose(tracks.residual_R2, [[0, 10]] * (len(tracks.unit_S2) - 3), atol=1e-4)


def test_a_turning_frame_is_followed_within_a_tenth_of_a_pixel() -> None:
    """Bilinear reads are exact on affine motion, so 90 small turns end where the one great turn does."""
    angle, middle_2 = np.radians(1.0), np.array([40.0, 30.0])
    y, x = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]] + 0.5

    def turn(radians: float) -> np.ndarray:
        dx, dy = x - middle_2[0], y - middle_2[1]
        cos, sin = np.cos(radians), np.sin(radians)
        return np.stack((cos * dx - sin * dy - dx, sin * dx + cos * dy - dy)).astype(np.float32)

    point_K2 = (middle_2 + np.array([[12.3, 0], [0, -20.0], [-7.7, 9.1]])).astype(np.float32)
    tracks = chain(np.zeros(3, int), point_K2, [(turn(angle), turn(-angle))] * 90, alpha=0.01, beta=0.5)
    assert tracks.length_K.tolist() == [91, 91, 91]
    offset_K2 = point_K2 - middle_2
    expected_K2 = middle_2 + np.stack((-offset_K2[:, 1], offset_K2[:, 0]), axis=1)
    np.testing.assert_allclose([part[-1] for part in parts(tracks)], expected_K2, atol=0.02)


def test_tracks_of_exact_flow_are_those_of_the_scene() -> None:
    config = SceneConfig(height=SIZE_HW[0], width=SIZE_HW[1], num_frames=8)
    seen, followed = [], []
    for seed in range(4):
        scene = Scene(config, seed)
        steps = [(scene.flow(t, t + 1)[0], scene.flow(t + 1, t)[0]) for t in range(7)]
        true_NT2, visible_NT = scene.tracks(400, np.random.default_rng(seed))
        starts = visible_NT[:, 0]
        tracks = chain(np.zeros(starts.sum(), int), true_NT2[starts, 0], steps, alpha=0.01, beta=0.5)
        true = [path[:length] for path, length in zip(true_NT2[starts], tracks.length_K, strict=True)]
        followed += [np.linalg.norm(a - b, axis=1).max() for a, b in zip(parts(tracks), true, strict=True)]
        unseen_NT = ~visible_NT[starts]
        first_unseen = np.where(unseen_NT.any(1), unseen_NT.argmax(1), 8)
        seen += (tracks.length_K == first_unseen).tolist()
    # A point within half a pixel of an edge reads both motions; all others are followed exactly and end in time.
    assert np.mean(np.array(followed) < 0.1) > 0.9
    assert np.median(followed) < 1e-3
    assert np.mean(seen) > 0.8


def test_what_does_not_come_back_ends_a_track_and_greater_thresholds_go_on() -> None:
    forth, back = still(4, 0)
    steps = [still(1, 0), (forth, back + 1), still(1, 0)]  # a = 2, b = 25 in the second step
    point_K2 = np.array([[20, 20]], np.float32)
    strict = chain(np.zeros(1, int), point_K2, steps, alpha=0.01, beta=0.5)
    assert strict.length_K.tolist() == [2]
    assert chain(np.zeros(1, int), point_K2, steps, alpha=0.01, beta=2.0).length_K.tolist() == [4]
    generous = chain(np.zeros(1, int), point_K2, steps, alpha=0.1, beta=0.5)
    assert generous.length_K.tolist() == [4]
    np.testing.assert_allclose(generous.residual_R2[:, 0], [0, 2, 0])


def test_starts_are_a_function_of_seed_and_key_and_fill_space_and_time() -> None:
    def draw(seed: int, key: str) -> tuple[np.ndarray, np.ndarray]:
        return draw_starts(4000, num_frames=11, size_hw=(60, 90), seed=seed, key=key)

    frame_K, point_K2 = draw(0, "a")
    for other in (draw(1, "a"), draw(0, "b")):
        assert not np.array_equal(other[1], point_K2)
    np.testing.assert_array_equal(draw(0, "a")[1], point_K2)
    assert (np.diff(frame_K) >= 0).all()
    assert set(frame_K.tolist()) == set(range(10))
    assert np.bincount(frame_K).min() > 300
    cells, _, _ = np.histogram2d(point_K2[:, 0], point_K2[:, 1], bins=(9, 6), range=((0, 90), (0, 60)))
    assert cells.sum() == 4000
    assert cells.min() > 40


def test_starts_never_change_between_versions() -> None:
    """Golden values: a corpus made later must have the tracks of one made now."""
    frame_K, point_K2 = draw_starts(3, num_frames=30, size_hw=(256, 456), seed=0, key="golden")
    assert frame_K.tolist() == GOLDEN[0]
    np.testing.assert_allclose(point_K2, GOLDEN[1], atol=1e-3)


@pytest.mark.parametrize("num_tracks", [0, 5])
def test_a_clip_of_one_frame_and_a_clip_without_starts_have_tracks_of_nothing(num_tracks: int) -> None:
    start_K, point_K2 = draw_starts(num_tracks, num_frames=2, size_hw=SIZE_HW, seed=0, key="k")
    alone = chain(start_K, point_K2, [], alpha=0.01, beta=0.5)
    assert alone.length_K.tolist() == [1] * num_tracks
    assert len(alone.residual_R2) == 0

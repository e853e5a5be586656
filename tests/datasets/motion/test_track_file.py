"""Files of tracks: positions come back, thresholds are chosen when they are read, damage is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.motion.track_file import RaggedTracks, TrackAbout, TrackSet, read_tracks, write_tracks

ABOUT = TrackAbout(
    key="abc-000",
    frames=6,
    clip_size_hw=(256, 456),
    size_hw=(256, 456),
    estimator="dis",
    alpha=0.1,
    beta=2.0,
    seed=0,
)
TRACKS = RaggedTracks(
    start_K=np.array([0, 2, 4]),
    length_K=np.array([4, 1, 2]),
    unit_S2=np.array([[0, 0], [0.25, 0.5], [0.5, 1], [1, 1], [0.1, 0.2], [0.3, 0.3], [0.4, 0.3]]),
    residual_R2=np.array([[0.1, 0], [1.0, 0], [0.2, 0], [0.4, 60]]),
)


def stored(path: Path, tracks: RaggedTracks = TRACKS, about: TrackAbout = ABOUT) -> TrackSet:
    write_tracks(path / "c.tracks.npz", about, tracks)
    return read_tracks((path / "c.tracks.npz").read_bytes())


def test_positions_come_back_within_their_step(tmp_path: Path) -> None:
    tracks = stored(tmp_path)
    assert len(tracks) == 3
    assert tracks.about == ABOUT
    place_L2, residual = tracks.track(0)
    np.testing.assert_allclose(place_L2, TRACKS.unit_S2[:4] * (456, 256), atol=456 / 131_070)
    np.testing.assert_allclose(residual.a, [0.1, 1.0, 0.2], rtol=1e-3)
    place_L2, residual = tracks.track(2)
    np.testing.assert_allclose(place_L2, TRACKS.unit_S2[5:] * (456, 256), atol=456 / 131_070)
    assert tracks.track(1)[1].a.size == 0


def test_thresholds_end_tracks_at_their_first_step_that_does_not_come_back(tmp_path: Path) -> None:
    tracks = stored(tmp_path)
    whole = tracks.cut(alpha=0.1, beta=2.0)
    assert whole.alive_KT.astype(int).tolist() == [[1, 1, 1, 1, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1]]
    assert (np.isnan(whole.point_KT2).all(-1) == ~whole.alive_KT).all()
    strict = tracks.cut(alpha=0.01, beta=0.5)
    assert strict.alive_KT.sum(1).tolist() == [2, 1, 2]  # the third frame's 1.0 ends the first, though 0.2 follows
    assert strict.last_frame_K.tolist() == [1, 2, 5]
    np.testing.assert_allclose(strict.endpoint_K2[0], (0.25 * 456, 0.5 * 256), atol=0.01)
    assert tracks.cut(alpha=0.0, beta=0.3).alive_KT.sum(1).tolist() == [2, 1, 1]


@pytest.mark.parametrize(("alpha", "beta"), [(0.2, 0.5), (0.01, 3.0)])
def test_thresholds_above_those_it_was_followed_with_are_refused(tmp_path: Path, alpha: float, beta: float) -> None:
    with pytest.raises(ConfigError, match=r"greater tracks\.alpha and tracks\.beta"):
        stored(tmp_path).cut(alpha=alpha, beta=beta)


def test_a_clip_without_tracks_has_a_file(tmp_path: Path) -> None:
    none = RaggedTracks(
        start_K=np.empty(0, int), length_K=np.empty(0, int), unit_S2=np.empty((0, 2)), residual_R2=np.empty((0, 2))
    )
    cut = stored(tmp_path, none).cut()
    assert cut.alive_KT.shape == (0, 6)
    assert cut.endpoint_K2.shape == (0, 2)


def test_the_same_tracks_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tracks(tmp_path / name, ABOUT, TRACKS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"start_K": np.array([0, 2, 5])},
        {"start_K": np.array([-1, 2, 4])},
        {"length_K": np.array([5, 1, 2])},
        {"length_K": np.array([4, 0, 3])},
        {"residual_R2": np.zeros((3, 2))},
        {"unit_S2": np.zeros((8, 2))},
    ],
)
def test_tracks_that_contradict_each_other_are_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="contradict"):
        stored(tmp_path, replace(TRACKS, **change))


def test_a_claim_of_endless_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="contradict"):
        stored(tmp_path, about=replace(ABOUT, frames=2**40))


def test_damage_is_told_or_changes_nothing(tmp_path: Path) -> None:
    sound = stored(tmp_path).cut().point_KT2
    content = (tmp_path / "c.tracks.npz").read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.integers(8 * len(content), size=200):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            np.testing.assert_array_equal(read_tracks(bytes(flipped)).cut().point_KT2, sound)
        except DataError:
            continue
    for length in range(0, len(content), 37):
        with pytest.raises(DataError):
            read_tracks(content[:length])

"""PCK against the numbers of the published code, and at its corners: joints lost, never given, without a size."""

import numpy as np
import pytest

from densewalk.ssl.metrics.pck import ALPHAS, HumanSize, JointDistances, human_size, over_size, pck, pck_curve

# What eval_pck.py of ajabri/videowalk (that of Liusifei/UVC) prints for PCK@.1 to @.5 on the clips of `_clips(seed)`;
# "longer-side" is the line that it has beside the published one.
_OFFICIAL: list[tuple[int, HumanSize, list[float]]] = [
    (0, "diagonal", [66.33068783, 82.03968254, 90.48412698, 96.8994709, 97.56613757]),
    (0, "longer-side", [75.0978836, 88.33597884, 96.15873016, 97.56613757, 100.0]),
    (1, "diagonal", [67.1043771, 85.91919192, 95.83838384, 98.11111111, 100.0]),
    (1, "longer-side", [79.56902357, 90.44107744, 98.66666667, 100.0, 100.0]),
    (2, "diagonal", [62.45769046, 85.2957043, 92.28926629, 97.20668221, 98.88111888]),
    (2, "longer-side", [74.59242609, 92.28926629, 97.81274281, 100.0, 100.0]),
]
# What CoTracker's evaluator counts nearer than 0.2 sqrt(area) on the videos of `_animal(seed)`.
_OFFICIAL_BADJA = [(0, 67.77777778), (1, 56.12244898), (2, 70.0)]


def _clips(seed: int) -> list[tuple[np.ndarray, np.ndarray, tuple[int, int]]]:
    """Joints of three clips as Matlab counts them, places on a grid of 40 x 40, -1 for lost ones, frame sizes."""
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(3):
        frames, size_hw = int(rng.integers(2, 9)), tuple(rng.integers(120, 400, 2).tolist())
        truth_TJ2 = rng.uniform(-20, (size_hw[1] + 20, size_hw[0] + 20), (frames, 15, 2))
        noise_TJ2 = rng.normal(size=(frames, 15, 2)) * rng.choice([0.5, 2, 6], (frames, 15, 1))
        node_TJ2 = np.clip((truth_TJ2 - 1) * (40 / size_hw[1], 40 / size_hw[0]) + noise_TJ2, 0, 39)
        lost_TJ = rng.random((frames, 15)) < 0.15
        clips.append((truth_TJ2, np.where(lost_TJ[..., None], -1, node_TJ2), size_hw))
    return clips


def _measured(distance_TJ: np.ndarray, counted_TJ: np.ndarray) -> JointDistances:
    asked_J = np.ones(distance_TJ.shape[1], bool)
    return JointDistances(distance_NJ=distance_TJ, counted_NJ=counted_TJ, asked_J=asked_J)


@pytest.mark.parametrize(("seed", "size", "expected"), _OFFICIAL)
def test_pck_is_that_of_the_published_code(seed: int, size: HumanSize, expected: list[float]) -> None:
    measured = []
    for truth_TJ2, node_TJ2, (height, width) in _clips(seed):
        counted_TJ = node_TJ2[..., 0] >= 0
        distance_TJ = np.hypot(*(node_TJ2 * (width / 40, height / 40) - (truth_TJ2 - 1)).transpose(2, 0, 1))
        distance_TJ = over_size(distance_TJ, human_size(truth_TJ2, counted_TJ, size))
        measured.append(_measured(distance_TJ[1:], counted_TJ[1:]))
    scores = JointDistances.pooled(measured).scores()
    assert [scores[f"PCK@{alpha:g}"] for alpha in ALPHAS[1::2]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("seed", "expected"), _OFFICIAL_BADJA)
def test_pck_by_area_is_that_of_the_published_code(seed: int, expected: float) -> None:
    rng = np.random.default_rng(seed)
    truth_TJ2 = rng.uniform(0, 300, (9, 20, 2))
    predicted_TJ2 = truth_TJ2 + rng.normal(size=(9, 20, 2)) * rng.choice([1, 6, 20, 60], (9, 20, 1))
    visible_TJ, area_T = rng.random((9, 20)) < 0.6, rng.integers(3000, 30000, 9)
    distance_TJ = over_size(np.hypot(*(predicted_TJ2 - truth_TJ2).transpose(2, 0, 1)), np.sqrt(area_T))
    assert pck(distance_TJ[1:][visible_TJ[1:]])["PCK@0.2"] == pytest.approx(expected, abs=1e-6)


def test_a_distance_of_exactly_alpha_counts_on_jhmdb_and_not_on_badja() -> None:
    distance_NJ = np.array([[0.25, 0.5]])
    scores = _measured(distance_NJ, np.ones((1, 2), bool)).scores()
    assert scores["PCK@0.2"] == 0
    assert scores["PCK@0.25"] == 50
    assert scores["PCK@0.5"] == 100
    assert pck(distance_NJ[0])["PCK@0.25"] == 0
    assert pck(distance_NJ[0])["PCK@0.5"] == 50
    assert pck(np.zeros(0)) == {}


def test_a_joint_given_and_never_predicted_has_nothing_right_and_one_never_given_does_not_count() -> None:
    counted_NJ = np.array([[True, False, False], [True, False, False]])
    measured = JointDistances(
        distance_NJ=np.zeros((2, 3)), counted_NJ=counted_NJ, asked_J=np.array([True, True, False])
    )
    assert measured.scores()["PCK@0.1"] == 50
    assert measured.scores()["lost"] == 50
    percent = [row["PCK@0.1"] for row in measured.by_joint()]
    assert percent[:2] == [100, 0]
    assert np.isnan(percent[2])
    assert JointDistances(distance_NJ=np.zeros((2, 3)), counted_NJ=counted_NJ, asked_J=np.zeros(3, bool)).scores() == {}


def test_the_size_of_a_person_comes_from_the_joints_that_count() -> None:
    joint_TJ2 = np.array([[[0.0, 0.0], [30.0, 40.0], [500.0, 0.0]]] * 3)
    counted_TJ = np.array([[True, True, False], [True, False, False], [False, False, False]])
    assert human_size(joint_TJ2, counted_TJ, "diagonal").tolist() == [30, 0, 0]
    assert human_size(joint_TJ2, counted_TJ, "longer-side").tolist() == [40, 0, 0]
    assert over_size(np.array([[0.0], [1.0]]), np.array([0.0, 2.0])).tolist() == [[np.inf], [0.5]]


def test_a_curve_begins_at_zero_and_rises() -> None:
    distance_NJ = np.random.default_rng(0).random((40, 15))
    alphas, percent = pck_curve(_measured(distance_NJ, np.ones((40, 15), bool)).scores())
    assert alphas == [0, *ALPHAS]
    assert percent == sorted(percent)
    assert percent[0] == 0
    assert percent[-1] == pytest.approx(50, abs=5)

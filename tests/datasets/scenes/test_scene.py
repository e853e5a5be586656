"""The truth of generated scenes, checked against itself in independent ways and against the pixels."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.layers import NUM_CLASSES
from densewalk.datasets.scenes.scene import Scene

SEEDS = range(6)
CALM = SceneConfig(height=72, width=96, brightness_drift=0.0)
NOT_SQUARE = SceneConfig(height=72, width=96)


def read_at(image_HWC: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear reading at raster points."""
    return cv2.remap(image_HWC, np.float32(x - 0.5), np.float32(y - 0.5), cv2.INTER_LINEAR)


def uniform(instances_HW: np.ndarray, reach: int) -> np.ndarray:
    """Where all pixels within `reach` show one layer."""
    window = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    return cv2.erode(instances_HW, window) == cv2.dilate(instances_HW, window)


def arrivals(scene: Scene, source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the pixels of a frame arrive, x and y, and which are visible there."""
    flow, visible = scene.flow(source, target)
    y, x = np.mgrid[: scene.config.height, : scene.config.width] + 0.5
    return np.float32(x + flow[0]), np.float32(y + flow[1]), visible


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("source", "target"), [(0, 1), (3, 2), (1, 6)])
def test_flow_there_and_back_is_the_identity_on_visible_pixels(seed: int, source: int, target: int) -> None:
    scene = Scene(NOT_SQUARE, seed)
    flow, _ = scene.flow(source, target)
    back, _ = scene.flow(target, source)
    x, y, visible = arrivals(scene, source, target)
    # Reading the way back between pixels is exact where they all lie on one layer, whose motion is affine.
    inner = (x > 1) & (x < 95) & (y > 1) & (y < 71)
    safe = visible & inner & (read_at(uniform(scene.instances(target), 1).astype(np.float32), x, y) == 1)
    assert safe.mean() > 0.3
    for axis in range(2):
        assert np.abs(flow[axis] + read_at(back[axis], x, y))[safe].max() < 1e-3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("source", "target"), [(0, 1), (4, 2), (0, 7)])
def test_visible_means_that_the_target_shows_the_same_layer_there(seed: int, source: int, target: int) -> None:
    scene = Scene(NOT_SQUARE, seed)
    x, y, visible = arrivals(scene, source, target)
    inside = (x >= 0) & (x <= 96) & (y >= 0) & (y <= 72)
    assert not visible[~inside].any()
    row, column = np.clip(np.floor(y).astype(int), 0, 71), np.clip(np.floor(x).astype(int), 0, 95)
    shown = scene.instances(target)
    # Nine pixels of one layer around a point leave no room for an outline, except beyond the outermost centres.
    inner = (x >= 0.5) & (x <= 95.5) & (y >= 0.5) & (y <= 71.5)
    clear = inner & uniform(shown, 1)[row, column]
    np.testing.assert_array_equal(visible[clear], (shown[row, column] == scene.instances(source))[clear])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("step", [1, -1])
def test_warping_the_next_frame_back_reproduces_this_one(seed: int, step: int) -> None:
    scene = Scene(CALM, seed)
    x, y, visible = arrivals(scene, 3, 3 + step)
    here, there = scene.frame(3).astype(np.float32), scene.frame(3 + step).astype(np.float32)
    at_target = read_at(uniform(scene.instances(3 + step), 2).astype(np.float32), x, y) == 1
    inner = (x > 1) & (x < 95) & (y > 1) & (y < 71)
    safe = visible & inner & uniform(scene.instances(3), 2) & at_target
    error = np.abs(read_at(there, x, y) - here)[safe].mean()
    still = np.abs(there - here)[safe].mean()
    assert safe.mean() > 0.2
    assert error < min(2.0, still / 4), f"{error} grey levels against {still} without motion"


@pytest.mark.parametrize("seed", SEEDS)
def test_flow_composes_over_an_intermediate_frame(seed: int) -> None:
    scene = Scene(NOT_SQUARE, seed)
    x, y, _ = arrivals(scene, 0, 2)
    middle, _ = scene.flow(2, 5)
    direct, _ = scene.flow(0, 5)
    first, _ = scene.flow(0, 2)
    same = uniform(scene.instances(2), 1)
    row, column = np.clip(np.floor(y).astype(int), 0, 71), np.clip(np.floor(x).astype(int), 0, 95)
    inner = (x > 1) & (x < 95) & (y > 1) & (y < 71)
    safe = inner & same[row, column] & (scene.instances(2)[row, column] == scene.instances(0))
    for axis in range(2):
        composed = first[axis] + read_at(middle[axis], x, y)
        assert np.abs(composed - direct[axis])[safe].max() < 2e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_tracks_agree_with_flow_and_with_instances(seed: int) -> None:
    scene = Scene(NOT_SQUARE, seed)
    track, visible = scene.tracks(80, np.random.default_rng(seed))
    assert track.shape == (80, 8, 2)
    assert visible.shape == (80, 8)
    assert visible.any(1).all(), "every point is seen somewhere"
    for source in range(8):
        shown = scene.instances(source)
        x, y = track[:, source].T
        row, column = np.clip(np.floor(y).astype(int), 0, 71), np.clip(np.floor(x).astype(int), 0, 95)
        inner = (x > 1) & (x < 95) & (y > 1) & (y < 71)
        safe = visible[:, source] & inner & uniform(shown, 1)[row, column]
        for target in range(8):
            flow, _ = scene.flow(source, target)
            moved = np.stack([read_at(flow[axis], x[None], y[None])[0] for axis in range(2)], axis=1)
            assert np.abs(track[:, source] + moved - track[:, target])[safe].max() < 1e-3


def test_hidden_track_points_are_behind_something_or_outside() -> None:
    in_front = []
    for seed in SEEDS:
        scene = Scene(NOT_SQUARE, seed)
        track, visible = scene.tracks(100, np.random.default_rng(seed))
        for t in range(8):
            x, y = track[:, t].T
            inside = (x >= 0) & (x <= 96) & (y >= 0) & (y <= 72)
            assert not visible[~inside, t].any()
            row, column = np.clip(np.floor(y).astype(int), 0, 71), np.clip(np.floor(x).astype(int), 0, 95)
            in_front.append(scene.instances(t)[row, column][inside & ~visible[:, t]] > 0)
    hidden = np.concatenate(in_front)
    assert len(hidden) > 50
    assert hidden.mean() > 0.95, "but for pixels that an outline cuts"


def test_track_points_are_shared_out_over_layers_and_background() -> None:
    shares = []
    for seed in SEEDS:
        scene = Scene(NOT_SQUARE, seed)
        track, visible = scene.tracks(200, np.random.default_rng(seed))
        for t in range(8):
            seen = track[visible[:, t], t]
            shown = scene.instances(t)[np.clip(seen[:, 1].astype(int), 0, 71), np.clip(seen[:, 0].astype(int), 0, 95)]
            shares.append((shown > 0).mean())
    assert 0.4 < np.mean(shares) < 0.9


def test_flow_of_a_frame_to_itself_is_nothing_and_all_visible() -> None:
    flow, visible = Scene(NOT_SQUARE, 0).flow(2, 2)
    assert np.abs(flow).max() < 1e-4
    assert visible.all()


def test_objects_move_against_a_moving_background_and_occlude_it() -> None:
    displacements, hidden, hiding = [], 0, 0
    for seed in range(20):
        scene = Scene(SceneConfig(), seed)
        flow, visible = scene.flow(2, 3)
        length = np.hypot(*flow)
        displacements.append(length.mean())
        assert length[scene.instances(2) == 0].mean() > 0.3
        x, y, _ = arrivals(scene, 2, 3)
        hidden += int((~visible & (x > 0) & (x < 96) & (y > 0) & (y < 96)).sum())
        hiding += len(np.unique(scene.instances(2))) - 1
    assert 2.5 < np.mean(displacements) < 4.0
    assert hidden > 20 * 100
    assert hiding > 20 * 1.5


def test_motion_never_exceeds_the_limits_of_the_configuration() -> None:
    config = SceneConfig(max_rotation_degrees=0.0, max_scale_rate=0.0, max_speed_px=3.0, max_background_speed_px=1.0)
    for seed in range(5):
        scene = Scene(config, seed)
        for t in range(0, 40, 7):
            length, layer = np.hypot(*scene.flow(t, t + 1)[0]), scene.instances(t)
            assert length[layer == 0].max(initial=0) <= 1.0 + 1e-4
            assert length[layer > 0].max(initial=0) <= 3.0 + 1e-4
    still = Scene(SceneConfig(**dict.fromkeys(RATES, 0.0), brightness_drift=0.0), 3)
    np.testing.assert_array_equal(still.frame(0), still.frame(500))


RATES = ("max_speed_px", "max_background_speed_px", "max_rotation_degrees", "max_scale_rate")


def test_long_clips_stay_populated() -> None:
    scene = Scene(SceneConfig(num_layers=(4, 4)), 2)
    covers = [(scene.instances(t) > 0).mean() for t in range(0, 3000, 100)]
    assert np.mean(covers) > 0.1
    assert min(covers) > 0.01


def test_classes_follow_instances_and_all_appear() -> None:
    seen: set[int] = set()
    for seed in range(40):
        scene = Scene(SceneConfig(height=48, width=48), seed)
        instances, semantics = scene.instances(0), scene.semantics(0)
        np.testing.assert_array_equal(instances == 0, semantics == 0)
        for index in np.unique(instances):
            assert len(np.unique(semantics[instances == index])) == 1
        seen.update(np.unique(semantics).tolist())
    assert seen == set(range(NUM_CLASSES))


def test_the_light_drifts_only_when_asked() -> None:
    still = dict.fromkeys(RATES, 0.0)
    for drift in (0.0, 0.4):
        scene = Scene(SceneConfig(brightness_drift=drift, **still), 1)
        change = np.abs(scene.frame(0).astype(int) - scene.frame(6)).mean()
        assert change == 0 if drift == 0 else 3 < change < 60
        assert np.abs(scene.frame(0).astype(int) - scene.frame(1)).mean() <= max(0, 0.3 * 255 * drift)


def test_the_truth_does_not_depend_on_the_light() -> None:
    dark, calm = Scene(NOT_SQUARE, 4), Scene(CALM, 4)
    np.testing.assert_array_equal(dark.instances(3), calm.instances(3))
    np.testing.assert_array_equal(dark.flow(1, 2)[0], calm.flow(1, 2)[0])


def test_frames_are_functions_of_time_alone_and_a_video_is_its_frames() -> None:
    scene = Scene(SceneConfig(height=40, width=56, num_frames=3), 8)
    late, video = scene.frame(2), scene.video()
    assert video.shape == (3, 40, 56, 3)
    assert video.dtype == np.uint8
    np.testing.assert_array_equal(video[2], late)
    assert len({frame.tobytes() for frame in video}) == 3


def test_a_seed_gives_the_same_scene_in_every_process() -> None:
    program = (
        "import hashlib; from densewalk.datasets.scenes.scene import Scene;"
        "from densewalk.datasets.scenes.config import SceneConfig;"
        "s = Scene(SceneConfig(height=40, width=56), 77);"
        "print(hashlib.sha256(s.frame(3).tobytes() + s.flow(3, 1)[0].tobytes()).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 64
    assert not np.array_equal(Scene(NOT_SQUARE, 1).frame(0), Scene(NOT_SQUARE, 2).frame(0))


def test_a_scene_may_have_no_objects() -> None:
    scene = Scene(SceneConfig(num_layers=(0, 0), height=40, width=40), 0)
    assert not scene.instances(0).any()
    x, y, visible = arrivals(scene, 0, 3)
    np.testing.assert_array_equal(visible, (x >= 0) & (x <= 40) & (y >= 0) & (y <= 40))

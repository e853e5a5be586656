"""Motion of every pixel between any two frames, against rays and matrices."""

import numpy as np
import pytest
from scipy.ndimage import minimum_filter

from densewalk.datasets.readers.clips.movi_motion import dense_motion
from tests.boxes_in_space import BoxScene
from tests.datasets.readers.clips.conftest import MadeMovi


def _truly_seen(made: BoxScene, source: int, target: int) -> np.ndarray:
    shown = made.frames[source]
    world = shown.world.copy()
    for box in range(made.num_boxes):
        mine = shown.segment == box + 1
        world[mine] = made.world(box, shown.place[mine] - 0.5, target)
    return made.sees(world, target)


@pytest.mark.parametrize("pair", [(0, 5), (5, 0), (2, 3), (3, 3)])
def test_every_pixel_goes_where_its_surface_goes(movi: MadeMovi, pair: tuple[int, int]) -> None:
    for clip, made in enumerate(movi.scenes):
        motion = dense_motion(movi.open().scene(clip), [pair])
        true = made.moved(*pair) - made.centres
        assert np.abs(motion.flow_BP2HW[0, 0].numpy().transpose(1, 2, 0) - true).max() < 0.01
        visible, seen = motion.visible_BPHW[0, 0].numpy(), _truly_seen(made, *pair)
        assert (visible & ~seen).mean() < 0.02
        assert (seen & ~visible).mean() < 0.002


def test_occlusion_differs_from_the_truth_along_borders_only(movi: MadeMovi) -> None:
    differing = 0
    for clip, made in enumerate(movi.scenes):
        visible = dense_motion(movi.open().scene(clip), [(0, 4)]).visible_BPHW[0, 0].numpy()
        wrong = visible != _truly_seen(made, 0, 4)
        arrival = made.moved(0, 4)[wrong]
        # Seen or not, a point in dispute arrives within 1.5 px of where the other would be.
        step = np.array([[x, y] for x in (-1.5, 0, 1.5) for y in (-1.5, 0, 1.5)])
        around = made.cast(4, (arrival[:, None] + step).clip(0, made.side))
        reach = np.ptp(around.distance, axis=1) / around.distance.min(axis=1)
        is_border = (np.ptp(around.segment, axis=1) > 0) | (reach > 0.02)
        at_edge = (np.abs(arrival - made.side / 2) > made.side / 2 - 1.5).any(axis=1)
        assert (is_border | at_edge).all()
        differing += wrong.sum()
    assert differing, "nothing was in dispute, so nothing was tested"


def test_rendered_flow_of_neighbours_agrees(movi: MadeMovi) -> None:
    scene = movi.open().scene(2)
    motion = dense_motion(scene, [(1, 2), (2, 1)])
    assert np.abs(motion.flow_BP2HW[0, 0].numpy() - scene.forward_flow(1)).max() < 0.01
    assert np.abs(motion.flow_BP2HW[0, 1].numpy() - scene.backward_flow(2)).max() < 0.01


def test_pixels_with_a_damaged_pose_are_not_called_visible(movi: MadeMovi, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = movi.open().scene(0)
    boxes = scene.boxes(3)
    boxes[0, 1] += 0.7
    monkeypatch.setattr(scene, "boxes", lambda _: boxes)
    motion = dense_motion(scene, [(1, 3), (3, 1)])
    mine = scene.segmentation([1])[0] == 1
    assert mine.sum() > 20
    assert not motion.visible_BPHW[0, 0].numpy()[mine].any()
    others = minimum_filter(~mine, 3)
    assert motion.visible_BPHW[0, 0].numpy()[others].mean() > 0.8


def test_a_scene_without_objects_moves_by_its_camera_alone() -> None:
    from densewalk.datasets.readers.clips.movi_scene import MoviScene
    from densewalk.datasets.readers.clips.tfrecord_example import ExampleReader
    from tests.movi_records import as_integers, example, scene_features

    made = BoxScene(3, num_frames=4, side=32, boxes=0)
    content = example(as_integers(scene_features(made)))
    scene = MoviScene(ExampleReader(lambda offset, size: content[offset : offset + size], len(content), "empty"))
    motion = dense_motion(scene, [(0, 3)])
    assert np.abs(motion.flow_BP2HW[0, 0].numpy().transpose(1, 2, 0) - made.moved(0, 3) + made.centres).max() < 0.01

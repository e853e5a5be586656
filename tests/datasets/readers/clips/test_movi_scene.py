"""The layers of a MOVi scene against the geometry that made them."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.movi_scene import MoviScene
from densewalk.datasets.readers.clips.tfrecord_example import ExampleReader
from tests.boxes_in_space import BoxScene
from tests.datasets.readers.clips.conftest import MadeMovi
from tests.movi_records import as_integers, example, scene_features

FRAMES = [4, 1]


def _scene(**changes: object) -> MoviScene:
    features = as_integers(scene_features(BoxScene(7, num_frames=3, side=32)))
    content = example({name: value for name, value in (features | changes).items() if value is not None})
    return MoviScene(ExampleReader(lambda offset, size: content[offset : offset + size], len(content), "clip x"))


def test_layers_are_what_the_rays_met(movi: MadeMovi) -> None:
    scene, made = movi.open().scene(0), movi.scenes[0]
    shown = [made.frames[frame] for frame in FRAMES]
    assert scene.name == "0-0"
    assert (scene.num_frames, scene.size_hw) == (6, (64, 64))
    assert np.array_equal(scene.segmentation(FRAMES), np.stack([frame.segment for frame in shown]))
    assert np.abs(scene.depth(FRAMES) - np.stack([frame.distance for frame in shown])).max() < 1e-3
    assert np.abs(scene.normals(FRAMES) - np.stack([frame.normal for frame in shown])).max() < 1e-4
    is_object = scene.segmentation(FRAMES) > 0
    places = np.stack([frame.place for frame in shown]) - 0.5
    assert np.abs(scene.object_coordinates(FRAMES) - places)[is_object].max() < 1e-4


def test_flow_is_x_y_and_leads_away_from_the_frame(movi: MadeMovi) -> None:
    for clip, made in enumerate(movi.scenes):
        scene = movi.open().scene(clip)
        ahead, behind = (made.moved(2, target) - made.centres for target in (3, 1))
        assert np.abs(scene.forward_flow(2).transpose(1, 2, 0) - ahead).max() < 1e-3
        assert np.abs(scene.backward_flow(2).transpose(1, 2, 0) - behind).max() < 1e-3
        assert np.abs(ahead).max() > 1, "a scene that does not move proves nothing"


def test_layers_that_do_not_fit_are_told() -> None:
    good = scene_features(BoxScene(7, num_frames=3, side=32))
    with pytest.raises(DataError, match="depth of clip x has 2 frames; expected 3"):
        _scene(depth=good["depth"][:2]).depth([0])
    with pytest.raises(DataError, match=r"frame 1 of video of clip x: a PNG of .* \(32, 32, 1, 16\); expected"):
        _scene(video=good["depth"]).video([1])
    with pytest.raises(DataError, match="clip x: forward_flow has 100 values"):
        _scene(forward_flow=np.arange(100)).forward_flow(0)
    with pytest.raises(DataError, match="clip x: camera/positions has 7 values"):
        _ = _scene(**{"camera/positions": np.ones(7, np.float32)}).camera
    with pytest.raises(DataError, match="not finite"):
        _ = _scene(**{"camera/positions": np.full((3, 3), np.nan, np.float32)}).camera
    with pytest.raises(DataError, match="0 frames of 32 x 32 pixels"):
        _scene(**{"metadata/num_frames": np.array([0])})
    with pytest.raises(DataError, match="has no feature 'normal'"):
        _scene(normal=None).normals([0])
    with pytest.raises(DataError, match="shows object 9, and has 3 boxes"):
        _scene().boxes(9)
    with pytest.raises(DataError, match="there is no frame 3"):
        _scene().forward_flow(3)
    with pytest.raises(DataError, match="expected one with number 3"):
        _scene().video([3])


@pytest.mark.parametrize("place", [0, 20, 45, 200, -20, -6])
def test_a_flipped_byte_of_a_picture_is_told(place: int) -> None:
    pictures = scene_features(BoxScene(7, num_frames=3, side=32))["video"]
    content = bytearray(pictures[1])
    content[place] ^= 4
    scene = _scene(video=[pictures[0], bytes(content), pictures[2]])
    assert scene.video([0, 2]).shape == (2, 32, 32, 3)
    with pytest.raises(DataError, match="frame 1 of video of clip x"):
        scene.video([0, 1])
    with pytest.raises(DataError, match="frame 1 of video of clip x"):
        _scene(video=[pictures[0], pictures[1][:-30], pictures[2]]).video([1])

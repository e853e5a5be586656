"""BADJA's layout as it is published and with DAVIS in 480p: places, order of coordinates, areas; and what is amiss."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.joints.badja import BADJA_JOINTS, BADJA_SEQUENCES, find_animals

SIZE_HW = (54, 96)
ANNOTATED = (2, 4, 5)


def _entry(
    name: str, frame: int, joint: list[int], *, folder: str = "DAVIS/JPEGImages/Full-Resolution"
) -> dict[str, Any]:
    """Joint 8, the first of those in use, is at `joint` (row, column); the others are where annotators leave them."""
    joints = [[0, 0]] * 37
    joints[8] = joint
    return {
        "image_path": f"{folder}/{name}/{frame:05d}.jpg",
        "segmentation_path": f"DAVIS/Annotations/Full-Resolution/{name}/{frame:05d}.png",
        "joints": joints,
        "visibility": [slot == 8 for slot in range(37)],
    }


@pytest.fixture
def make_badja(tmp_path: Path) -> Callable[..., Path]:
    """Returns a maker of the seven sequences, frames 2 to 5 of each, annotated in frames 2, 4 and 5."""

    def make(*, davis: str = "DAVIS", joints: str = "joint_annotations", resolution: str = "Full-Resolution") -> Path:
        (tmp_path / joints).mkdir()
        for number, name in enumerate(BADJA_SEQUENCES):
            entries = [_entry(name, frame, [10 + frame, 20 + number]) for frame in ANNOTATED]
            (tmp_path / joints / f"{name}.json").write_text(json.dumps(entries))
            for kind, ending in (("JPEGImages", "jpg"), ("Annotations", "png")):
                folder = tmp_path / davis / kind / resolution / name
                folder.mkdir(parents=True)
                for frame in range(7):
                    image = np.zeros(SIZE_HW, np.uint8)
                    image[:frame, :8] = 255
                    Image.fromarray(image).save(folder / f"{frame:05d}.{ending}")
        return tmp_path

    return make


def test_videos_run_from_the_first_annotated_frame_to_the_last(make_badja: Callable[..., Path]) -> None:
    videos, left_out = find_animals(make_badja(), raster_hw=(108, 48))
    assert [video.name for video in videos] == list(BADJA_SEQUENCES)
    assert left_out == ()
    for number, video in enumerate(videos):
        assert len(video.frames) == 4
        assert video.frames.shape == (4, 108, 48, 3)
        assert video.frames[3].shape == (108, 48, 3)
        assert video.visible_TJ[:, 0].tolist() == [True, False, True, True]
        assert not video.visible_TJ[:, 1:].any()
        # (row, column) in the raster of the file becomes (x, y), twice as high and half as wide
        assert video.joint_TJ2[2, 0] == pytest.approx(((20 + number + 0.5) / 2, (14 + 0.5) * 2))
        assert video.area_px(1) == 3 * 2 * 8 / 2
        assert video.resolution == "Full-Resolution"


@pytest.mark.parametrize("resolution", ["480p", "1080p"])
def test_davis_in_another_resolution_takes_joints_from_1920_x_1080(
    resolution: str, make_badja: Callable[..., Path]
) -> None:
    root = make_badja(davis="davis2016", joints="badja_joints", resolution=resolution)
    videos, _ = find_animals(root, raster_hw=(108, 192))
    assert videos[0].joint_TJ2[0, 0] == pytest.approx((20.5 / 10, 12.5 / 10))
    assert videos[0].resolution == resolution


def test_coloured_masks_count_where_there_is_red(make_badja: Callable[..., Path]) -> None:
    root = make_badja()
    mask_HW = np.zeros(SIZE_HW, np.uint8)
    mask_HW[:, :10], mask_HW[:, 10:30] = 1, 2
    image = Image.fromarray(mask_HW, "P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.save(root / "DAVIS/Annotations/Full-Resolution/bear/00002.png")
    assert find_animals(root, raster_hw=SIZE_HW)[0][0].area_px(0) == 10 * SIZE_HW[0]


def test_incomplete_sequences_are_an_error_unless_what_is_present_is_asked_for(make_badja: Callable[..., Path]) -> None:
    root = make_badja()
    (root / "DAVIS/JPEGImages/Full-Resolution/cows/00003.jpg").unlink()
    (root / "joint_annotations/dog.json").unlink()
    with pytest.raises(
        DataError, match=r"2 of the 7.*lacks DAVIS/JPEGImages/Full-Resolution/cows/00003.jpg.*no joint_"
    ):
        find_animals(root, raster_hw=SIZE_HW)
    videos, left_out = find_animals(root, raster_hw=SIZE_HW, sequences="present")
    assert [video.name for video in videos] == [n for n in BADJA_SEQUENCES if n not in ("cows", "dog")]
    assert left_out == ("cows", "dog")
    with pytest.raises(DataError, match=r"nowhere is no folder.*github.com/benjiebob/BADJA"):
        find_animals(root / "nowhere", raster_hw=SIZE_HW)


def test_sequences_that_are_not_of_davis_are_outside_the_protocol(make_badja: Callable[..., Path]) -> None:
    root = make_badja()
    entries = [_entry("rgb", frame, [1, 2], folder="extra_videos/rs_dog") for frame in (0, 1)]
    (root / "joint_annotations/rs_dog.json").write_text(json.dumps(entries))
    videos, left_out = find_animals(root, raster_hw=SIZE_HW, sequences="present")
    assert len(videos) == 7
    assert left_out == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "bear.json is no annotation"),
        ("[]", "bear.json holds"),
        (json.dumps([{"joints": [], "visibility": []}]), "no annotation of BADJA: KeyError"),
        (json.dumps([_entry("bear", 1, [1, 2]) | {"visibility": [True]}]), "expected 37 x 2 and 37"),
        (json.dumps([_entry("bear", f, [1, 2]) for f in (3, 2)]), "order of time"),
    ],
)
def test_annotations_of_another_kind_are_named(content: str, message: str, make_badja: Callable[..., Path]) -> None:
    root = make_badja()
    (root / "joint_annotations/bear.json").write_text(content)
    with pytest.raises(DataError, match=message):
        find_animals(root, raster_hw=SIZE_HW)


@pytest.mark.real_data
def test_real_joints_lie_on_the_animals(real_data: Path) -> None:
    """All but a few of the visible joints are on the mask or within 2 % of the raster's width of it."""
    videos, left_out = find_animals(real_data, raster_hw=(480, 854), sequences="present")
    assert {video.name for video in videos} >= {"dog-agility", "horsejump-low"}
    assert set(left_out).isdisjoint(video.name for video in videos)
    assert len(BADJA_JOINTS) == 20
    for video in videos:
        for frame in np.flatnonzero(video.visible_TJ.any(1)):
            mask_HW = np.asarray(Image.open(video.mask_files[frame]).convert("L")) > 0
            away_HW = cv2.distanceTransform((~mask_HW).astype(np.uint8), cv2.DIST_L2, 5)
            x_J, y_J = video.joint_TJ2[frame, video.visible_TJ[frame]].astype(int).T
            assert (away_HW[y_J.clip(0, 479), x_J.clip(0, 853)] < 17).mean() > 0.8

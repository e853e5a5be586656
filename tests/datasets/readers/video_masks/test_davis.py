"""DAVIS in its published layouts, whole and half there."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.davis import read_davis
from tests.video_mask_layouts import SIZE_HW, save_davis, save_davis_2016, walking_squares


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return save_davis(tmp_path, {"judo": walking_squares(2), "bear": walking_squares(1)})


def test_sequences_come_in_the_order_of_the_list_with_frames_and_masks_on_demand(davis: Path) -> None:
    data = read_davis(davis, year="2017")
    assert [video.name for video in data.videos] == ["judo", "bear"]
    assert data.has_truth
    assert data.left_out == ()
    judo = data.videos[0]
    assert judo.frames.shape == (6, *SIZE_HW, 3)
    assert judo.frame_names[:2] == ("00000", "00001")
    assert len(list(judo.frames)) == 6
    assert np.abs(judo.frames[0][5, 5].astype(int) - (220, 30, 30)).max() < 12
    np.testing.assert_array_equal(np.stack([judo.mask(t) for t in range(6)]), walking_squares(2))


def test_davis_2016_has_one_object_whatever_its_number(davis: Path, tmp_path: Path) -> None:
    data = read_davis(save_davis_2016(tmp_path / "2016", {"bear": walking_squares(2)}), year="2016")
    np.testing.assert_array_equal(data.videos[0].mask(3), walking_squares(2)[3] > 0)
    (davis / "ImageSets/2016").mkdir()
    (davis / "ImageSets/2016/val.txt").write_text("judo\n")
    (only,) = read_davis(davis, year="2016").videos
    np.testing.assert_array_equal(only.mask(3), walking_squares(2)[3] > 0)


def test_missing_files_are_named_with_the_sequence_and_where_to_get_them(davis: Path) -> None:
    (davis / "Annotations/480p/judo/00003.png").unlink()
    (davis / "JPEGImages/480p/judo/00005.jpg").unlink()
    with pytest.raises(
        DataError, match=r"1 of the 2 sequences .* \(judo: lacks 00005.jpg, 00003.png\); sequences=present"
    ):
        read_davis(davis, year="2017")
    with pytest.raises(DataError, match=r"davischallenge\.org.*Creative Commons"):
        read_davis(davis, year="2017")
    data = read_davis(davis, year="2017", sequences="present")
    assert [video.name for video in data.videos] == ["bear"]
    assert data.left_out == ("judo",)


def test_a_frame_absent_from_the_middle_of_both_folders_is_noticed(davis: Path) -> None:
    (davis / "Annotations/480p/bear/00002.png").unlink()
    (davis / "JPEGImages/480p/bear/00002.jpg").unlink()
    with pytest.raises(DataError, match=r"bear: lacks 00002.jpg"):
        read_davis(davis, year="2017")


def test_a_frame_that_the_list_of_2016_names_must_be_there(tmp_path: Path) -> None:
    root = save_davis_2016(tmp_path, {"bear": walking_squares(1), "cow": walking_squares(1)})
    (root / "Annotations/480p/cow/00005.png").unlink()
    (root / "JPEGImages/480p/cow/00005.jpg").unlink()
    with pytest.raises(DataError, match=r"cow: lacks 00005.jpg"):
        read_davis(root, year="2016")


def test_data_that_is_not_there_at_all_is_told_apart(davis: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent does not exist; expected under the folder"):
        read_davis(tmp_path / "absent", year="2017")
    with pytest.raises(DataError, match=r"no ImageSets/2016/val.txt or ImageSets/480p/val.txt \(option split=val\)"):
        read_davis(davis, year="2016")
    with pytest.raises(
        DataError, match=r"no ImageSets/2017/train.txt \(option split=train\); found ImageSets/2017/val.txt"
    ):
        read_davis(davis, year="2017", split="train")
    (davis / "ImageSets/2017/train.txt").write_text("dog\n")
    with pytest.raises(DataError, match=r"1 of the 1 sequences .*dog: no frame"):
        read_davis(davis, year="2017", split="train", sequences="present")
    (davis / "ImageSets/2017/train.txt").write_text("\n")
    with pytest.raises(DataError, match="lists no sequence"):
        read_davis(davis, year="2017", split="train")
    (davis / "ImageSets/2017/train.txt").write_text("a/b c\n")
    with pytest.raises(DataError, match="line 1 of"):
        read_davis(davis, year="2017", split="train")


def test_a_test_split_has_first_masks_and_no_truth(tmp_path: Path) -> None:
    root = save_davis(tmp_path, {"judo": walking_squares(2)}, split="test-dev")
    assert read_davis(root, year="2017", split="test-dev").has_truth
    for frame in range(1, 6):
        (root / f"Annotations/480p/judo/{frame:05d}.png").unlink()
    data = read_davis(root, year="2017", split="test-dev")
    assert not data.has_truth
    assert list(data.videos[0].mask_files) == [0]
    (root / "Annotations/480p/judo/00000.png").unlink()
    with pytest.raises(DataError, match=r"judo: lacks 00000\.png"):
        read_davis(root, year="2017", split="test-dev")


def test_a_sequence_too_short_to_be_scored_is_not_whole(tmp_path: Path) -> None:
    root = save_davis(tmp_path, {"judo": walking_squares(2, frames=2)})
    with pytest.raises(DataError, match="judo: has 2 frames, of which none is scored"):
        read_davis(root, year="2017")


def test_damaged_and_odd_frames_are_named_when_they_are_read(davis: Path) -> None:
    path = davis / "JPEGImages/480p/judo/00002.jpg"
    path.write_bytes(path.read_bytes()[:200])
    Image.new("RGB", (10, 10)).save(davis / "JPEGImages/480p/judo/00003.jpg")
    judo = read_davis(davis, year="2017").videos[0]
    with pytest.raises(DataError, match=r"cannot decode .*00002.jpg"):
        judo.frames[2]
    with pytest.raises(DataError, match=r"00003.jpg has \(10, 10\) rows and columns"):
        judo.frames[3]


def test_masks_of_another_size_are_fitted_and_told(davis: Path) -> None:
    path = davis / "Annotations/480p/judo/00001.png"
    Image.open(path).crop((0, 0, SIZE_HW[1] - 1, SIZE_HW[0])).save(path)
    judo = read_davis(davis, year="2017").videos[0]
    assert judo.mask(1).shape == SIZE_HW
    (row,) = judo.misfits(judo.mask_files)
    assert (row["frame"], row["mask_size"], row["frame_size"]) == ("00001", "47 x 32", "48 x 32")


@pytest.mark.real_data
def test_the_real_sequences_of_2016_are_whole(real_data: Path) -> None:
    data = read_davis(real_data / "davis2016", year="2016", split="train")
    lengths = {video.name: len(video.frames) for video in data.videos}
    assert lengths == {"dog-agility": 25, "rollerblade": 35, "surf": 55, "horsejump-low": 60}
    surf = data.videos[2]
    assert surf.size_hw == surf.mask(0).shape == (480, 854)
    assert set(np.unique(surf.mask(10))) == {0, 1}

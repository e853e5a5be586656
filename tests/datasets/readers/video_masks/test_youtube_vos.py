"""YouTube-VOS in its published layout, whole and half there."""

import json
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.youtube_vos import read_youtube_vos
from tests.video_mask_layouts import save_youtube_vos


def test_objects_come_in_where_meta_says(tmp_path: Path) -> None:
    data = read_youtube_vos(save_youtube_vos(tmp_path, split="train"), split="train")
    assert data.has_truth
    assert [(video.name, dict(video.entries)) for video in data.videos] == [
        ("003234408d", {1: 0, 2: 0}),
        ("0043f083b5", {1: 0, 2: 2}),
    ]
    assert data.videos[0].frame_names == ("00000", "00005", "00010", "00015", "00020", "00025")
    assert sorted(data.videos[0].mask_files) == [0, 1, 2, 3, 4, 5]


def test_first_masks_alone_are_no_truth(tmp_path: Path) -> None:
    data = read_youtube_vos(save_youtube_vos(tmp_path, split="valid", only_first=True), split="valid")
    assert not data.has_truth
    assert [sorted(video.mask_files) for video in data.videos] == [[0], [0, 2]]


def test_half_a_video_is_named(tmp_path: Path) -> None:
    root = save_youtube_vos(tmp_path, split="train")
    (root / "train/Annotations/0043f083b5/00015.png").unlink()
    (root / "train/JPEGImages/0043f083b5/00020.jpg").unlink()
    with pytest.raises(
        DataError, match=r"0043f083b5: lacks 00020.jpg, 00015.png\); sequences=present .*youtube-vos.org"
    ):
        read_youtube_vos(root, split="train")
    data = read_youtube_vos(root, split="train", sequences="present")
    assert ([video.name for video in data.videos], data.left_out) == (["003234408d"], ("0043f083b5",))


def test_a_first_mask_must_be_there_even_without_truth(tmp_path: Path) -> None:
    root = save_youtube_vos(tmp_path, split="valid", only_first=True)
    (root / "valid/Annotations/0043f083b5/00010.png").unlink()
    with pytest.raises(DataError, match=r"0043f083b5: lacks 00010\.png"):
        read_youtube_vos(root)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "of another kind"),
        ('{"videos": {"a": {}}}', "lacks 'objects'"),
        ('{"videos": {}}', "names no video"),
        ('{"videos": {"a": {"objects": {}}}}', "video a has no object"),
        ('{"videos": {"a": {"objects": {"1": {"frames": []}}}}}', "without frames"),
    ],
)
def test_a_damaged_list_is_named(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "valid").mkdir()
    (tmp_path / "valid/meta.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        read_youtube_vos(tmp_path)


def test_an_absent_split_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks valid/meta.json; expected under the folder: <split>/JPEGImages"):
        read_youtube_vos(tmp_path)


def test_numbers_of_frames_decide_their_order(tmp_path: Path) -> None:
    root = save_youtube_vos(tmp_path, split="train")
    meta = json.loads((root / "train/meta.json").read_text())
    for entry in meta["videos"]["003234408d"]["objects"].values():
        entry["frames"].reverse()
    (root / "train/meta.json").write_text(json.dumps(meta))
    assert read_youtube_vos(root, split="train").videos[0].entries == {1: 0, 2: 0}

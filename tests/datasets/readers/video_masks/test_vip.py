"""VIP in its published layout, whole and half there."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.vip import VIP_CLASSES, read_vip
from tests.video_mask_layouts import save_vip


def test_videos_come_in_the_order_of_the_list_with_their_categories(tmp_path: Path) -> None:
    data = read_vip(save_vip(tmp_path))
    assert [video.name for video in data.videos] == ["videos3", "videos20"]
    assert np.unique(data.videos[1].mask(0)).tolist() == [0, 2, 13, 19]
    assert sorted(data.videos[0].mask_files) == list(range(6))
    assert len(VIP_CLASSES) == 20


def test_half_a_video_is_named(tmp_path: Path) -> None:
    root = save_vip(tmp_path)
    (root / "Annotations/Category_ids/videos3/000000000026.png").unlink()
    with pytest.raises(DataError, match=r"videos3: lacks 000000000026.png\); sequences=present"):
        read_vip(root)
    data = read_vip(root, sequences="present")
    assert ([video.name for video in data.videos], data.left_out) == (["videos20"], ("videos3",))


def test_an_absent_list_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks lists/val_videos.txt; expected under the folder: .*Category_ids"):
        read_vip(tmp_path)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/val_videos.txt").write_text("\n")
    with pytest.raises(DataError, match="lists no video"):
        read_vip(tmp_path)

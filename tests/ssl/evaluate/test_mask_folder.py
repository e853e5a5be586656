"""Finished masks as a subject of their own."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.video_masks.davis import read_davis
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from tests.video_mask_layouts import save_davis, save_masks, walking_squares


@pytest.fixture
def video(tmp_path: Path) -> MaskedVideo:
    (video,) = read_davis(save_davis(tmp_path / "davis", {"judo": walking_squares(2)}), year="2017").videos
    return video


def test_masks_are_read_by_the_names_of_the_frames_and_empty_where_none_is(video: MaskedVideo, tmp_path: Path) -> None:
    truth = walking_squares(2)
    save_masks(tmp_path / "made/judo", {f"{t:05d}": truth[t] for t in range(1, 5)})
    masks = MaskFolder(tmp_path / "made").masks(video, scored=range(1, 5), num_labels=2)
    assert not masks[[0, 5]].any()
    np.testing.assert_array_equal(masks[1:5], truth[1:5])


def test_void_is_allowed_among_labels(video: MaskedVideo, tmp_path: Path) -> None:
    made = walking_squares(2)
    made[:, 0] = 255
    save_masks(tmp_path / "made/judo", made)
    assert (MaskFolder(tmp_path / "made").masks(video, scored=range(1, 5), num_labels=2)[:, 0] == 255).all()


def test_it_offers_masks_and_nothing_else(tmp_path: Path) -> None:
    assert MaskFolder(tmp_path).offers == {"masks"}
    with pytest.raises(DataError, match="no folder of masks at"):
        MaskFolder(tmp_path / "absent")

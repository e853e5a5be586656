"""Data sets of flow in their true layouts: which images belong to which flow, and what is said when some are absent."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.flow import FLOW_SETS
from densewalk.datasets.readers.flow.pairs import FlowPairs, leaves_image
from tests.published_flow import (
    SIZE_HW,
    WRITERS,
    write_chairs,
    write_kitti,
    write_sintel,
    write_things,
    write_things_subset,
)


def opened(name: str, root: Path, split: str | None = None) -> FlowPairs:
    return FLOW_SETS[name].open(root, split or FLOW_SETS[name].splits[0])


def names(pairs: FlowPairs) -> list[str]:
    return [pairs[number].name for number in range(len(pairs))]


def rgb(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_chairs_are_those_of_the_split_in_the_list(tmp_path: Path) -> None:
    writer = write_chairs(tmp_path, "1221")
    pairs = opened("chairs", tmp_path)
    assert (pairs.split, names(pairs)) == ("validation", ["00002", "00003"])
    assert np.array_equal(pairs[1].truth.flow_2HW, writer.flows[2])
    assert np.array_equal(pairs[1].first_HWC, rgb(tmp_path / "data/00003_img1.ppm"))
    assert np.array_equal(pairs[1].second_HWC, rgb(tmp_path / "data/00003_img2.ppm"))
    assert names(opened("chairs", tmp_path, "training")) == ["00001", "00004"]
    assert names(opened("chairs", tmp_path, "all")) == ["00001", "00002", "00003", "00004"]
    assert names(opened("chairs", tmp_path / "data")) == ["00002", "00003"]


def test_a_few_chairs_without_a_list_are_all_taken_and_said_to_be(tmp_path: Path) -> None:
    write_chairs(tmp_path, "12")
    (tmp_path / "FlyingChairs_train_val.txt").unlink()
    pairs = opened("chairs", tmp_path)
    assert (pairs.split, names(pairs)) == ("all", ["00001", "00002"])


def test_the_whole_release_without_its_list_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_chairs(tmp_path, "12")
    (tmp_path / "FlyingChairs_train_val.txt").unlink()
    monkeypatch.setattr("densewalk.datasets.readers.flow.chairs._PAIRS_OF_RELEASE", 2)
    with pytest.raises(DataError, match=r"lacks FlyingChairs_train_val\.txt; expected"):
        opened("chairs", tmp_path)
    assert len(opened("chairs", tmp_path, "all")) == 2


@pytest.mark.parametrize("content", ["1\n2\n", "1\n2\n3\n", "1\nx\n2\n"])
def test_a_list_of_another_length_or_kind_is_refused(tmp_path: Path, content: str) -> None:
    write_chairs(tmp_path, "121")
    (tmp_path / "FlyingChairs_train_val.txt").write_text(content)
    with pytest.raises(DataError, match=r"entries .* for 3 pairs .*split=all"):
        opened("chairs", tmp_path)


def test_a_list_without_a_pair_of_the_split_is_refused(tmp_path: Path) -> None:
    write_chairs(tmp_path, "11")
    with pytest.raises(DataError, match=r"FlyingChairs_train_val\.txt calls no pair in .* validation; split=all"):
        opened("chairs", tmp_path)


def test_the_examples_of_flownet2_are_read_too(real_data: Path) -> None:
    pair = opened("chairs", real_data / "flow_flyingchairs")[0]
    assert (pair.name, pair.first_HWC.shape, pair.truth.flow_2HW.shape) == ("0000000", (384, 512, 3), (2, 384, 512))
    assert pair.truth.known_HW.all()
    assert names(opened("chairs", real_data / "flow_tiny")) == ["00001"]


def test_things_lead_from_every_frame_to_its_neighbours_in_both_directions(tmp_path: Path) -> None:
    writer = write_things(tmp_path)
    pairs = opened("things", tmp_path)
    assert names(pairs) == [
        "TEST/A/0000/OpticalFlowIntoFuture_0006_L",
        "TEST/A/0000/OpticalFlowIntoFuture_0007_L",
        "TEST/A/0000/OpticalFlowIntoPast_0007_L",
        "TEST/A/0000/OpticalFlowIntoPast_0008_L",
    ]
    # written frame by frame, future before past
    for number, (written, first, second) in enumerate([(0, 6, 7), (2, 7, 8), (3, 7, 6), (5, 8, 7)]):
        assert np.array_equal(pairs[number].truth.flow_2HW, writer.flows[written])
        frames = tmp_path / "frames_cleanpass/TEST/A/0000/left"
        assert np.array_equal(pairs[number].first_HWC, rgb(frames / f"{first:04d}.png"))
        assert np.array_equal(pairs[number].second_HWC, rgb(frames / f"{second:04d}.png"))


def test_the_subset_of_things_has_its_own_layout_and_occlusions(tmp_path: Path) -> None:
    writer = write_things_subset(tmp_path)
    pairs = opened("things", tmp_path)
    assert names(pairs) == ["into_future/0000000", "into_past/0000001"]
    assert "subset" in pairs.split
    assert np.array_equal(pairs[1].truth.flow_2HW, writer.flows[1])
    assert np.array_equal(pairs[1].second_HWC, rgb(tmp_path / "val/image_clean/left/0000000.png"))
    hidden = pairs[0].truth.hidden_HW
    assert hidden is not None
    assert np.array_equal(hidden, np.eye(*SIZE_HW) > 0)


def test_sintel_pairs_do_not_reach_over_sequences(tmp_path: Path) -> None:
    writer = write_sintel(tmp_path)
    for rendering in ("clean", "final"):
        pairs = opened(f"sintel-{rendering}", tmp_path)
        assert names(pairs) == ["alley_1/frame_0001", "alley_1/frame_0002", "bamboo_2/frame_0001"]
        assert np.array_equal(pairs[2].second_HWC, rgb(tmp_path / f"training/{rendering}/bamboo_2/frame_0002.png"))
        assert np.array_equal(pairs[2].truth.flow_2HW, writer.flows[2])
        assert np.array_equal(pairs[2].truth.hidden_HW, (np.eye(*SIZE_HW) > 0) | leaves_image(writer.flows[2]))


def test_sintel_without_any_occlusions_does_not_tell_what_is_hidden(tmp_path: Path) -> None:
    write_sintel(tmp_path, occlusions=False)
    assert opened("sintel-clean", tmp_path)[0].truth.hidden_HW is None


def test_kitti_knows_what_is_hidden_and_what_moves(tmp_path: Path) -> None:
    writer = write_kitti(tmp_path)
    truth = opened("kitti2015", tmp_path)[1].truth
    assert np.array_equal(truth.flow_2HW, writer.flows[1])
    assert truth.hidden_HW is not None
    assert truth.hidden_HW.any()
    assert not (truth.hidden_HW & ~truth.known_HW).any()
    assert np.array_equal(truth.object_HW, np.eye(*SIZE_HW) > 0)
    shutil.rmtree(tmp_path / "training/obj_map")
    shutil.rmtree(tmp_path / "training/flow_noc")
    alone = opened("kitti2015", tmp_path)[1].truth
    assert (alone.hidden_HW, alone.object_HW) == (None, None)


ABSENT = [
    ("chairs", "data/00002_img2.ppm"),
    ("chairs", "data/00001_flow.flo"),
    ("chairs", "data/00001_img1.ppm"),
    ("things", "optical_flow/TEST/A/0000/into_past/left/OpticalFlowIntoPast_0008_L.pfm"),
    ("sintel-clean", "training/flow/alley_1/frame_0002.flo"),
    ("sintel-final", "training/occlusions/alley_1/frame_0001.png"),
    ("kitti2012", "training/colored_0/000001_11.png"),
    ("kitti2012", "training/colored_0/000000_10.png"),
    ("kitti2015", "training/flow_occ/000001_10.png"),
    ("kitti2015", "training/flow_noc/000001_10.png"),
    ("kitti2015", "training/obj_map/000001_10.png"),
]


@pytest.mark.parametrize(("name", "path"), ABSENT)
def test_a_file_that_is_absent_is_named_with_where_a_person_gets_it(tmp_path: Path, name: str, path: str) -> None:
    WRITERS[name](tmp_path)
    (tmp_path / path).unlink()
    with pytest.raises(DataError, match=rf"lacks {path}; expected under the folder: .* is at .*\("):
        opened(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("things", "frames_cleanpass/TEST/A/0000/left/0007.png"),
        ("sintel-clean", "training/clean/alley_1/frame_0002.png"),
    ],
)
def test_a_frame_absent_from_the_middle_of_a_sequence_is_noticed(tmp_path: Path, name: str, path: str) -> None:
    WRITERS[name](tmp_path)
    (tmp_path / path).unlink()
    with pytest.raises(DataError, match=r"0006 and 0008|between frame_0001\.png and frame_0003\.png"):
        opened(name, tmp_path)


@pytest.mark.parametrize("name", list(FLOW_SETS))
def test_an_empty_and_an_absent_folder_say_what_is_expected(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"no (pair|frames).* is at "):
        opened(name, tmp_path)
    with pytest.raises(DataError, match=r"does not exist; expected under the folder"):
        opened(name, tmp_path / "nowhere")


def test_files_of_different_sizes_are_not_a_pair(tmp_path: Path) -> None:
    write_kitti(tmp_path)
    cv2.imwrite(str(tmp_path / "training/obj_map/000000_10.png"), np.zeros((5, 6), np.uint8))
    with pytest.raises(
        DataError, match=r"obj_map/000000_10\.png has 6 x 5 pixels; expected 32 x 24, the size of its flow"
    ):
        opened("kitti2015", tmp_path)[0]
    cv2.imwrite(str(tmp_path / "training/image_2/000001_11.png"), np.zeros((5, 6, 3), np.uint8))
    with pytest.raises(DataError, match=r"000001_11\.png has 6 x 5 pixels; expected 32 x 24"):
        opened("kitti2015", tmp_path)[1]


def test_a_flow_that_is_unknown_everywhere_is_no_truth(tmp_path: Path) -> None:
    write_chairs(tmp_path, "22")
    file = tmp_path / "data/00002_flow.flo"
    content = file.read_bytes()
    file.write_bytes(content[:12] + np.full(2 * SIZE_HW[0] * SIZE_HW[1], np.nan, np.float32).tobytes())
    pairs = opened("chairs", tmp_path)
    assert pairs[0].truth.known_HW.all()
    with pytest.raises(DataError, match=r"00002_flow\.flo knows the flow of no pixel"):
        pairs[1]

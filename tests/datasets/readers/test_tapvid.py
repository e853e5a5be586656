"""Every data set of TAP-Vid is read in the layout it is distributed in; anything else is told what was expected."""

import base64
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.tapvid import TrackedVideo, read_tapvid

Make = Callable[..., dict[str, Any]]


def _pickle(path: Path, content: Any, protocol: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def _read(path: Path, dataset: Any, side: int = 32) -> list[TrackedVideo]:
    return list(read_tapvid(path, dataset, side=side))


def _shown(frame: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.LANCZOS))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_davis_is_a_dictionary_of_videos_by_name(protocol: int, video_item: Make, tmp_path: Path) -> None:
    items = {"blackswan": video_item(0), "goat": video_item(1, frames=7, size_hw=(30, 20))}
    path = _pickle(tmp_path / "tapvid_davis" / "tapvid_davis.pkl", items, protocol)
    for place in (path, path.parent):
        swan, goat = _read(place, "davis")
        assert (swan.name, goat.name) == ("blackswan", "goat")
        assert goat.video_THWC.shape == (7, 32, 32, 3)
        assert np.array_equal(goat.video_THWC[6], _shown(items["goat"]["video"][6], 32))
        assert goat.track_KT2 == pytest.approx(items["goat"]["points"] * 32)
        assert np.array_equal(goat.visible_KT, ~items["goat"]["occluded"])
        assert goat.query_K3 is None


def test_a_video_of_the_right_size_is_not_resampled(video_item: Make, tmp_path: Path) -> None:
    item = video_item(0, size_hw=(32, 32))
    (video,) = _read(_pickle(tmp_path / "a.pkl", {"a": item}), "davis")
    assert np.array_equal(video.video_THWC, item["video"])


def test_rgb_stacking_is_a_list(video_item: Make, tmp_path: Path) -> None:
    items = [video_item(0), video_item(1)]
    videos = _read(_pickle(tmp_path / "tapvid_rgb_stacking.pkl", items), "rgb-stacking")
    assert [video.name for video in videos] == ["tapvid_rgb_stacking-0", "tapvid_rgb_stacking-1"]
    assert videos[1].track_KT2 == pytest.approx(items[1]["points"] * 32)


def test_kinetics_is_a_folder_of_shards_with_frames_as_jpeg(video_item: Make, tmp_path: Path) -> None:
    shards = {
        "0000_of_0010.pkl": [video_item(0, encoded=True), video_item(1, encoded=True)],
        "0001_of_0010.pkl": [video_item(2, encoded=True)],
    }
    for name, items in shards.items():
        assert items[0]["video"].dtype.kind == "S"
        _pickle(tmp_path / name, items)
    (tmp_path / "tapvid_kinetics.csv").write_text("not read")
    videos = _read(tmp_path, "kinetics")
    assert [video.name for video in videos] == ["0000_of_0010-0", "0000_of_0010-1", "0001_of_0010-0"]
    expected = np.stack([_shown(frame, 32) for frame in video_item(2)["video"]])
    assert np.abs(videos[2].video_THWC.astype(int) - expected).mean() < 3
    assert videos[2].track_KT2 == pytest.approx(shards["0001_of_0010.pkl"][0]["points"] * 32)


def test_shards_are_opened_when_their_turn_comes(video_item: Make, tmp_path: Path) -> None:
    _pickle(tmp_path / "0000_of_0010.pkl", [video_item(0, encoded=True)])
    (tmp_path / "0001_of_0010.pkl").write_bytes(b"damaged")
    videos = read_tapvid(tmp_path, "kinetics", side=32)
    assert next(videos).name == "0000_of_0010-0"
    with pytest.raises(DataError, match=r"0001_of_0010\.pkl is not a whole pickle"):
        next(videos)


def test_a_shard_may_be_a_dictionary_and_frames_a_list_of_bytes(video_item: Make, tmp_path: Path) -> None:
    item = video_item(0, encoded=True)
    item["video"] = [bytes(frame) for frame in item["video"]]
    (video,) = _read(_pickle(tmp_path / "0000_of_0001.pkl", {"abc_000001_000011": item}), "kinetics")
    assert video.name == "abc_000001_000011"
    assert len(video.video_THWC) == 5


def test_robotap_is_a_folder_of_dictionaries(video_item: Make, tmp_path: Path) -> None:
    for split in range(2):
        _pickle(tmp_path / f"robotap_split{split}.pkl", {f"robot{split}": video_item(split)})
    assert [video.name for video in _read(tmp_path, "robotap")] == ["robot0", "robot1"]


def _check_kubric(video: TrackedVideo, item: dict[str, Any], scale: float) -> None:
    pixels = np.rint((item["video"][0] + 1) * 127.5).astype(np.uint8)
    assert np.array_equal(video.video_THWC[3], _shown(pixels[3], len(video.video_THWC[3])))
    assert video.track_KT2 == pytest.approx(item["target_points"][0] * scale)
    assert video.query_K3 is not None
    frame_K = video.query_K3[:, 0].astype(int)
    assert np.array_equal(frame_K, item["query_points"][0, :, 0])
    assert video.query_K3[:, 1:] == pytest.approx(video.track_KT2[np.arange(len(frame_K)), frame_K])


@pytest.mark.parametrize("form", ["pkl", "npz", "npy", "pickled list", "pickled dictionary"])
def test_kubric_comes_as_samples_of_its_generator(form: str, kubric_item: Make, tmp_path: Path) -> None:
    items = [kubric_item(seed, side=64) for seed in range(2)]
    if form == "pickled list":
        _pickle(tmp_path / "all.pkl", items)
    elif form == "pickled dictionary":
        _pickle(tmp_path / "all.pkl", {"a": items[0], "b": items[1]})
    for number, item in enumerate(items):
        if form == "pkl":
            _pickle(tmp_path / f"{number}.pkl", item)
        elif form == "npz":
            np.savez(tmp_path / f"{number}.npz", **item)
        elif form == "npy":
            np.save(tmp_path / f"{number}.npy", item, allow_pickle=True)
    videos = _read(tmp_path, "kubric")
    assert len(videos) == 2
    for video, item in zip(videos, items, strict=True):
        _check_kubric(video, item, scale=0.5)


def test_kubric_comes_as_the_table_that_gmrw_evaluates_on(kubric_item: Make, tmp_path: Path) -> None:
    items = [kubric_item(seed) for seed in range(2)]
    fields = ("video", "query_points", "target_points", "occluded")
    rows = [
        "\t".join([str(number), *(base64.b64encode(item[field]).decode() for field in fields)])
        for number, item in enumerate(items)
    ]
    path = tmp_path / "validation.tsv"
    path.write_text("\r\n".join(rows) + "\r\n", newline="")
    videos = _read(path, "kubric", side=256)
    assert [video.name for video in videos] == ["0", "1"]
    for video, item in zip(videos, items, strict=True):
        _check_kubric(video, item, scale=1.0)
    path.write_text("0\tabc\n")
    with pytest.raises(DataError, match=r"validation\.tsv, line 1: .* expected a number, video, query_points"):
        _read(path, "kubric")


@pytest.mark.parametrize(
    ("dataset", "source"),
    [
        ("davis", "tapvid_davis.zip"),
        ("kinetics", "generate_tapvid.py"),
        ("kubric", "point_tracking"),
        ("rgb-stacking", "tapvid_rgb_stacking.zip"),
        ("robotap", "robotap.zip"),
    ],
)
def test_a_missing_place_and_an_empty_folder_say_what_belongs_there_and_where_to_get_it(
    dataset: str, source: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"nothing at .*nowhere; expected .*{source}.*--data"):
        _read(tmp_path / "nowhere", dataset)
    with pytest.raises(DataError, match=rf"no .*\*.* at .*; expected .*{source}.*--data"):
        _read(tmp_path, dataset)
    with pytest.raises(DataError, match=r"tapvid\.zip is an archive; unpack it"):
        _read(tmp_path / "tapvid.zip", dataset)
    (tmp_path / "robotap_0_of_1.pkl").write_text("something else")
    with pytest.raises(DataError, match=rf"0_of_1\.pkl is not a whole pickle.* expected .*{source}.*--data"):
        _read(tmp_path, dataset)


@pytest.mark.parametrize(
    ("dataset", "content", "said"),
    [
        ("davis", [1], "holds a list of videos; expected tapvid_davis.pkl, a pickled dictionary"),
        ("davis", {}, "holds a dict without videos"),
        ("davis", 3, "holds a int without videos"),
        ("davis", {"video": 1}, "holds a single video; expected"),
        (
            "rgb-stacking",
            {"a": {}},
            "holds a dictionary of videos by name; expected tapvid_rgb_stacking.pkl, a pickled list",
        ),
        ("davis", {"a": [1]}, "holds a list for a"),
        ("davis", {"a": {"points": 1, "film": 2}}, "video a of .* lacks video, occluded; it has film, points"),
    ],
)
def test_another_layout_is_refused(dataset: str, content: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        _read(_pickle(tmp_path / "file.pkl", content), dataset)


def _without_frames(item: dict[str, Any]) -> None:
    item["video"] = item["video"][:0]


def _one_frame_less(item: dict[str, Any]) -> None:
    item["video"] = item["video"][:-1]


def _grey(item: dict[str, Any]) -> None:
    item["video"] = item["video"][..., 0]


def _floats_of_0_to_1(item: dict[str, Any]) -> None:
    item["video"] = item["video"] / 255


def _no_jpegs(item: dict[str, Any]) -> None:
    item["video"] = np.array([b"GIF89a?"] * 5)


def _lost_point(item: dict[str, Any]) -> None:
    item["points"][0, 0] = np.nan


def _points_in_3d(item: dict[str, Any]) -> None:
    item["points"] = np.zeros((3, 5, 3))


def _words(item: dict[str, Any]) -> None:
    item["occluded"] = np.array([["no"] * 5] * 3)


def _late_query(item: dict[str, Any]) -> None:
    item["query_points"] = np.array([[5.0, 0.5, 0.5]] * 3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_frames, "has no frames"),
        (_one_frame_less, "has 4 frames, points of shape"),
        (_grey, "frames of video a .*: uint8 of shape .* expected 4 axes"),
        (_floats_of_0_to_1, "are floats from 0 to .* expected -1 to 1"),
        (_no_jpegs, "cannot decode frame 0 of video a"),
        (_lost_point, "visible point whose position is not finite"),
        (_points_in_3d, "has 5 frames, points of shape"),
        (_words, "occluded of video a .* expected 2 axes of numbers"),
        (_late_query, "query_points of video a .* frames 5 to 5"),
    ],
)
def test_a_spoilt_video_is_named(
    spoil: Callable[[dict[str, Any]], None], said: str, video_item: Make, tmp_path: Path
) -> None:
    item = video_item(0)
    spoil(item)
    with pytest.raises(DataError, match=said):
        _read(_pickle(tmp_path / "tapvid_davis.pkl", {"a": item}), "davis")


def test_a_position_of_a_hidden_point_may_be_anything(video_item: Make, tmp_path: Path) -> None:
    item = video_item(0)
    item["points"][2] = np.nan
    (video,) = _read(_pickle(tmp_path / "tapvid_davis.pkl", {"a": item}), "davis")
    assert not video.visible_KT[2].any()


def test_damaged_archives_and_tables_are_named(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npy"):
        path = tmp_path / name
        path.write_bytes(b"nothing of the kind")
        with pytest.raises(DataError, match=f"cannot read .*{name}"):
            _read(path, "kubric")
    np.save(tmp_path / "c.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"c\.npy: an array of float64 .*expected a dictionary"):
        _read(tmp_path / "c.npy", "kubric")

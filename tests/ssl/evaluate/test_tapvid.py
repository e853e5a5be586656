"""TAP-Vid from file to scores: scaling, queries, what enters the mean and what the protocol tells."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.scenes import held_out_scenes
from densewalk.ssl.evaluate.tapvid import TapVid, TapVidConfig
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.track.tracker import TrackerConfig

FRAMES = 7


def _still() -> Matcher:
    """A tracker that stands still, on few nodes to be quick."""
    return PositionMatcher(stride=32)


def _item(seed: int, *, size_hw: tuple[int, int] = (48, 80), speed_px: float = 0.0, tracks: int = 3) -> dict[str, Any]:
    """A still video whose true points, in 0-1, move by `speed_px` of the 256 raster a frame."""
    rng = np.random.default_rng(seed)
    video = np.repeat(rng.integers(0, 256, (1, *size_hw, 3), dtype=np.uint8), FRAMES, axis=0)
    start = rng.uniform(0.2, 0.5, (tracks, 1, 2))
    drift = np.arange(FRAMES)[:, None] * np.array((speed_px / 256, 0))
    return {"video": video, "points": start + drift, "occluded": np.zeros((tracks, FRAMES), bool)}


def _score(tmp_path: Path, content: Any, matcher: Matcher | None = None, **settings: Any) -> Scores:
    path = tmp_path / "tapvid.pkl"
    path.write_bytes(pickle.dumps(content))
    return TapVid(TapVidConfig(data=path, **settings))(matcher or _still(), subject="anyone")


@pytest.mark.parametrize(("mode", "tracker"), [("first", "chained"), ("strided", "direct")])
def test_an_oracle_tracks_a_file_of_scenes_far_better_than_zero_motion(
    mode: Any, tracker: Any, scene_oracle: Any, tmp_path: Path
) -> None:
    config = SceneConfig(height=256, width=256, num_frames=FRAMES)
    (scene,) = held_out_scenes(config, count=1)
    track_NT2, visible_NT = scene.tracks(16, np.random.default_rng(0))
    item = {"video": scene.video(), "points": track_NT2 / 256, "occluded": ~visible_NT}
    path = tmp_path / "tapvid_davis.pkl"
    path.write_bytes(pickle.dumps({"scene": item}))
    benchmark = TapVid(TapVidConfig(data=path, query_mode=mode, tracker=TrackerConfig(mode=tracker)))
    oracle = benchmark(scene_oracle([scene]), subject="oracle").scalars
    floor = benchmark(_still(), subject="zero-motion").scalars
    assert oracle["AJ"] > max(60, floor["AJ"] + 30)
    assert oracle["endpoint_error_px"] < floor["endpoint_error_px"] / 4


@pytest.mark.parametrize("mode", ["first", "strided"])
def test_distances_are_those_of_the_256_raster_whatever_the_size_of_the_video(mode: Any, tmp_path: Path) -> None:
    """Points drift by 3 px a frame from a tracker that stands still: 3, 6, ... px after the query."""
    scores = _score(tmp_path, {"a": _item(0, speed_px=3), "b": _item(1, size_hw=(90, 20), speed_px=3)}, query_mode=mode)
    steps = {"first": [1, 2, 3, 4, 5, 6], "strided": [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 1]}[mode]
    assert scores.scalars["endpoint_error_px"] == pytest.approx(3 * np.mean(steps), abs=1e-3)
    assert scores.scalars["delta_4"] == pytest.approx(100 * np.mean([3 * step < 4 for step in steps]))
    assert scores.scalars["OA"] == 100


def test_the_result_is_the_mean_over_videos_and_there_is_a_row_for_each(tmp_path: Path) -> None:
    scores = _score(tmp_path, {"still": _item(0, tracks=9), "moving": _item(1, speed_px=40)})
    assert [row["video"] for row in scores.rows] == ["still", "moving"]
    assert [row["AJ"] for row in scores.rows] == [100, 0]
    assert scores.scalars["AJ"] == 50
    assert scores.name == "tapvid-davis"
    assert scores.headline == "AJ"


def test_the_protocol_tells_what_moves_a_number_and_not_where_the_files_are(tmp_path: Path) -> None:
    content = {"a": _item(0), "b": _item(1)}
    scores = _score(tmp_path, content)
    assert scores.protocol | {"truth_sha256": "", "tracker": {}} == {
        "dataset": "davis", "query_mode": "first", "num_videos": 2, "tracker": {}, "truth_sha256": "",
        "queries": "sampled", "raster_px": 256, "resize": "Lanczos, 8 bit", "thresholds_px": [1, 2, 4, 8, 16],
        "survival_px": 50,
    }  # fmt: skip
    assert scores.protocol["tracker"]["mode"] == "chained"
    assert scores.provenance == {"data": str(tmp_path / "tapvid.pkl")}
    json.dumps([scores.scalars, scores.protocol, list(scores.rows)], allow_nan=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert comparable(scores, _score(elsewhere, content))
    other_truth = {"a": _item(0), "b": _item(2)}
    assert not comparable(scores, _score(tmp_path, other_truth))
    assert not comparable(scores, _score(tmp_path, content, query_mode="strided"))
    assert not comparable(scores, _score(tmp_path, content, tracker=TrackerConfig(cycle_px=2)))


def test_a_limit_takes_the_first_videos(tmp_path: Path) -> None:
    scores = _score(tmp_path, {"a": _item(0), "b": _item(1), "c": _item(2)}, num_videos=2)
    assert [row["video"] for row in scores.rows] == ["a", "b"]
    assert scores.protocol["num_videos"] == 2


def test_tracks_that_are_never_visible_are_not_asked_for_and_videos_without_any_do_not_count(tmp_path: Path) -> None:
    partly, hidden = _item(0), _item(1, speed_px=40)
    partly["occluded"][1], partly["points"][1] = True, np.nan
    hidden["occluded"][:] = True
    scores = _score(tmp_path, {"partly": partly, "hidden": hidden})
    assert scores.scalars["AJ"] == 100
    assert scores.rows[1] == {"video": "hidden"}
    with pytest.raises(BenchmarkError, match="none of 1 videos defines AJ"):
        _score(tmp_path, {"hidden": hidden})


def test_a_point_annotated_just_outside_the_frame_can_be_asked_for(tmp_path: Path) -> None:
    item = _item(0)
    item["points"][0] = (-0.4 / 256, 1.2 / 256)
    item["points"][1] = (0.5, 1 + 0.4 / 256)
    assert _score(tmp_path, {"a": item}).scalars["delta_1"] == 100


def test_what_a_query_scores_does_not_depend_on_the_other_queries(tmp_path: Path) -> None:
    whole = _item(0, speed_px=3)
    whole["points"][1] = whole["points"][1, :1]
    colours = CosineMatcher(RgbEncoder(stride=32, patch=32), temperature=0.005)
    scores = [_score(tmp_path, {"a": whole}, matcher=colours).scalars]
    for track in range(3):
        alone = {"video": whole["video"]} | {key: whole[key][track : track + 1] for key in ("points", "occluded")}
        scores.append(_score(tmp_path, {"a": alone}, matcher=colours).scalars)
    for key in ("endpoint_error_px", "OA", "delta_avg"):
        assert scores[0][key] == pytest.approx(np.mean([each[key] for each in scores[1:]]))


def test_queries_of_the_file_are_asked_in_strided_mode_and_its_tracks_in_first_mode(tmp_path: Path) -> None:
    """The truth drifts by 3 px a frame: a query in the middle is 3 px off one frame before and after."""
    item = _item(0, size_hw=(64, 64), speed_px=3)
    target = item["points"] * 64
    given = {
        "video": (item["video"] / 127.5 - 1).astype(np.float32)[None],
        "target_points": target[None],
        "occluded": item["occluded"][None],
        "query_points": np.concatenate((np.full((3, 1), 3.0), target[:, 3, ::-1]), axis=1)[None],
    }
    strided = _score(tmp_path, given, dataset="kubric", query_mode="strided")
    assert strided.scalars["endpoint_error_px"] == pytest.approx(3 * np.mean([3, 2, 1, 1, 2, 3]), abs=1e-3)
    assert strided.protocol["queries"] == "given"
    first = _score(tmp_path, given, dataset="kubric", query_mode="first")
    assert first.scalars["endpoint_error_px"] == pytest.approx(3 * np.mean([1, 2, 3, 4, 5, 6]), abs=1e-3)
    assert first.protocol["queries"] == "sampled"
    assert first.name == "tapvid-kubric"


def test_missing_data_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"tapvid-davis needs --data PATH: tapvid_davis\.pkl.*zip"):
        TapVid(TapVidConfig())
    with pytest.raises(DataError, match=r"nothing at .*expected a folder of 0000_of_0010"):
        TapVid(TapVidConfig(dataset="kinetics", data=tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="num_videos=-1"):
        replace(TapVidConfig(), num_videos=-1)


def test_survival_curve_and_pictures_come_with_the_scores(tmp_path: Path) -> None:
    path = tmp_path / "tapvid.pkl"
    path.write_bytes(pickle.dumps({"still": _item(0), "moving": _item(1, speed_px=20)}))
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *event: told.append(event))
    scores = TapVid(TapVidConfig(data=path))(_still(), subject="anyone", notebook=notebook)
    assert [row["survival"] for row in scores.rows] == pytest.approx([100, 100 * 3 / 7])
    assert scores.rows[0]["median_error_px"] == pytest.approx(0, abs=1e-3)
    assert scores.rows[1]["median_error_px"] == pytest.approx(60, abs=1e-3)
    assert scores.scalars["delta_32"] == pytest.approx((100 + 100 / 6) / 2)
    assert [what for *_, what in told] == ["still", "moving"]
    assert set(notebook.pictures.values()) == {"strip-0.jpg", "strip-1.jpg", "film.mp4", "worst.jpg", "within.svg"}
    assert all((tmp_path / "notes" / file).stat().st_size > 0 for file in notebook.pictures.values())

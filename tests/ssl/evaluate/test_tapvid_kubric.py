"""TAP-Vid-Kubric straight from the records of MOVi."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.kubric_points import draw_tracks
from densewalk.datasets.readers.clips.movi import open_movi
from densewalk.datasets.readers.tapvid import TrackedVideo, shown_at
from densewalk.datasets.storage.config import CacheConfig
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.tapvid import TapVid, TapVidConfig
from densewalk.ssl.matchers.position import PositionMatcher
from tests.boxes_in_space import BoxScene
from tests.movi_records import write_movi


@pytest.fixture(scope="module")
def movi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validation split of a MOVi of two scenes in two files."""
    pytest.importorskip("google.protobuf")
    return write_movi(tmp_path_factory.mktemp("tfds"), [[BoxScene(5)], [BoxScene(6)]], split="validation")


def _score(data: Path, **settings: object) -> Scores:
    config = replace(BENCHMARKS["tapvid-kubric"].config(), data=data, **settings)
    return TapVid(config)(PositionMatcher(stride=32), subject="still")


def test_scenes_are_asked_where_their_tracks_were_picked(movi: Path) -> None:
    scores = _score(movi)
    assert [row["video"] for row in scores.rows] == ["movi_e-validation-00000-0000", "movi_e-validation-00001-0000"]
    named = ("dataset", "query_mode", "queries", "num_videos", "scenes", "num_tracks", "seed", "raster_px")
    assert {name: scores.protocol[name] for name in named} == {
        "dataset": "kubric", "query_mode": "strided", "queries": "given", "num_videos": 2,
        "scenes": "movi_e-validation", "num_tracks": 256, "seed": 0, "raster_px": 256,
    }  # fmt: skip
    assert 0 < scores.scalars["AJ"] < 100
    assert comparable(scores, _score(movi / "validation"))
    assert comparable(scores, _score(movi.parents[2]))


def test_scores_are_those_of_the_same_tracks_stored_as_tapnet_stores_them(movi: Path, tmp_path: Path) -> None:
    scene = open_movi(movi, CacheConfig(), split="validation").scene(0)
    tracks = draw_tracks(scene, seed=(0, 0))
    stored = {
        "video": scene.video(range(scene.num_frames)),
        "query_points": tracks.query_K3[:, (0, 2, 1)],
        "target_points": tracks.track_KT2,
        "occluded": ~tracks.visible_KT,
    }
    (tmp_path / "movi_e-validation-00000-0000.pkl").write_bytes(pickle.dumps(stored))
    drawn, read = _score(movi, num_videos=1), _score(tmp_path)
    assert drawn.scalars == pytest.approx(read.scalars)
    assert drawn.protocol["truth_sha256"] == read.protocol["truth_sha256"]


def test_tracks_grow_with_the_raster() -> None:
    video = TrackedVideo(
        name="v",
        video_THWC=np.zeros((2, 64, 128, 3), np.uint8),
        track_KT2=np.array([[[64.0, 32.0], [128.0, 16.0]]]),
        visible_KT=np.ones((1, 2), bool),
        query_K3=np.array([[1.0, 128.0, 16.0]]),
    )
    shown = shown_at(video, 256)
    assert shown.video_THWC.shape == (2, 256, 256, 3)
    assert shown.track_KT2.tolist() == [[[128, 128], [256, 64]]]
    assert shown.query_K3 is not None
    assert shown.query_K3.tolist() == [[1, 256, 64]]


def test_a_split_that_is_absent_or_damaged_is_told(movi: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no 'train'"):
        TapVid(TapVidConfig(dataset="kubric", data=movi / "train"))
    shutil.copytree(movi, tmp_path / "1.0.0")
    shard = tmp_path / "1.0.0" / "movi_e-validation.tfrecord-00001-of-00002"
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    with pytest.raises(DataError, match=r"movi_e-validation\.tfrecord-00001-of-00002 ends .* the file was cut"):
        _score(tmp_path / "1.0.0")
    with pytest.raises(DataError, match=r"expected the folder of MOVi-E.*gs://kubric-public"):
        TapVid(TapVidConfig(dataset="kubric", data=tmp_path / "nowhere"))


@pytest.mark.slow
def test_the_command_line_measures_it_and_shows_its_settings(movi: Path, tmp_path: Path) -> None:
    from densewalk.cluster.cli.main import app

    out = tmp_path / "scores"
    arguments = ["evaluate", "zero-motion", "tapvid-kubric", f"data={movi}", "--beside", "none", "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert (out / "tapvid-kubric.json").is_file()
    shown = CliRunner().invoke(app, ["benchmarks", "tapvid-kubric"])
    assert shown.exit_code == 0
    assert "query_mode: strided" in shown.output
    absent = CliRunner().invoke(app, ["evaluate", "zero-motion", "tapvid-kubric"])
    assert absent.exit_code == 2
    assert "tapvid-kubric needs --data PATH: the folder of MOVi-E" in absent.output

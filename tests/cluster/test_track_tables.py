"""Tracks on disk say the same in both forms, in the video's own frames and pixels, and can be asked for again."""

import csv
from pathlib import Path

import numpy as np
import pytest

from densewalk.cluster.footage import Footage
from densewalk.cluster.track_queries import read_queries
from densewalk.cluster.track_tables import write_track_tables
from densewalk.ssl.track.tracks import Tracks


def test_both_tables_hold_every_point_in_every_frame(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    footage = Footage(
        video_THWC=np.zeros((3, 20, 30, 3), np.uint8),
        own_hw=(200, 300),
        first_frame=10,
        second_T=np.array([0.4, 0.44, 0.5]),
        fps=24.0,
    )
    tracks = Tracks(track_KT2=rng.uniform(0, 200, (2, 3, 2)), visible_KT=rng.random((2, 3)) < 0.5)
    query_K3 = np.array([[10, 4.0, 5.0], [12, 6.0, 7.5]])
    arrays, table = write_track_tables(tmp_path / "film.mp4", tracks, query_K3, footage)
    assert (arrays, table) == (tmp_path / "film.npz", tmp_path / "film.csv")
    with np.load(arrays, allow_pickle=False) as content:
        assert content["tracks"] == pytest.approx(tracks.track_KT2, abs=1e-4)
        assert np.array_equal(content["visible"], tracks.visible_KT)
        assert content["frames"].tolist() == [10, 11, 12]
        assert content["seconds"].tolist() == [0.4, 0.44, 0.5]
        assert (float(content["fps"]), content["size_wh"].tolist()) == (24.0, [300, 200])
    rows = list(csv.DictReader(table.open()))
    assert [(int(row["point"]), int(row["frame"])) for row in rows] == [(k, t) for k in (0, 1) for t in (10, 11, 12)]
    assert [float(row["seconds"]) for row in rows] == [0.4, 0.44, 0.5] * 2
    place = np.array([(float(row["x"]), float(row["y"])) for row in rows]).reshape(2, 3, 2)
    assert place == pytest.approx(tracks.track_KT2, abs=1e-3)
    assert [int(row["visible"]) for row in rows] == tracks.visible_KT.ravel().tolist()
    assert np.array_equal(read_queries(arrays), query_K3)
    assert len(read_queries(table)) == 6

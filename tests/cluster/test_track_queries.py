"""Queries from a grid, a mask or a file, and what is said of files that hold none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from densewalk.cluster.footage import Footage
from densewalk.cluster.track_queries import chosen_queries, grid_queries, mask_queries, read_queries
from densewalk.datasets.errors import DataError


@given(st.integers(1, 40), st.integers(20, 600), st.integers(20, 600))
def test_queries_lie_evenly_inside_the_first_frame(points: int, height: int, width: int) -> None:
    query_K3 = grid_queries(points, (height, width))
    frame_K, x_K, y_K = query_K3.T
    assert (frame_K == 0).all()
    columns, rows = np.unique(x_K.round(6)), np.unique(y_K.round(6))
    assert max(len(columns), len(rows)) == points
    assert len(query_K3) == len(columns) * len(rows)
    for place, side in ((columns, width), (rows, height)):
        assert place[0] == pytest.approx(side - place[-1])
        assert 0 < place[0] <= side / 2


def _save(path: Path, mask_HW: np.ndarray, mode: str = "L") -> Path:
    Image.fromarray(mask_HW.astype(np.uint8)).convert(mode).save(path)
    return path


@pytest.mark.parametrize("size_hw", [(60, 80), (240, 320), (90, 40)])
def test_points_cover_a_mask_of_any_size_and_leave_the_rest(size_hw: tuple[int, int], tmp_path: Path) -> None:
    mask_HW = np.zeros((60, 80), np.uint8)
    mask_HW[12:36, 20:60] = 3
    mask_HW[20:28, 36:44] = 0
    query_K3 = mask_queries(_save(tmp_path / "mask.png", mask_HW), 10, size_hw)
    x_K, y_K = query_K3[:, 1] * 80 / size_hw[1], query_K3[:, 2] * 60 / size_hw[0]
    assert ((x_K > 20) & (x_K < 60) & (y_K > 12) & (y_K < 36)).all()
    assert not ((x_K > 36) & (x_K < 44) & (y_K > 20) & (y_K < 28)).any()
    assert max(len(np.unique(x_K)), len(np.unique(y_K))) == 10
    assert (x_K.min() < 25, x_K.max() > 55, y_K.min() < 16, y_K.max() > 32) == (True,) * 4


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA"])
def test_every_kind_of_picture_is_a_mask_and_transparency_is_not(mode: str, tmp_path: Path) -> None:
    mask_HW = np.zeros((40, 40), np.uint8)
    mask_HW[10:20, 10:20] = 255
    query_K3 = mask_queries(_save(tmp_path / "mask.png", mask_HW, mode), 2, (40, 40))
    assert query_K3.tolist() == [[0, x, y] for y in (12.5, 17.5) for x in (12.5, 17.5)]


def test_masks_without_a_point_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        mask_queries(_save(tmp_path / "empty.png", np.zeros((8, 8))), 4, (8, 8))
    ring = np.ones((30, 30))
    ring[5:25, 5:25] = 0
    with pytest.raises(DataError, match="raise --grid"):
        mask_queries(_save(tmp_path / "ring.png", ring), 1, (30, 30))
    with pytest.raises(DataError, match="no mask at"):
        mask_queries(tmp_path / "none.png", 1, (30, 30))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match="cannot read the mask"):
        mask_queries(tmp_path / "text.png", 1, (30, 30))


EXPECTED = [[0.0, 1.5, 2.5], [7.0, 30.0, 40.25]]


@pytest.mark.parametrize(
    "text",
    [
        "frame,x,y\n0,1.5,2.5\n7,30,40.25\n",
        "t,y,x\n0,2.5,1.5\n7,40.25,30\n",
        "\ufeffpoint, Frame ,seconds,X,Y,visible\r\n0,0,0.0,1.5,2.5,1\r\n1,7,0.7,30,40.25,0\r\n",
    ],
)
def test_a_table_names_its_columns(text: str, tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_bytes(text.encode())
    assert read_queries(path).tolist() == EXPECTED


def test_arrays_hold_frame_x_y(tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", np.array(EXPECTED, np.float32))
    np.savez(tmp_path / "q.npz", queries=np.array(EXPECTED), tracks=np.zeros(3))
    assert read_queries(tmp_path / "q.npy").tolist() == read_queries(tmp_path / "q.npz").tolist() == EXPECTED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns \\[\\]"),
        ("1,2,3\n", "expected frame"),
        ("t,frame,x,y\n0,0,1,2\n", "expected frame"),
        ("frame,x,y\n", "K above 0"),
        ("frame,x,y\n0,1,2\n0,one,2\n", "line 3"),
        ("frame,x,y\n0,1\n", "line 2"),
    ],
)
def test_tables_of_something_else_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_queries(path)


def test_arrays_of_something_else_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros(3))
    np.save(tmp_path / "words.npy", np.array([["a", "b", "c"]]))
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "other.npz", tracks=np.zeros(3))
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY\x01\x00v")
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "words.txt").write_text("0 1 2")
    for name in ("flat.npy", "words.npy", "objects.npy", "other.npz", "damaged.npy", "damaged.npz", "empty.npy"):
        with pytest.raises(DataError, match=name):
            read_queries(tmp_path / name)
    with pytest.raises(DataError, match=r"\.csv, \.npy and \.npz"):
        read_queries(tmp_path / "words.txt")
    with pytest.raises(DataError, match="no file of queries"):
        read_queries(tmp_path / "none.csv")


def test_grids_and_masks_start_in_the_first_tracked_frame_and_files_where_they_say(tmp_path: Path) -> None:
    footage = Footage(
        video_THWC=np.zeros((5, 20, 30, 3), np.uint8), own_hw=(200, 300), first_frame=10, second_T=np.ones(5), fps=10.0
    )
    grid_K3 = chosen_queries(footage, grid=3, queries=None, mask=None)
    assert grid_K3.tolist() == [[10, x, y] for y in (50, 150) for x in (50, 150, 250)]
    mask = _save(tmp_path / "mask.png", np.ones((4, 6)))
    assert chosen_queries(footage, grid=3, queries=None, mask=mask).tolist() == grid_K3.tolist()
    np.save(tmp_path / "q.npy", np.array(EXPECTED))
    assert chosen_queries(footage, grid=3, queries=tmp_path / "q.npy", mask=None).tolist() == EXPECTED

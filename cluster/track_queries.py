"""Which points are tracked: an even grid, a grid inside a mask, or what a file asks for.

Every function returns rows (frame, x, y) in pixels of the raster it is given or the file speaks of; (0, 0) is the
top-left corner of the top-left pixel.

Shapes: K points, H W rows and columns, 3 = (frame, x, y).
"""

import csv
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from densewalk.cluster.footage import Footage
from densewalk.datasets.errors import DataError

__all__ = ["chosen_queries", "grid_queries", "mask_queries", "read_queries"]


def chosen_queries(footage: Footage, *, grid: int, queries: Path | None, mask: Path | None) -> Float[np.ndarray, "k 3"]:
    """Return what is tracked through footage: a file of queries, a grid over a mask, or one over the first frame.

    Rows are in the video's own pixels and frame numbers.
    """
    if queries is not None:
        return read_queries(queries)
    query_K3 = grid_queries(grid, footage.own_hw) if mask is None else mask_queries(mask, grid, footage.own_hw)
    return query_K3 + np.array((footage.first_frame, 0, 0))


def grid_queries(points: int, size_hw: tuple[float, float]) -> Float[np.ndarray, "k 3"]:
    """Return queries in frame 0 on an even grid with `points` along the longer side."""
    step = max(size_hw) / points
    y, x = (np.arange(max(1, round(side / step))) for side in size_hw)
    spots = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    counts = np.array((len(x), len(y)))
    place_K2 = (spots + 0.5) / counts * np.array(size_hw[::-1])
    return np.concatenate((np.zeros((len(place_K2), 1)), place_K2), axis=1)


def mask_queries(path: Path, points: int, size_hw: tuple[int, int]) -> Float[np.ndarray, "k 3"]:
    """Return queries in frame 0 where a mask is not zero, on a grid over it with `points` along its longer side.

    The mask is a picture of any size, stretched over a raster of `size_hw`; transparency does not count. Raises
    `DataError` when it cannot be read or is empty.
    """
    mask_HW = _read_mask(path)
    rows, columns = np.flatnonzero(mask_HW.any(1)), np.flatnonzero(mask_HW.any(0))
    if not len(rows):
        raise DataError(f"the mask {path} is empty; expected pixels that are not zero where points are wanted")
    video_from_mask = np.array((size_hw[1] / mask_HW.shape[1], size_hw[0] / mask_HW.shape[0]))
    low_xy = np.array((columns[0], rows[0])) * video_from_mask
    width, height = (np.array((columns[-1] + 1, rows[-1] + 1)) * video_from_mask - low_xy).tolist()
    query_K3 = grid_queries(points, (height, width)) + np.array((0.0, *low_xy))
    column_K, row_K = np.floor(query_K3[:, 1:] / video_from_mask).astype(int).T
    chosen_K3 = query_K3[mask_HW[row_K, column_K]]
    if not len(chosen_K3):
        raise DataError(f"no point of a grid of {points} a side lies in the mask {path}; raise --grid")
    return chosen_K3


def read_queries(path: Path) -> Float[np.ndarray, "k 3"]:
    """Return the queries of a file.

    A .csv names its columns in the first line: frame (or t), x, y in any order, further ones are left alone. A .npy
    holds rows (frame, x, y), a .npz such an array by the name `queries`. Raises `DataError` when it holds anything
    else, or no query at all.
    """
    if not path.is_file():
        raise DataError(f"no file of queries at {path}")
    kind = path.suffix.lower()
    if kind not in (".csv", ".npy", ".npz"):
        raise DataError(f"{path}: queries are read from .csv, .npy and .npz files")
    query_K3 = _read_table(path) if kind == ".csv" else _read_array(path)
    if query_K3.ndim != 2 or query_K3.shape[1] != 3 or not len(query_K3):
        raise DataError(
            f"{path} holds queries of shape {query_K3.shape}; expected (K, 3) rows (frame, x, y), K above 0"
        )
    return query_K3


def _read_mask(path: Path) -> Bool[np.ndarray, "h w"]:
    try:
        with Image.open(path) as picture:
            channels = np.asarray(picture)
    except FileNotFoundError as error:
        raise DataError(f"no mask at {path}") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"cannot read the mask {path}: {error}; expected a picture such as a PNG") from error
    if channels.ndim == 2:
        return channels != 0
    colours = channels.shape[2] - (channels.shape[2] % 2 == 0)
    return (channels[..., :colours] != 0).any(-1)


def _read_table(path: Path) -> Float[np.ndarray, "k 3"]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            names = [name.strip().lower() for name in table.fieldnames or []]
            table.fieldnames = names
            times = [name for name in ("frame", "t") if name in names]
            if len(times) != 1 or not {"x", "y"} <= set(names):
                raise DataError(f"{path} has the columns {names}; expected frame (or t), x and y in the first line")
            rows = [_numbers(path, table.line_num, [row[times[0]], row["x"], row["y"]]) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read queries from {path}: {error}") from error
    return np.array(rows).reshape(-1, 3)


def _numbers(path: Path, line: int, cells: list[str | None]) -> list[float]:
    try:
        return [float(cell or "") for cell in cells]
    except ValueError as error:
        raise DataError(f"{path}, line {line}: (frame, x, y) is {cells}; expected three numbers") from error


def _read_array(path: Path) -> np.ndarray:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content.astype(np.float64)
        with content:
            if "queries" not in content:
                raise DataError(f"{path} holds {sorted(content)}; expected an array by the name queries")
            return content["queries"].astype(np.float64)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"cannot read queries from {path}: {error}; expected numbers, (K, 3)") from error

"""Videos with true point tracks, as the TAP-Vid benchmarks give them (Doersch et al., 2022).

A video is shown in a square raster, resized as the published evaluation does it: each frame as 8-bit RGB through
Pillow's Lanczos filter. `points` lie in 0-1 from corner to corner of the video and scale by the raster's side;
`target_points`, which Kubric's generator writes, are pixels (x, y) of the video, and `query_points` beside them are
(frame, y, x). A leading axis of length one is dropped.

Shapes: T frames, H W rows and columns, C channels (RGB), K tracks, 2 = (x, y), 3 = (frame, x, y).
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.tapvid_files import LAYOUTS, TapVidDataset, find_files, read_items

__all__ = ["TrackedVideo", "read_tapvid", "shown_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedVideo:
    """One video and its true tracks; coordinates are pixels of the raster the video is shown in."""

    name: str
    video_THWC: UInt8[np.ndarray, "t h w 3"]
    track_KT2: Float[np.ndarray, "k t 2"]
    visible_KT: Bool[np.ndarray, "k t"]
    query_K3: Float[np.ndarray, "k 3"] | None = None
    """The queries (frame, x, y) that the file gives, one a track; None when it gives none."""


def read_tapvid(path: Path, dataset: TapVidDataset, *, side: int) -> Iterator[TrackedVideo]:
    """Yield the videos of a data set in rasters of `side` x `side`, from a file or a folder.

    One file is held at a time, and frames are decoded when their video's turn comes. Raises `DataError` when nothing
    is there, when a file is of another layout, damaged, or asks for more than data.
    """
    layout = LAYOUTS[dataset]
    for file in find_files(path, layout):
        for name, item in read_items(file, layout):
            yield _tracked_video(name, item, side=side, where=f"video {name} of {file}")


def shown_at(video: TrackedVideo, side: int) -> TrackedVideo:
    """Return a video and its tracks in a raster of `side` x `side`."""
    video_THWC, (width, height) = _shown(video.video_THWC, side=side, where=f"video {video.name}")
    scale_2 = side / np.array((width, height), np.float64)
    query_K3 = video.query_K3
    return replace(
        video,
        video_THWC=video_THWC,
        track_KT2=video.track_KT2 * scale_2,
        query_K3=None if query_K3 is None else query_K3 * np.concatenate(([1.0], scale_2)),
    )


def _tracked_video(name: str, item: Mapping[str, Any], *, side: int, where: str) -> TrackedVideo:
    in_pixels = "target_points" in item
    needed = ("video", "target_points" if in_pixels else "points", "occluded")
    if missing := [field for field in needed if field not in item]:
        raise DataError(f"{where} lacks {', '.join(missing)}; it has {', '.join(sorted(map(str, item)))}")
    video_THWC, size_wh = _shown(item["video"], side=side, where=where)
    scale_2 = side / np.array(size_wh if in_pixels else (1, 1), np.float64)
    given_KT2 = _array(item[needed[1]], 3, "f", f"{needed[1]} of {where}")
    occluded_KT = _array(item["occluded"], 2, "biuf", f"occluded of {where}") != 0
    if given_KT2.shape != (*occluded_KT.shape, 2) or occluded_KT.shape[1] != len(video_THWC):
        raise DataError(
            f"{where} has {len(video_THWC)} frames, {needed[1]} of shape {given_KT2.shape} and occluded of shape "
            f"{occluded_KT.shape}; expected tracks x frames x 2 and tracks x frames"
        )
    if not np.isfinite(given_KT2[~occluded_KT]).all():
        raise DataError(f"{where} has a visible point whose position is not finite")
    return TrackedVideo(
        name=name,
        video_THWC=video_THWC,
        track_KT2=given_KT2 * scale_2,
        visible_KT=~occluded_KT,
        query_K3=_queries(item["query_points"], occluded_KT.shape, scale_2, where) if "query_points" in item else None,
    )


def _queries(given: Any, tracks_by_frames: tuple[int, ...], scale_2: np.ndarray, where: str) -> np.ndarray:
    """Return (frame, x, y) in the raster from (frame, y, x) of the video, one query a track."""
    query_K3 = _array(given, 2, "f", f"query_points of {where}").astype(np.float64)
    count, num_frames = tracks_by_frames
    frame_K = query_K3[:, 0].round()
    if query_K3.shape != (count, 3) or not np.isfinite(query_K3).all() or not np.isin(frame_K, range(num_frames)).all():
        raise DataError(
            f"query_points of {where}: {query_K3.shape} numbers, frames {frame_K.min():g} to {frame_K.max():g}; "
            f"expected (frame, y, x) of {count} tracks and {num_frames} frames"
        )
    return np.concatenate((frame_K[:, None], query_K3[:, :0:-1] * scale_2), axis=1)


def _array(value: Any, num_axes: int, kinds: str, what: str) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim == num_axes + 1 and len(array) == 1:
        array = array[0]
    if array.ndim != num_axes or array.dtype.kind not in kinds:
        raise DataError(f"{what}: {array.dtype} of shape {array.shape}; expected {num_axes} axes of numbers")
    return array


def _shown(video: Any, *, side: int, where: str) -> tuple[UInt8[np.ndarray, "t h w 3"], tuple[int, int]]:
    """Return the frames of a video in a square raster, and the video's own width and height."""
    is_encoded = isinstance(video, list | tuple) or np.asarray(video).dtype.kind in "SO"
    frames = video if is_encoded else _pixels(_array(video, 4, "uf", f"frames of {where}"), where)
    if not len(frames):
        raise DataError(f"{where} has no frames")
    video_THWC = np.empty((len(frames), side, side, 3), np.uint8)
    size_wh = (0, 0)
    for number, frame in enumerate(frames):
        image = _decoded(frame, f"frame {number} of {where}") if is_encoded else Image.fromarray(frame)
        size_wh = image.size
        shown = image if size_wh == (side, side) else image.resize((side, side), Image.Resampling.LANCZOS)
        video_THWC[number] = np.asarray(shown)
    return video_THWC, size_wh


def _pixels(video_THWC: np.ndarray, where: str) -> UInt8[np.ndarray, "t h w 3"]:
    """Return 8-bit frames; Kubric's generator gives floats from -1 to 1."""
    if video_THWC.dtype.kind == "f":
        low, high = float(video_THWC.min(initial=0)), float(video_THWC.max(initial=0))
        if not -1.001 <= low < 0 or not high <= 1.001:
            raise DataError(f"frames of {where} are floats from {low:g} to {high:g}; expected -1 to 1, or uint8")
        video_THWC = ((video_THWC.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)
    if video_THWC.dtype != np.uint8 or video_THWC.shape[3] != 3:
        raise DataError(f"frames of {where}: {video_THWC.dtype} of shape {video_THWC.shape}; expected uint8 RGB")
    return video_THWC


def _decoded(frame: Any, what: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(frame)).convert("RGB")
    except (OSError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"cannot decode {what}: {error}; expected JPEG bytes") from error

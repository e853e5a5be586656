"""What a mask benchmark leaves beside its numbers: the official tables, the masks as files, strips, films, the worst.

The tables have the names, columns and digits of davis2017-evaluation. Masks are written as they are made, so that any
tool can score them, and pictures are drawn from these files afterwards.

Shapes: T frames, H W rows and columns.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.readers.video_masks.mask_files import mask_png, read_mask
from densewalk.datasets.readers.video_masks.masked_video import MaskedVideo
from densewalk.ssl.evaluate.mask_failures import failure_reason
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.davis import overlaps
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.film import mp4_bytes
from densewalk.ssl.show.masks import overlay_masks
from densewalk.ssl.show.principal import FeatureFilm
from densewalk.ssl.show.still import jpeg_bytes, resized
from densewalk.ssl.show.strips import MaskFilm, mask_strip
from densewalk.ssl.show.worst import WorstRow, worst_sheet

__all__ = ["keep_masks", "official_tables", "show_followed", "show_worst"]

_WIDTH_PX = 426
_MOST_FRAMES = 150
_FEATURE_FRAMES = 48
_FPS = 12
_NUM_WORST, _NUM_PICTURES = 5, 6
_RIGHT, _MISSED, _TOO_MUCH = 1, 2, 3


def keep_masks(notebook: Notebook, video: MaskedVideo, masks_THW: UInt8[np.ndarray, "t h w"]) -> None:
    """Write a video's masks as `masks/<sequence>/<frame>.png`, in the form in which servers take them."""
    if notebook.folder is not None:
        _kept_file(notebook.folder, video, "").parent.mkdir(parents=True, exist_ok=True)
        for name, mask_HW in zip(video.frame_names, masks_THW, strict=True):
            # Thousands of small files are not synced one by one; the folder gets its name when all is there.
            _kept_file(notebook.folder, video, name).write_bytes(mask_png(mask_HW))


def official_tables(
    notebook: Notebook, rows: Sequence[Mapping[str, Any]], scalars: Mapping[str, float], split: str
) -> None:
    """Write the two tables of the official tool; `rows` have `item` (sequence_object), `J_mean` and `F_mean`."""
    names = {"J&F-Mean": "J&F"} | {
        f"{letter}-{what}": f"{letter}_{what.lower()}" for letter in "JF" for what in ("Mean", "Recall", "Decay")
    }
    notebook.table(f"global_results-{split}.csv", [{name: _digits(scalars[key]) for name, key in names.items()}])
    notebook.table(
        f"per-sequence_results-{split}.csv",
        [{"Sequence": row["item"], "J-Mean": _digits(row["J_mean"]), "F-Mean": _digits(row["F_mean"])} for row in rows],
    )


def show_followed(
    notebook: Notebook, videos: Sequence[MaskedVideo], score: Mapping[str, float], matcher: Matcher | MaskFolder
) -> None:
    """Keep a strip and a film of the worst, the middle and the best sequence by `score`, a number by name.

    Of the best one the matcher's features are shown too, if it has any.
    """
    if notebook.folder is None:
        return
    ranked = sorted((video for video in videos if video.name in score), key=lambda video: score[video.name])
    chosen = {0: "worst", len(ranked) // 2: "middle", len(ranked) - 1: "best"}
    for place, rank in sorted(chosen.items()):
        video = ranked[place]
        frames = sorted(video.mask_files)[:_MOST_FRAMES]
        small_THWC = np.stack([resized(video.frames[frame], _small_hw(video)) for frame in frames])
        predicted_THW = _small_masks(video, frames, partial(_kept, notebook.folder, video))
        truth_THW = _small_masks(video, frames, video.mask)
        what = f"{video.name} ({rank} sequence, {score[video.name]:.1f})"
        strip = mask_strip(small_THWC, predicted_THW, truth_THW)
        notebook.picture(f"{what}: true and predicted masks", f"{video.name}.jpg", jpeg_bytes(strip))
        film = mp4_bytes(MaskFilm(small_THWC, predicted_THW, truth_THW), fps=_FPS)
        notebook.picture(f"{what}: predicted masks, true ones beside them", f"{video.name}.mp4", film)
        if rank == "best" and isinstance(matcher, Matcher) and "features" in matcher.offers:
            film = mp4_bytes(FeatureFilm(matcher, small_THWC[:_FEATURE_FRAMES]), fps=_FPS)
            caption = f"{what}: main directions of the features as colours, the same over the film"
            notebook.picture(caption, f"{video.name}-features.mp4", film)


def show_worst(
    notebook: Notebook,
    videos: Sequence[MaskedVideo],
    rows: Sequence[Mapping[str, Any]],
    scored: Callable[[MaskedVideo, int], Sequence[int]],
) -> None:
    """Keep the objects with the lowest J&F, what happened to each in words, and pictures of it.

    `scored` says which frames of a video are scored for an object.
    """
    if notebook.folder is None:
        return
    by_name = {video.name: video for video in videos}
    shown, told = [], []
    for row in sorted(rows, key=lambda row: float(row["J&F"]))[:_NUM_WORST]:
        video, number = by_name[row["sequence"]], int(row["object"])
        frames = scored(video, number)
        predicted_THW = np.stack([_kept(notebook.folder, video, frame) for frame in frames])
        truth_THW = np.stack([video.mask(frame) for frame in frames])
        region_T = overlaps(number, predicted_THW, truth_THW)[:, 0]
        reason = failure_reason(number, predicted_THW, truth_THW, region_T, frames=frames)
        pictures = tuple(
            overlay_masks(
                video.frames[frames[place]], _faults(predicted_THW[place] == number, truth_THW[place] == number)
            )
            for place in evenly(len(frames), _NUM_PICTURES)
        )
        shown.append(WorstRow(frames=pictures, title=f"{row['item']}: J&F {row['J&F']:.1f}", reason=reason))
        told.append({"item": row["item"], "J&F": _digits(row["J&F"]), "reason": reason})
    caption = "The worst objects and why: red is right, green missed, violet too much"
    notebook.picture(caption, "worst_objects.jpg", jpeg_bytes(worst_sheet(shown)))
    notebook.table("worst_objects.csv", told)


def _faults(predicted_HW: np.ndarray, truth_HW: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    found_HW = np.where(truth_HW, _RIGHT, _TOO_MUCH)
    return np.where(predicted_HW, found_HW, np.where(truth_HW, _MISSED, 0)).astype(np.uint8)


def _small_hw(video: MaskedVideo) -> tuple[int, int]:
    height, width = video.size_hw
    scale = min(1.0, _WIDTH_PX / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _small_masks(
    video: MaskedVideo, frames: Sequence[int], read: Callable[[int], np.ndarray]
) -> UInt8[np.ndarray, "t h w"]:
    """Return the masks that `read` gives for the frames, small."""
    size_wh = _small_hw(video)[::-1]
    return np.stack([cv2.resize(read(frame), size_wh, interpolation=cv2.INTER_NEAREST) for frame in frames])


def _kept_file(folder: Path, video: MaskedVideo, frame_name: str) -> Path:
    return folder / "masks" / video.name / f"{frame_name}.png"


def _kept(folder: Path, video: MaskedVideo, frame: int) -> UInt8[np.ndarray, "h w"]:
    return read_mask(_kept_file(folder, video, video.frame_names[frame]))


def _digits(percent: float) -> str:
    """Return a number in percent as the official tables have it: a share with three digits."""
    return f"{percent / 100:.3f}"

"""Tracks as numbers for other programs: an .npz for arrays and a .csv for everything else.

    .npz  tracks (K, T, 2) x, y      visible (K, T)      queries (K, 3) frame, x, y
          frames (T,)      seconds (T,)      fps ()      size_wh (2,)
    .csv  point, frame, seconds, x, y, visible; a row for every point in every frame

Pixels and frame numbers are the video's own (footage.py). Nothing is pickled.

Shapes: K points, T frames, 2 = (x, y), 3 = (frame, x, y).
"""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float

from densewalk.cluster.footage import Footage
from densewalk.datasets.atomic import atomic_path
from densewalk.ssl.track.tracks import Tracks

__all__ = ["write_track_tables"]


def write_track_tables(
    out: Path, tracks: Tracks, query_K3: Float[np.ndarray, "k 3"], footage: Footage
) -> tuple[Path, Path]:
    """Write tracks and queries in the video's own pixels and frame numbers beside `out`; return both paths."""
    arrays, table = out.with_suffix(".npz"), out.with_suffix(".csv")
    frame_T = footage.first_frame + np.arange(len(footage.second_T))
    with atomic_path(arrays) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            tracks=tracks.track_KT2.astype(np.float32),
            visible=tracks.visible_KT,
            queries=query_K3,
            frames=frame_T,
            seconds=footage.second_T,
            fps=footage.fps,
            size_wh=np.array(footage.own_hw[::-1]),
        )
    with atomic_path(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("point", "frame", "seconds", "x", "y", "visible"))
        for point, (track_T2, visible_T) in enumerate(zip(tracks.track_KT2, tracks.visible_KT, strict=True)):
            for frame, second, (x, y), visible in zip(frame_T, footage.second_T, track_T2, visible_T, strict=True):
                writer.writerow((point, frame, f"{second:.6f}", f"{x:.3f}", f"{y:.3f}", int(visible)))
    return arrays, table

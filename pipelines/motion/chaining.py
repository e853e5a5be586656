"""Tracks chained along flow: x(t+1) = x(t) + w(x(t)), read bilinearly, until a step leaves the frame or does not come
back (PiCo, section 3, after Sundaram et al. 2010).

Starts are uniform in space and time: continuous positions on random frames. As in PiCo tracks go forwards in time only,
so two fields are held at a time, whatever the length of the clip. Positions are carried in float32 and only stored more
coarsely; a step is judged by its residual as it is stored, so what is stored passes the test it was written with.

Shapes: K tracks, A of them alive, S positions and R steps of all, H W rows and columns, 2 = (x, y) or (a, b).
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32, Int64

from densewalk.datasets.motion.consistency import Residual, occlusion, read_at, round_trip
from densewalk.datasets.motion.residual_code import half_precision
from densewalk.datasets.motion.track_file import RaggedTracks
from densewalk.pipelines.motion.estimators import Flows

__all__ = ["chain", "draw_starts"]


def draw_starts(
    num_tracks: int, *, num_frames: int, size_hw: tuple[int, int], seed: int, key: str
) -> tuple[Int64[np.ndarray, " k"], Float32[np.ndarray, "k 2"]]:
    """Return the frames, ascending, and the positions at which tracks begin: a function of the arguments alone.

    None begins in the last frame, from where it could go nowhere.
    """
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    share_K3 = np.random.default_rng(int.from_bytes(digest[:16], "big")).random((num_tracks, 3))
    frame_K = np.floor(share_K3[:, 0] * (num_frames - 1)).astype(np.int64)
    order_K = np.argsort(frame_K, kind="stable")
    point_K2 = share_K3[order_K, 1:] * size_hw[::-1]
    return frame_K[order_K], point_K2.astype(np.float32)


def chain(
    start_K: Int64[np.ndarray, " k"],
    point_K2: Float32[np.ndarray, "k 2"],
    steps: Iterable[Flows],
    *,
    alpha: float,
    beta: float,
) -> RaggedTracks:
    """Follow points through the flows from frame 0 to 1, 1 to 2 and so on; `start_K` must ascend.

    Positions come back as shares of the frame. A step that does not come back under `alpha` and `beta` ends its track
    and is not part of it.
    """
    passed: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    size_2 = np.ones(2, np.float32)
    track_A, point_A2 = np.empty(0, np.int64), np.empty((0, 2), np.float32)
    for frame, (forth_2HW, back_2HW) in enumerate(steps):
        size_2 = np.array(forth_2HW.shape[:0:-1], np.float32)
        new_A = np.flatnonzero(start_K == frame)
        track_A, point_A2 = np.concatenate((track_A, new_A)), np.concatenate((point_A2, point_K2[new_A]))
        flow_A2 = read_at(forth_2HW, point_A2)
        residual_A2 = half_precision(round_trip(point_A2, flow_A2, back_2HW)).T
        goes_on_A = ~occlusion(Residual(a=residual_A2[:, 0], b=residual_A2[:, 1]), alpha=alpha, beta=beta)
        track_A, point_A2 = track_A[goes_on_A], (point_A2 + flow_A2)[goes_on_A]
        passed.append((track_A, point_A2, residual_A2[goes_on_A]))
    return _ragged(start_K, point_K2, passed, size_2)


def _ragged(
    start_K: np.ndarray,
    point_K2: np.ndarray,
    passed: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    size_2: Float32[np.ndarray, " 2"],
) -> RaggedTracks:
    """Lay what was passed frame by frame track by track, each behind its start."""
    num_tracks = len(start_K)
    track_R = np.concatenate([np.empty(0, np.int64), *(track for track, _, _ in passed)])
    residual_R2 = np.concatenate([np.empty((0, 2), np.float16), *(residual for _, _, residual in passed)])
    track_S = np.concatenate((np.arange(num_tracks), track_R))
    point_S2 = np.concatenate((point_K2, *(point for _, point, _ in passed)))
    return RaggedTracks(
        start_K=start_K,
        length_K=np.bincount(track_S, minlength=num_tracks),
        unit_S2=point_S2[np.argsort(track_S, kind="stable")] / size_2,
        residual_R2=residual_R2[np.argsort(track_R, kind="stable")],
    )

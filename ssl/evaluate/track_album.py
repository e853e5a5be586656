"""Pictures of followed points: strips and a film of the first videos, and the worst five with what went wrong.

Videos are shown as they come and forgotten; of the worst, only the drawn pictures are held.

Shapes: T frames, H W rows and columns, K points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace

import numpy as np
from jaxtyping import Bool, UInt8

from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.metrics.track_errors import SURVIVAL_PX
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.film import mp4_bytes
from densewalk.ssl.show.still import jpeg_bytes
from densewalk.ssl.show.strips import track_strip
from densewalk.ssl.show.tails import PaintedVideo
from densewalk.ssl.show.worst import WorstRow, worst_sheet
from densewalk.ssl.track.frames import FrameSequence
from densewalk.ssl.track.tracks import Tracks

__all__ = ["TrackAlbum", "why_points_were_lost"]

_STRIPS, _WORST, _FRAMES, _POINTS = 2, 5, 6, 64
_FILM_FRAMES, _FILM_FPS = 120, 10
_SIDE_PX = 240
_MANY_LOST = 0.2
_MANY_WRONG = 0.3
_FAR_PX = 8.0


class TrackAlbum:
    """Takes a benchmark's videos one by one and leaves pictures in its notebook, if that keeps any."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._seen = 0
        self._worst: list[tuple[float, int, WorstRow]] = []
        """A heap whose first entry is the best of the worst."""

    def add(
        self,
        name: str,
        video_THWC: FrameSequence,
        predicted: Tracks,
        truth: Tracks,
        *,
        score: float,
        reason: str,
        frames: Sequence[int] | None = None,
    ) -> None:
        """Show one video, of many tracks some.

        Tracks are in the video's raster; of two scores the lower one is worse; `frames` are those that may be shown.
        """
        if not self._notebook.keeps:
            return
        predicted, truth = _some(predicted), _some(truth)
        known = range(len(video_THWC)) if frames is None else frames
        shown = [known[i] for i in evenly(len(known), _FRAMES)]
        if self._seen < _STRIPS:
            strip_HWC = track_strip(video_THWC, predicted, truth, frames=shown)
            self._notebook.picture(f"{name}: points followed", f"strip-{self._seen}.jpg", jpeg_bytes(strip_HWC))
        if self._seen == 0:
            film = PaintedVideo(_Opening(video_THWC), predicted.track_KT2, predicted.visible_KT, min_side_px=_SIDE_PX)
            self._notebook.picture(f"{name}: film", "film.mp4", mp4_bytes(film, fps=_FILM_FPS))
        self._seen += 1
        entry = (-score, -self._seen)
        if len(self._worst) == _WORST and entry < self._worst[0][:2]:
            return
        painted = PaintedVideo(video_THWC, predicted.track_KT2, predicted.visible_KT, min_side_px=_SIDE_PX)
        row = WorstRow(frames=tuple(painted[t] for t in shown), title=f"{name}: {score:.1f}", reason=reason)
        push = heappush if len(self._worst) < _WORST else heapreplace
        push(self._worst, (*entry, row))

    def close(self) -> None:
        """Leave the sheet of the worst."""
        if self._worst:
            rows = [row for *_, row in sorted(self._worst, key=lambda entry: entry[:2], reverse=True)]
            self._notebook.picture("the worst, and why", "worst.jpg", jpeg_bytes(worst_sheet(rows)))


def why_points_were_lost(predicted: Tracks, truth: Tracks, judged_KT: Bool[np.ndarray, "k t"]) -> str:
    """Return in words what is wrong with tracks of the 256 raster in the frames that are judged, the gravest first."""
    distance_KT = np.hypot(*np.moveaxis(predicted.track_KT2 - truth.track_KT2, -1, 0))
    seen_KT, hidden_KT = judged_KT & truth.visible_KT, judged_KT & ~truth.visible_KT
    failed_KT = seen_KT & (distance_KT > SURVIVAL_PX)
    if not seen_KT.any():
        return "no point is visible"
    lost_K = failed_KT.any(1)
    if lost_K.mean() > _MANY_LOST:
        middle = int(np.median(failed_KT[lost_K].argmax(1)))
        astray = f"{lost_K.sum()} of {len(lost_K)} points go more than {SURVIVAL_PX} px astray"
        return f"{astray}, half of them by frame {middle}"
    for place_KT, error_KT, words in (
        (seen_KT, ~predicted.visible_KT, "visible positions are taken for hidden"),
        (hidden_KT, predicted.visible_KT, "hidden positions are taken for visible"),
    ):
        if place_KT.any() and error_KT[place_KT].mean() > _MANY_WRONG:
            return f"{100 * error_KT[place_KT].mean():.0f} % of {words}"
    middle_px = float(np.median(distance_KT[seen_KT]))
    return f"{'points drift' if middle_px > _FAR_PX else 'no grave fault'}: half are more than {middle_px:.1f} px off"


def _some(tracks: Tracks) -> Tracks:
    """Return tracks that can be told apart in a picture, evenly chosen."""
    row_K = evenly(len(tracks.visible_KT), _POINTS)
    return Tracks(track_KT2=tracks.track_KT2[row_K], visible_KT=tracks.visible_KT[row_K])


@dataclass(frozen=True, slots=True)
class _Opening:
    """The first frames of a video."""

    video_THWC: FrameSequence

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.video_THWC.shape[1:])

    def __len__(self) -> int:
        return min(len(self.video_THWC), _FILM_FRAMES)

    def __getitem__(self, frame: int, /) -> UInt8[np.ndarray, "h w 3"]:
        return self.video_THWC[frame]

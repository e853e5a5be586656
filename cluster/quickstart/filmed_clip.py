"""What the trained network does, as pictures: a real clip tracked, random walks in it, masks carried along.

clip.json      which clip, which networks, which settings: while it stays the same, nothing is made again
tracks.mp4     tracks.gif
walk.png       walk-without-label-warping.png
masks.png
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from densewalk.cluster.quickstart.mask_pictures import mask_picture
from densewalk.cluster.quickstart.plan import QuickstartPlan
from densewalk.cluster.scoreboard import COLLAPSED, OURS
from densewalk.cluster.track_queries import grid_queries
from densewalk.cluster.tracking import seen_size, track_video, write_film
from densewalk.datasets.atomic import write_json
from densewalk.datasets.config import to_mapping
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.records import ClipRow
from densewalk.datasets.video import read_frames
from densewalk.ssl.show.heat import walk_panel
from densewalk.ssl.show.still import resized, write_png
from densewalk.ssl.track.tracks import Tracks
from densewalk.ssl.train.subject import load_matcher

__all__ = ["FILM", "MASKS", "WALKS", "film_clip", "telling_clip", "read_film_card"]

FILM = "tracks.mp4"
MASKS = "masks.png"
WALKS = {OURS: "walk.png", COLLAPSED: "walk-without-label-warping.png"}
_CARD = "clip.json"
_CANDIDATES = 12
_MOVES = 2.0
"""Mean change of brightness, of 255, from which a clip counts as moving."""
_STEP_SECONDS = 0.2
"""Time between the frames compared for movement, and length of the walk's step."""


def film_clip(plan: QuickstartPlan) -> None:
    """Write the film, the walks and the masks into `plan.track`, unless they are there already."""
    dataset = Dataset.open(plan.corpus)
    networks = {name: load_matcher(run) for name, run in plan.runs.items()}
    row = telling_clip(dataset)
    card = _card(plan, row, {name: facts for name, (_, facts) in networks.items()})
    made = (plan.track / name for name in (FILM, MASKS, *WALKS.values()))
    if read_film_card(plan.track) == card and all(path.is_file() for path in made):
        return
    num_frames = min(row.frames, round(plan.film.seconds * row.fps))
    video_THWC = read_frames(dataset.read_clip(row), range(num_frames))
    query_K3 = grid_queries(plan.film.grid, video_THWC.shape[1:3])
    tracks = track_video(networks[OURS][0], video_THWC, query_K3, plan.film)
    write_film(plan.track / FILM, video_THWC, tracks, fps=row.fps, gif_bytes=plan.film.gif_bytes)
    later = min(num_frames - 1, max(1, round(_STEP_SECONDS * row.fps)))
    seen_hw = seen_size(video_THWC.shape[1:3], plan.film)
    first_HWC, later_HWC = (resized(video_THWC[frame], seen_hw) for frame in (0, later))
    x, y = _moving_point(tracks, later)
    query_xy = (x * seen_hw[1] / row.width, y * seen_hw[0] / row.height)
    for name, (matcher, _) in networks.items():
        write_png(plan.track / WALKS[name], walk_panel(matcher, first_HWC, later_HWC, query_xy))
    write_png(plan.track / MASKS, mask_picture(networks[OURS][0]))
    write_json(plan.track / _CARD, card)


def read_film_card(folder: Path) -> dict[str, Any]:
    """Return what the film in a folder was made of; empty when there is none."""
    path = folder / _CARD
    return json.loads(path.read_text()) if path.is_file() else {}


def telling_clip(dataset: Dataset) -> ClipRow:
    """Return the longest clip in which something moves, or the liveliest of the longest when nothing much does."""
    longest = sorted(dataset, key=lambda row: (-row.frames / row.fps, row.key))[:_CANDIDATES]
    movement = {row.key: _movement(dataset, row) for row in longest}
    moving = (row for row in longest if movement[row.key] >= _MOVES)
    return next(moving, max(longest, key=lambda row: movement[row.key]))


def _movement(dataset: Dataset, row: ClipRow) -> float:
    """Return the mean change of brightness between two frames in the middle of a clip."""
    step = max(1, round(_STEP_SECONDS * row.fps))
    first = max(0, (row.frames - step) // 2)
    pair = read_frames(dataset.read_clip(row), [first, min(first + step, row.frames - 1)])
    before, after = (resized(frame_HWC, (64, 64)).astype(np.float32).mean(-1) for frame_HWC in pair)
    return float(np.abs(after - before).mean())


def _moving_point(tracks: Tracks, frame: int) -> tuple[float, float]:
    """Return where a point starts that is seen in `frame` and has moved further than most."""
    moved_K = np.linalg.norm(tracks.track_KT2[:, frame] - tracks.track_KT2[:, 0], axis=1)
    moved_K = np.where(tracks.visible_KT[:, frame], moved_K, -1.0)
    chosen = np.argsort(moved_K, kind="stable")[int(0.9 * (len(moved_K) - 1))]
    x, y = tracks.track_KT2[chosen, 0].tolist()
    return x, y


def _card(plan: QuickstartPlan, row: ClipRow, facts: dict[str, Any]) -> dict[str, Any]:
    card = {
        "clip": row.key,
        "fps": row.fps,
        "start_seconds": row.start_seconds,
        "film": to_mapping(plan.film),
        "networks": facts,
    }
    return json.loads(json.dumps(card))

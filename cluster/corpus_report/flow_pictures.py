"""How clips move: two frames of a clip and the flow between them in colours, with the wheel that explains them.

Where flow is stored beside the clip, it is what is shown; otherwise it is estimated on the spot by Dense Inverse Search
between frames a twelfth of a second apart. All clips share one scale, so a paler picture moves less.

Shapes: H W rows and columns, 2 = (x, y) in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from densewalk.cluster.corpus_report.clip_rows import clip_companion, clip_frames
from densewalk.datasets.records import ClipRow
from densewalk.ssl.flow.inverse_search import dis_estimator, dis_flow
from densewalk.ssl.show.colours import DIM, SLATE
from densewalk.ssl.show.flow_wheel import flow_colours, flow_wheel
from densewalk.ssl.show.lettering import written
from densewalk.ssl.show.tiles import Tile, stacked, tiles

__all__ = ["flow_sheet", "lively_clips"]

_PAIR_SECONDS = 1 / 12
_FLOW_FILE = "flow.npz"
_TILE_PX, _WHEEL_PX, _LINE_PX = 170, 130, 19


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A pair of frames and the flow of the first."""

    row: ClipRow
    source: int
    target: int
    source_HWC: UInt8[np.ndarray, "h w 3"]
    target_HWC: UInt8[np.ndarray, "h w 3"]
    flow_2HW: Float32[np.ndarray, "2 h2 w2"]
    """In shares of the clip's shorter side."""
    origin: str


def lively_clips(rows: Sequence[ClipRow], most: int) -> list[ClipRow]:
    """Return the clips that move most, those of different sources first."""
    ordered = sorted((row for row in rows if row.frames > 1), key=lambda row: (-(row.motion or 0.0), row.key))
    firsts = {row.source_id: row for row in reversed(ordered)}
    others = [row for row in ordered if firsts[row.source_id] is not row]
    return [*(row for row in ordered if firsts[row.source_id] is row), *others][:most]


def flow_sheet(folder: Path, rows: Sequence[ClipRow]) -> UInt8[np.ndarray, "h w 3"] | None:
    """Return a row a clip with two frames and their flow, and the wheel; None without clips.

    Raises `DataError` when a clip or its flow cannot be read.
    """
    shown = [_shown(folder, row) for row in rows]
    if not shown:
        return None
    rim = float(np.percentile(np.concatenate([np.hypot(*pair.flow_2HW).ravel() for pair in shown]), 99)) or 1.0
    lines = [_line(pair, rim) for pair in shown]
    return stacked([tiles(lines, tile_height_px=_TILE_PX), _legend(rim)])


def _legend(rim: float) -> UInt8[np.ndarray, "h w 3"]:
    legend_HWC = np.full((_WHEEL_PX, _WHEEL_PX + 420, 3), SLATE, np.uint8)
    legend_HWC[:, :_WHEEL_PX] = flow_wheel(_WHEEL_PX)
    lines = (
        "the colour of every movement, drawn where it takes the centre;",
        f"rim: {100 * rim:.1f} % of the shorter side from the first frame to the second",
    )
    top = _WHEEL_PX / 2 - _LINE_PX
    words = [((_WHEEL_PX + 20, top + _LINE_PX * number), line, DIM, "lt") for number, line in enumerate(lines)]
    return written(legend_HWC, words)


def _line(pair: _Shown, rim: float) -> list[Tile]:
    step = f"{(pair.target - pair.source) / pair.row.fps:.3f} s later"
    return [
        Tile(image_HWC=pair.source_HWC, title=f"{pair.row.key}, frame {pair.source}"),
        Tile(image_HWC=pair.target_HWC, title=f"frame {pair.target}, {step}"),
        Tile(image_HWC=flow_colours(pair.flow_2HW, max_px=rim), title=pair.origin),
    ]


def _shown(folder: Path, row: ClipRow) -> _Shown:
    content = clip_companion(folder, row, _FLOW_FILE)
    return _estimated(folder, row) if content is None else _stored(folder, row, content)


def _stored(folder: Path, row: ClipRow, content: bytes) -> _Shown:
    from densewalk.datasets.motion.flow_file import read_flow  # brings torch

    fields = read_flow(content)
    forward = [pair for pair in fields.pairs if pair[0] < pair[1]]
    wanted = row.frames // 2, row.frames // 2 + round(_PAIR_SECONDS * row.fps)
    if not forward:
        return _estimated(folder, row)
    source, target = min(forward, key=lambda pair: (abs(pair[0] - wanted[0]) + abs(pair[1] - wanted[1]), pair))
    return _pair(
        folder,
        row,
        (source, target),
        flow_2HW=fields.flow(source, target) / min(fields.about.size_hw),
        origin=f"flow as stored ({fields.about.estimator})",
    )


def _estimated(folder: Path, row: ClipRow) -> _Shown:
    gap = max(1, round(_PAIR_SECONDS * row.fps))
    source = max(0, min(row.frames // 2, row.frames - 1 - gap))
    frames = source, min(source + gap, row.frames - 1)
    grey = [cv2.cvtColor(frame_HWC, cv2.COLOR_RGB2GRAY) for frame_HWC in clip_frames(folder, row, frames)]
    flow_2HW = dis_flow(grey[0], grey[1], dis_estimator()) / min(row.height, row.width)
    return _pair(folder, row, frames, flow_2HW=flow_2HW, origin="flow by Dense Inverse Search")


def _pair(
    folder: Path, row: ClipRow, frames: tuple[int, int], *, flow_2HW: Float32[np.ndarray, "2 h w"], origin: str
) -> _Shown:
    source_HWC, target_HWC = clip_frames(folder, row, frames)
    return _Shown(
        row=row,
        source=frames[0],
        target=frames[1],
        source_HWC=source_HWC,
        target_HWC=target_HWC,
        flow_2HW=flow_2HW,
        origin=origin,
    )

"""Flow between frames of a video, made when it is asked for, and points moved along it.

One pass of a pair gives both directions, and a frame is encoded once as long as its map is held, so a walk from
neighbour to neighbour takes T encodings and T - 1 pair passes. A track that goes back in time needs the same fields in
reverse: they wait in a temporary file, 16 bytes a node and step. In memory there are never more than `maps_held` maps
and the fields of one pair, however long the video is.

Shapes: K points, T frames, D feature width, H W grid rows and columns, 2 = (x, y) in the network's raster.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.frames import EncodedFrames
from densewalk.ssl.walk.visibility import cycle_error_px, move_points

__all__ = ["Fields", "FlowPair", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPair:
    """Flow between two frames at the nodes that show something, pixels of the network's raster."""

    forth_12HW: Float[Tensor, "1 2 gh gw"]
    back_12HW: Float[Tensor, "1 2 gh gw"]

    def swapped(self) -> "FlowPair":
        """Return the pair in the other direction."""
        return FlowPair(forth_12HW=self.back_12HW, back_12HW=self.forth_12HW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step from a frame to a neighbour, in either direction of time."""

    source: int
    target: int
    flow: FlowPair

    def moves(self, frame_K: Int[Tensor, " k"]) -> Bool[Tensor, " k"]:
        """Return which queries, by their frames, are carried by this step: those it leads away from."""
        return frame_K <= self.source if self.target > self.source else frame_K >= self.source


class Fields:
    """Flow between any two frames of a video."""

    def __init__(self, matcher: Matcher, frames: EncodedFrames, *, maps_held: int) -> None:
        self._matcher, self._frames = matcher, frames
        self._map = lru_cache(maxsize=maps_held)(frames.encode)

    def between(self, source: int, target: int) -> FlowPair:
        """Return the flow from one frame to another and back."""
        forth, back = self._matcher.displacement(self._map(source), self._map(target))
        return FlowPair(
            forth_12HW=self._frames.shown(forth.float()).contiguous(),
            back_12HW=self._frames.shown(back.float()).contiguous(),
        )

    def follow(
        self, point_K2: Float[Tensor, "k 2"], flow: FlowPair
    ) -> tuple[Float[Tensor, "k 2"], Float[Tensor, " k"]]:
        """Return where points go, and by how many pixels of a 256 x 256 raster the way back misses their start."""
        stride, start_1K2 = self._matcher.stride, point_K2[None]
        arrival_1K2 = move_points(start_1K2, flow.forth_12HW, stride=stride)
        size_hw = self._frames.size_hw
        error_1K = cycle_error_px(start_1K2, arrival_1K2, flow.back_12HW, stride=stride, size_hw=size_hw)
        return arrival_1K2[0], error_1K[0]

    def steps(self, frame_K: Int[Tensor, " k"]) -> Iterator[Step]:
        """Yield every step forwards in time, then those that lead backwards from the last query's frame to the first.

        `frame_K` are the frames of the queries.
        """
        turn, size = max(frame_K.tolist(), default=0), 0
        with tempfile.TemporaryFile(prefix="densewalk-flow-") as waiting:
            for source in range(len(self._frames) - 1):
                flow = self.between(source, source + 1)
                if source < turn:
                    size = waiting.write(_to_bytes(flow))
                yield Step(source=source, target=source + 1, flow=flow)
            for source in range(turn, 0, -1):
                waiting.seek((source - 1) * size)
                flow = self._from_bytes(waiting.read(size))
                yield Step(source=source, target=source - 1, flow=flow.swapped())

    def _from_bytes(self, content: bytes) -> FlowPair:
        both = torch.frombuffer(bytearray(content), dtype=torch.float32).to(self._frames.device)
        forth, back = both.reshape(2, 1, 2, *self._frames.grid_hw)
        return FlowPair(forth_12HW=forth, back_12HW=back)


def _to_bytes(flow: FlowPair) -> bytes:
    return torch.stack((flow.forth_12HW, flow.back_12HW)).cpu().numpy().tobytes()

"""Labels along the flow: for subjects that know where points go but compare no features.

    label_t(x) = label_{t-1}(x + flow from t to t-1 at x),    read bilinearly, so labels stay soft

Points that come from outside the frame take the label at its border.

Shapes: L labels, gh gw grid rows and columns, N nodes, 2 = (x, y) in pixels of the network's raster.
"""

from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.geometry import grid_points, sample_at
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.seen import Seen

__all__ = ["Chain"]


class Chain:
    """The last frame of a video, with its labels."""

    def __init__(self, matcher: Matcher, first: Seen, label_LHW: Float[Tensor, "l gh gw"]) -> None:
        self._matcher, self._last, self._label_LHW = matcher, first, label_LHW

    def add(self, seen: Seen, label_LHW: Float[Tensor, "l gh gw"]) -> None:
        """Put a frame and its labels in place of the last one."""
        self._last, self._label_LHW = seen, label_LHW

    def labels_for(self, seen: Seen) -> Float[Tensor, "l gh gw"]:
        """Return the labels that lie where the frame's flow to the last one ends."""
        height, width = self._label_LHW.shape[-2:]
        flow_2HW = self._matcher.displacement(seen.map_1DHW, self._last.map_1DHW)[0][0, :, :height, :width]
        stride = self._matcher.stride
        place_N2 = grid_points(height, width, stride=stride, device=flow_2HW.device) + flow_2HW.flatten(1).T
        return sample_at(self._label_LHW[None], place_N2[None] / stride)[0].T.unflatten(-1, (height, width))

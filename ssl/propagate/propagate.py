"""Label propagation: masks of the first frame are carried through a video by a matcher's transitions.

Every node of a frame takes the labels of its `top_k` strongest matches among the nodes of the first frame and of the
`context` frames before, near its own place; weights are the softmax of the matcher's own logits (source . target /
temperature) over these matches (Jabri et al., CRW, section 4.1; DINO's protocol by the default numbers). Labels stay
soft from frame to frame; masks are their bilinear enlargement's largest class. Nodes that show nothing but padding
neither give nor take labels.

Only a band of one context frame's logits exists at a time, never nodes x (context x nodes).

Shapes: T frames, L labels, H W rows and columns, N nodes of a grid, R nodes of some rows, J matches.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.adaptation import AdaptationConfig, adapt_to_video
from densewalk.ssl.track.frames import EncodedFrames, FrameSequence
from densewalk.ssl.walk.pair_features import PairFeatures

__all__ = ["PropagationConfig", "propagate_labels"]

_VOID = 255
_ROWS_AT_ONCE = 8
"""Grid rows whose logits exist at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationConfig:
    """How labels are carried on."""

    context: int = 7
    """Preceding frames that give labels beside the first one (DINO: 7, CRW: 20)."""
    top_k: int = 5
    """Matches, over all context frames together, whose labels a node mixes (DINO: 5, CRW: 10)."""
    radius: int = 12
    """Largest row and column distance of a match, nodes (DINO, CRW: 12)."""
    upsample: int = 1
    """Factor by which frames are enlarged before they are encoded."""
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    """What the matcher learns on each video before it propagates; nothing by default (CRW: optional)."""

    def __post_init__(self) -> None:
        require(
            self.context < 0 and f"propagation.context={self.context} must not be negative",
            self.top_k < 1 and f"propagation.top_k={self.top_k} must be at least 1",
            self.radius < 0 and f"propagation.radius={self.radius} must not be negative",
            self.upsample < 1 and f"propagation.upsample={self.upsample} must be at least 1",
        )


def propagate_labels(
    matcher: Matcher,
    video_THWC: FrameSequence,
    first_mask_HW: UInt8[np.ndarray, "h2 w2"],
    config: PropagationConfig,
) -> UInt8[np.ndarray, "t h w"]:
    """Return a mask for every frame, in the ids of the first one; 255 (void) is taken as background 0.

    Raises `DataError` when the mask's size is not the video's, and what `adapt_to_video` raises when
    `config.adaptation` asks for steps.
    """
    size_hw = (video_THWC.shape[1], video_THWC.shape[2])
    if first_mask_HW.shape != size_hw:
        raise DataError(f"the first mask has {first_mask_HW.shape} rows and columns, the video's frames have {size_hw}")
    first_mask_HW = np.where(first_mask_HW == _VOID, 0, first_mask_HW).astype(np.uint8)
    ids_L = np.unique(first_mask_HW)
    masks = [first_mask_HW]
    if config.adaptation.steps > 0:
        matcher = adapt_to_video(matcher, video_THWC, config.adaptation)
    with torch.inference_mode():
        frames = EncodedFrames(matcher, video_THWC, upsample=config.upsample)
        first = _first_context(frames, first_mask_HW, ids_L, stride=matcher.stride)
        recent: deque[_Labelled] = deque(maxlen=config.context)
        for frame in range(1, len(frames)):
            map_1DHW = frames.encode(frame)
            label_LHW = _label_frame(matcher, map_1DHW, [first, *recent], config)
            recent.append(_Labelled(map_1DHW=map_1DHW, label_LHW=label_LHW))
            masks.append(ids_L[frames.at_video_pixels(label_LHW[None])[0].argmax(0).cpu().numpy()])
    return np.stack(masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labelled:
    """An encoded frame, padding included, and the share of every label in each node that shows something."""

    map_1DHW: Tensor
    label_LHW: Tensor


def _first_context(frames: EncodedFrames, mask_HW: np.ndarray, ids_L: np.ndarray, *, stride: int) -> _Labelled:
    """Encode the first frame; a node's labels are their shares of its area."""
    one_hot_LHW = torch.from_numpy((mask_HW == ids_L[:, None, None]).astype(np.float32)).to(frames.device)
    large_1LHW = F.interpolate(one_hot_LHW[None], frames.size_hw, mode="nearest-exact")
    label_1LHW = F.avg_pool2d(frames.pad(large_1LHW), stride)
    return _Labelled(map_1DHW=frames.encode(0), label_LHW=frames.shown(label_1LHW)[0])


def _label_frame(
    matcher: Matcher, map_1DHW: Tensor, context: Sequence[_Labelled], config: PropagationConfig
) -> Float[Tensor, "l gh gw"]:
    """Return the labels of a frame's nodes from its strongest matches in all context frames."""
    grid_hw = context[0].label_LHW.shape[-2:]
    pairs = (_shown(matcher.relate(map_1DHW, c.map_1DHW), grid_hw) for c in context)
    best = [_best_matches(pair, config) for pair in pairs]
    logit_NJ = torch.cat([logit for logit, _ in best], dim=1)
    node_NJ = torch.cat([node + position * len(node) for position, (_, node) in enumerate(best)], dim=1)
    strongest_NJ, chosen_NJ = logit_NJ.topk(min(config.top_k, logit_NJ.shape[1]), dim=1)
    label_LN = torch.cat([c.label_LHW.flatten(1) for c in context], dim=1)
    label_LNJ = label_LN[:, node_NJ.gather(1, chosen_NJ)]
    return (label_LNJ * strongest_NJ.softmax(1)).sum(-1).unflatten(-1, grid_hw)


def _shown(features: PairFeatures, grid_hw: Sequence[int]) -> PairFeatures:
    """Return the features of the upper left `grid_hw` nodes: those that show something."""
    rows, columns = grid_hw
    source, target = (
        f.unflatten(1, features.grid_hw)[:, :rows, :columns].flatten(1, 2)
        for f in (features.source_BND, features.target_BND)
    )
    return replace(features, source_BND=source, target_BND=target, grid_hw=(rows, columns))


def _best_matches(features: PairFeatures, config: PropagationConfig) -> tuple[Tensor, Tensor]:
    """Return logits and target nodes of each source node's strongest matches within the radius."""
    rows, columns = features.grid_hw
    source, target = features.source_BND[0].float(), features.target_BND[0].float()
    parts = []
    for top in range(0, rows, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, rows)
        low, high = max(top - config.radius, 0), min(bottom + config.radius, rows)
        logit = source[top * columns : bottom * columns] @ target[low * columns : high * columns].T
        logit = logit / features.temperature
        logit.masked_fill_(
            ~_within(range(top, bottom), range(low, high), columns, config.radius).to(logit.device), -torch.inf
        )
        value, node = logit.topk(min(config.top_k, logit.shape[1]), dim=1)
        parts.append((value, node + low * columns))
    return torch.cat([value for value, _ in parts]), torch.cat([node for _, node in parts])


def _within(source_rows: range, target_rows: range, columns: int, radius: int) -> Tensor:
    """Return which target nodes are within a square radius of which source nodes, both given by rows of the grid."""
    source_y, target_y = torch.tensor(source_rows), torch.tensor(target_rows)
    x = torch.arange(columns)
    near_y = (source_y[:, None] - target_y[None]).abs() <= radius
    near_x = (x[:, None] - x[None]).abs() <= radius
    return (near_y[:, None, :, None] & near_x[None, :, None, :]).flatten(2).flatten(0, 1)

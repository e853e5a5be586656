"""Label propagation: labels of the first frame are carried through a video by a matcher's transitions or its flow.

Labels stay soft from frame to frame; one frame after the other is encoded, labelled and handed out, so memory does not
grow with the video. Nodes that show nothing but padding neither give nor take labels. Objects that arrive later open a
context of their own at their frame, as in dense-ulearn-vos: each context is asked for its own classes only.

Shapes: T frames, L labels, H W rows and columns of the video, gh gw of the label maps.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.propagate.adaptation import adapt_to_video
from densewalk.ssl.propagate.chain import Chain
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.context import Context
from densewalk.ssl.propagate.label_maps import labels_of_mask, mask_of_labels, stretched
from densewalk.ssl.propagate.seen import Seen, Sight
from densewalk.ssl.track.frames import EncodedFrames, FrameSequence

__all__ = ["encoded_frames", "propagate_labels", "propagate_maps", "propagate_masks"]

_VOID = 255
_NOTHING: Mapping[int, np.ndarray] = MappingProxyType({})
_NO_MAPS: Mapping[int, Tensor] = MappingProxyType({})


def propagate_labels(
    matcher: Matcher,
    video_THWC: FrameSequence,
    first_mask_HW: UInt8[np.ndarray, "h w"],
    config: PropagationConfig,
    *,
    arrivals: Mapping[int, np.ndarray] = _NOTHING,
) -> UInt8[np.ndarray, "t h w"]:
    """Return the masks of `propagate_masks` together."""
    return np.stack(list(propagate_masks(matcher, video_THWC, first_mask_HW, config, arrivals=arrivals)))


def propagate_masks(
    matcher: Matcher,
    video_THWC: FrameSequence,
    first_mask_HW: UInt8[np.ndarray, "h w"],
    config: PropagationConfig,
    *,
    arrivals: Mapping[int, np.ndarray] = _NOTHING,
) -> Iterator[UInt8[np.ndarray, "h w"]]:
    """Yield a mask for every frame, in the ids of the given ones; 255 (void) is taken as background 0.

    `arrivals` are masks, by frame, of objects that first appear there and 0 elsewhere. Raises `DataError` when a mask's
    size is not the video's or an arrival is not after the first frame and within the video, and what `adapt_to_video`
    raises when `config.adaptation` asks for steps.
    """
    given = {0: first_mask_HW, **arrivals}
    _check(given, tuple(video_THWC.shape[1:3]), len(video_THWC), what="mask", expected="the video's frames have")
    given = {frame: np.where(mask_HW == _VOID, 0, mask_HW).astype(np.uint8) for frame, mask_HW in given.items()}
    ids_L = np.unique(np.concatenate([np.unique(mask_HW) for mask_HW in given.values()]))
    matcher, frames = _opened(matcher, video_THWC, config)
    labels = {
        frame: labels_of_mask(mask_HW, ids_L, frames, reduction=config.first_labels) for frame, mask_HW in given.items()
    }
    for frame in arrivals:
        labels[frame][ids_L == 0] = 0
    maps = _carried(matcher, frames, labels, config)
    return _decoded(maps, given[0], ids_L, frames, config)


def propagate_maps(
    matcher: Matcher,
    video_THWC: FrameSequence,
    first_LHW: Float[Tensor, "l gh gw"],
    config: PropagationConfig,
    *,
    arrivals: Mapping[int, Tensor] = _NO_MAPS,
) -> Iterator[Float[Tensor, "l gh gw"]]:
    """Yield a label map for every frame, the first of which is `first_LHW`, on the grid of `encoded_frames`.

    Labels are any numbers that are not negative: shares of classes, blobs around joints; nothing is normalised unless
    `config.stretch_carried` asks for it.
    `arrivals` are labels, by frame, of classes that first appear there and zeros for all others. Raises `DataError`
    when maps are not of the grid's size or an arrival is not after the first frame and within the video, and what
    `adapt_to_video` raises when `config.adaptation` asks for steps.
    """
    matcher, frames = _opened(matcher, video_THWC, config)
    given = {0: first_LHW, **arrivals}
    _check(given, (len(first_LHW), *frames.grid_hw), len(frames), what="label map", expected="the matcher's grid wants")
    return _carried(matcher, frames, {t: label.to(frames.device) for t, label in given.items()}, config)


def encoded_frames(matcher: Matcher, video_THWC: FrameSequence, config: PropagationConfig) -> EncodedFrames:
    """Return a video as it is propagated through: `grid_hw` nodes, each `stride` pixels of `size_hw`."""
    size_hw = config.network_hw((video_THWC.shape[1], video_THWC.shape[2]))
    return EncodedFrames(matcher, video_THWC, size_hw=size_hw, antialias=config.antialias)


def _opened(matcher: Matcher, video_THWC: FrameSequence, config: PropagationConfig) -> tuple[Matcher, EncodedFrames]:
    if config.adaptation.steps > 0:
        matcher = adapt_to_video(matcher, video_THWC, config.adaptation)
    return matcher, encoded_frames(matcher, video_THWC, config)


def _check(
    given: Mapping[int, np.ndarray | Tensor], shape: tuple[int, ...], num_frames: int, *, what: str, expected: str
) -> None:
    for frame, found in given.items():
        if tuple(found.shape) != shape:
            raise DataError(f"the {what} of frame {frame} has the shape {tuple(found.shape)}, {expected} {shape}")
    if out_of_range := [frame for frame in given if frame and not 0 < frame < num_frames]:
        raise DataError(f"arrivals at frames {out_of_range}; the video has frames 1 to {num_frames - 1} for them")


def _carried(
    matcher: Matcher, frames: EncodedFrames, labels: Mapping[int, Tensor], config: PropagationConfig
) -> Iterator[Float[Tensor, "l gh gw"]]:
    sight = Sight(matcher, config, frames.grid_hw)

    def opening(seen: Seen, label_LHW: Tensor, present_L11: Tensor) -> tuple[Tensor, Context | Chain]:
        by_matches = "matches" in matcher.offers
        carrier = Context(sight, config, seen, label_LHW) if by_matches else Chain(matcher, seen, label_LHW)
        return present_L11, carrier

    openings: list[tuple[Tensor, Context | Chain]] = []
    for frame in range(len(frames)):
        with torch.inference_mode():
            seen = sight.see(frames.encode(frame))
            parts = [present_L11 * carrier.labels_for(seen) for present_L11, carrier in openings]
            label_LHW = torch.stack(parts).sum(0) if parts else labels[frame]
            if frame in labels and parts:
                share_1HW = labels[frame].sum(0, keepdim=True)
                label_LHW = (1 - share_1HW) * label_LHW + share_1HW * labels[frame]
            if parts and config.stretch_carried:
                label_LHW = torch.stack([stretched(label_HW) for label_HW in label_LHW])
            for _, carrier in openings:
                carrier.add(seen, label_LHW)
            if frame in labels:
                present_L11 = labels[frame].flatten(1).any(1)[:, None, None]
                openings.append(opening(seen, label_LHW, present_L11))
        yield label_LHW


def _decoded(
    maps: Iterator[Tensor],
    first_mask_HW: np.ndarray,
    ids_L: np.ndarray,
    frames: EncodedFrames,
    config: PropagationConfig,
) -> Iterator[UInt8[np.ndarray, "h w"]]:
    next(maps)
    yield first_mask_HW
    for label_LHW in maps:
        yield mask_of_labels(label_LHW, ids_L, frames, stretch=config.stretch, decode_at=config.decode_at)

"""Dense features as colours: their first three principal components, the same colours along a whole clip.

The components are fitted once over all maps of a clip and each is spread from its 1st to its 99th percentile there onto
red, green and blue, so a colour means the same feature in every frame. A component's sign is arbitrary; the one is
taken under which the distribution leans to the right (positive third moment), which no order of the pixels changes.

Shapes: D feature width, H W nodes of a grid or pixels, N nodes, C RGB.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.show.colours import SLATE
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.track.frames import EncodedFrames, FrameSequence

__all__ = ["FeatureFilm", "PrincipalPainter", "fit_principal"]

_COMPONENTS = 3
_FITTED_FRAMES = 8
_LEAST_SPREAD = 0.1
"""Share of the widest component's range that every colour spans at least."""
_GAP_PX = 8


class PrincipalPainter:
    """Paints maps of features in colours that were fixed by `fit_principal`."""

    def __init__(self, *, mean_D: np.ndarray, axis_DC: np.ndarray, low_C: np.ndarray, high_C: np.ndarray) -> None:
        self._mean_D, self._axis_DC, self._low_C, self._high_C = mean_D, axis_DC, low_C, high_C

    def paint(self, map_DHW: Float[Tensor, "d gh gw"], size_hw: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
        """Return the map's colours, enlarged bilinearly to `size_hw`; the map covers the picture."""
        colour_HWC = self.colours(map_DHW).permute(1, 2, 0).numpy()
        return _bytes(cv2.resize(colour_HWC, size_hw[::-1], interpolation=cv2.INTER_LINEAR))

    def colours(self, map_DHW: Float[Tensor, "d gh gw"]) -> Float[Tensor, "3 gh gw"]:
        """Return red, green and blue of every node, 0-1."""
        score_NC = (_nodes(map_DHW) - self._mean_D) @ self._axis_DC
        share_NC = np.clip((score_NC - self._low_C) / np.maximum(self._high_C - self._low_C, 1e-12), 0, 1)
        return torch.from_numpy(share_NC.astype(np.float32).T).unflatten(1, map_DHW.shape[1:])


def fit_principal(maps: Sequence[Float[Tensor, "d _ _"]]) -> PrincipalPainter:
    """Return a painter for a clip from maps of its features; the maps may differ in size.

    Raises `DataError` without maps or when a feature is not finite.
    """
    if not maps:
        raise DataError("colours of features are fitted on at least one map, none was given")
    node_ND = np.concatenate([_nodes(map_DHW) for map_DHW in maps])
    if not np.isfinite(node_ND).all():
        raise DataError("colours of features cannot be fitted: some features are not finite")
    mean_D = node_ND.mean(0)
    centred_ND = node_ND - mean_D
    _, vector_DD = np.linalg.eigh(centred_ND.T @ centred_ND)
    axis_DC = vector_DD[:, ::-1][:, :_COMPONENTS]
    axis_DC = np.pad(axis_DC, ((0, 0), (0, _COMPONENTS - axis_DC.shape[1])))
    score_NC = centred_ND @ axis_DC
    sign_C = np.where((score_NC**3).sum(0) < 0, -1.0, 1.0)
    low_C, high_C = np.percentile(score_NC * sign_C, (1, 99), axis=0)
    # A component that hardly varies is noise; spread over the whole range it would drown the others.
    missing_C = np.maximum(_LEAST_SPREAD * (high_C - low_C).max() - (high_C - low_C), 0)
    low_C, high_C = low_C - missing_C / 2, high_C + missing_C / 2
    return PrincipalPainter(mean_D=mean_D, axis_DC=axis_DC * sign_C, low_C=low_C, high_C=high_C)


class FeatureFilm:
    """Each frame of a video beside the colours of its features; a `FrameSequence`.

    Frames are encoded when they are asked for; the colours are fitted on frames spread over the video.
    """

    shape: tuple[int, int, int, int]
    """Frames, rows, columns, 3."""

    def __init__(self, matcher: Matcher, video_THWC: FrameSequence) -> None:
        count, height, width = video_THWC.shape[:3]
        self.shape = (count, height, 2 * width + _GAP_PX, 3)
        self._video_THWC, self._frames = video_THWC, EncodedFrames(matcher, video_THWC)
        chosen = evenly(count, _FITTED_FRAMES)
        self._painter = fit_principal([self._frames.shown(self._encoded(frame))[0] for frame in chosen])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frame: int) -> UInt8[np.ndarray, "h w 3"]:
        """Return a frame and, to its right, the colours of its features."""
        colour_BCHW = self._painter.colours(self._encoded(frame)[0])[None]
        pixel_CHW = self._frames.at_video_pixels(colour_BCHW)[0]
        gap = np.full((self.shape[1], _GAP_PX, 3), SLATE, np.uint8)
        return np.concatenate((self._video_THWC[frame], gap, _bytes(pixel_CHW.permute(1, 2, 0).numpy())), axis=1)

    @torch.no_grad()
    def _encoded(self, frame: int) -> Float[Tensor, "1 d gh gw"]:
        return self._frames.encode(frame)


def _bytes(colour_HWC: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(colour_HWC, 0, 1) * 255).astype(np.uint8)


def _nodes(map_DHW: Tensor) -> np.ndarray:
    """Return features as rows, in double precision so that neither threads nor devices change a colour."""
    return map_DHW.detach().flatten(1).T.cpu().double().numpy()

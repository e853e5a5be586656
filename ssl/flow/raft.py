"""RAFT (Teed and Deng 2020): all pairs of features are correlated once, then a recurrent unit corrects the flow.

Features f and g of both images lie at 1/8 of the resolution; C(i, j) = f_i . g_j / sqrt(256) is pooled over j to four
levels. Starting from no motion, every iteration reads C in a window of radius 4 around where each node is sent so far,
at all levels, and a separable convolutional GRU whose hidden state begins from a second encoder (context) gives a
correction. The last flow is brought to full resolution as a convex combination of 3 x 3 neighbours (section 3).

This is the network of 5.3 M parameters ("basic", torchvision's `raft_large`), for inference with published weights
(raft_weights.py). C takes (H W / 64)² x 4 bytes a direction: 13 MB at 456 x 256, 1 GB at 1280 x 720.

Shapes: B batch, C channels, H W rows and columns of the image or, of maps, an eighth of them, N nodes of a map, L
places of a window, 2 = (x, y).
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from densewalk.datasets.geometry import grid_points, sample_at
from densewalk.ssl.encoders.weights_file import fill_network, read_tensors
from densewalk.ssl.flow.raft_weights import our_tensors
from densewalk.ssl.track.frames import module_device

__all__ = ["Raft", "load_raft"]

_STRIDE = 8
_LEAST_SIDE = 128
"""Of what the network sees: the coarsest of four levels still has two nodes a side."""
_LEVELS, _RADIUS = 4, 4
_HIDDEN = _CONTEXT = 128
_LOOKED_AT = _LEVELS * (2 * _RADIUS + 1) ** 2


class Raft(nn.Module):
    """The basic network; `iterations` as its authors' demonstration."""

    def __init__(self, *, iterations: int = 20) -> None:
        super().__init__()
        self.iterations = iterations
        self.features = _encoder(256, nn.InstanceNorm2d)
        self.context = _encoder(_HIDDEN + _CONTEXT, nn.BatchNorm2d)
        self.motion = _Motion()
        self.across, self.down = _Gru((1, 5)), _Gru((5, 1))
        self.correction = _two_convolutions(2, 3)
        self.mask = _two_convolutions(9 * _STRIDE**2, 1)

    def forward(
        self, source_BCHW: Float[Tensor, "b 3 h w"], target_BCHW: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 2 h w"]:
        """Return the flow from source to target in pixels; RGB in 0-1, sides of multiples of 8 and at least 128."""
        source_BCHW, target_BCHW = 2 * source_BCHW - 1, 2 * target_BCHW - 1
        feature_BCHW, other_BCHW = self.features(torch.cat((source_BCHW, target_BCHW))).chunk(2)
        levels = _correlations(feature_BCHW, other_BCHW)
        hidden, context = self.context(source_BCHW).split((_HIDDEN, _CONTEXT), dim=1)
        hidden, context = hidden.tanh(), context.relu()
        flow_B2HW = torch.zeros_like(feature_BCHW[:, :2])
        for _ in range(self.iterations):
            seen = torch.cat((context, self.motion(flow_B2HW, _look_up(levels, flow_B2HW))), dim=1)
            hidden = self.down(self.across(hidden, seen), seen)
            flow_B2HW = flow_B2HW + self.correction(hidden)
        return _enlarged(flow_B2HW, 0.25 * self.mask(hidden))

    def both_ways(
        self, source_HWC: UInt8[np.ndarray, "h w 3"], target_HWC: UInt8[np.ndarray, "h w 3"]
    ) -> tuple[Float32[np.ndarray, "2 h w"], Float32[np.ndarray, "2 h w"]]:
        """Return the flow from source to target and back; images of any size, filled up by their edges."""
        height, width = source_HWC.shape[:2]
        fill = [max(_LEAST_SIDE - side, -side % _STRIDE) for side in (height, width)]
        pair_BCHW = torch.from_numpy(np.stack((source_HWC, target_HWC))).to(module_device(self))
        pair_BCHW = pair_BCHW.permute(0, 3, 1, 2).float() / 255
        pair_BCHW = F.pad(pair_BCHW, (0, fill[1], 0, fill[0]), mode="replicate")
        with torch.inference_mode():
            flow_B2HW = self(pair_BCHW, pair_BCHW.flip(0))[..., :height, :width].cpu()
        forth_2HW, back_2HW = (np.ascontiguousarray(flow_2HW.numpy()) for flow_2HW in flow_B2HW)
        return forth_2HW, back_2HW


def load_raft(path: Path) -> Raft:
    """Return RAFT with published weights, in evaluation mode, on the GPU when there is one.

    Reads the authors' files (raft-things.pth and its like, "module." before every name) and torchvision's `raft_large`.
    Raises `DataError` naming what is missing, unexpected or of another shape.
    """
    network = Raft()
    fill_network(network, our_tensors(read_tensors(path)), path)
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


class _Residual(nn.Module):
    """Two 3 x 3 convolutions, each normalised, beside a shortcut."""

    def __init__(self, dim: int, out: int, stride: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(dim, out, 3, stride, 1), norm(out), nn.ReLU(), nn.Conv2d(out, out, 3, 1, 1), norm(out), nn.ReLU()
        )
        shortcut = nn.Sequential(nn.Conv2d(dim, out, 1, stride), norm(out))
        self.shortcut = nn.Identity() if stride == 1 else shortcut

    def forward(self, map_BCHW: Tensor) -> Tensor:
        return F.relu(self.shortcut(map_BCHW) + self.body(map_BCHW))


def _encoder(out: int, norm: type[nn.Module]) -> nn.Sequential:
    """A stem and three pairs of residual blocks, the map an eighth as large as the image."""
    blocks = [
        _Residual(dim, wider, stride, norm)
        for dim, wider, stride in (
            (64, 64, 1),
            (64, 64, 1),
            (64, 96, 2),
            (96, 96, 1),
            (96, 128, 2),
            (128, 128, 1),
        )
    ]
    return nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), norm(64), nn.ReLU(), *blocks, nn.Conv2d(128, out, 1))


class _Motion(nn.Module):
    """What the flow is so far and what was read around where it leads, in 128 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.correlation = nn.Sequential(
            nn.Conv2d(_LOOKED_AT, 256, 1), nn.ReLU(), nn.Conv2d(256, 192, 3, padding=1), nn.ReLU()
        )
        self.flow = nn.Sequential(
            nn.Conv2d(2, 128, 7, padding=3), nn.ReLU(), nn.Conv2d(128, 64, 3, padding=1), nn.ReLU()
        )
        self.merge = nn.Conv2d(192 + 64, 126, 3, padding=1)

    def forward(self, flow_B2HW: Tensor, looked_at_BCHW: Tensor) -> Tensor:
        both = torch.cat((self.correlation(looked_at_BCHW), self.flow(flow_B2HW)), dim=1)
        return torch.cat((self.merge(both).relu(), flow_B2HW), dim=1)


class _Gru(nn.Module):
    """A gated recurrent unit of convolutions along one axis."""

    def __init__(self, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.update, self.reset, self.candidate = (
            nn.Conv2d(2 * _HIDDEN + _CONTEXT, _HIDDEN, kernel, padding="same") for _ in range(3)
        )

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        both = torch.cat((hidden, seen), dim=1)
        update, reset = self.update(both).sigmoid(), self.reset(both).sigmoid()
        candidate = self.candidate(torch.cat((reset * hidden, seen), dim=1)).tanh()
        return (1 - update) * hidden + update * candidate


def _two_convolutions(out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(_HIDDEN, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, out, kernel, padding="same"))


def _correlations(feature_BCHW: Tensor, other_BCHW: Tensor) -> list[Float[Tensor, "bn 1 lh lw"]]:
    """Return every source node's products with all target nodes as an image, at four resolutions of the target."""
    batch, dim, height, width = feature_BCHW.shape
    product_BNN = feature_BCHW.flatten(2).transpose(1, 2) @ other_BCHW.flatten(2) / dim**0.5
    levels = [product_BNN.reshape(batch * height * width, 1, height, width)]
    for _ in range(_LEVELS - 1):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def _look_up(levels: list[Tensor], flow_B2HW: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b l h w"]:
    """Return what each node finds around where it is sent: per level a window, columns slow and rows fast."""
    batch, _, height, width = flow_B2HW.shape
    device = flow_B2HW.device
    place_N2 = grid_points(height, width, device=device) - 0.5 + flow_B2HW.flatten(2).transpose(1, 2)
    offset = torch.arange(-_RADIUS, _RADIUS + 1.0, device=device)
    window_L2 = torch.cartesian_prod(offset, offset)
    read = [
        sample_at(level, place_N2.reshape(-1, 1, 2) / 2**number + window_L2 + 0.5, padding="zeros")[..., 0]
        for number, level in enumerate(levels)
    ]
    return torch.cat(read, dim=1).reshape(batch, height, width, -1).permute(0, 3, 1, 2)


def _enlarged(flow_B2HW: Float[Tensor, "b 2 h w"], mask: Float[Tensor, "b m h w"]) -> Float[Tensor, "b 2 fh fw"]:
    """Return the flow at eight times the size: each pixel a weighted mean of the 3 x 3 nodes around its own."""
    batch, _, height, width = flow_B2HW.shape
    weight = mask.reshape(batch, 1, 9, _STRIDE, _STRIDE, height, width).softmax(dim=2)
    near = F.unfold(_STRIDE * flow_B2HW, 3, padding=1).reshape(batch, 2, 9, 1, 1, height, width)
    fine = (weight * near).sum(2).permute(0, 1, 4, 2, 5, 3)
    return fine.reshape(batch, 2, _STRIDE * height, _STRIDE * width)

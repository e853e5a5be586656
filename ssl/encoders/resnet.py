"""ResNet-18 and ResNet-50 as dense encoders (He et al. 2016; stage strides of CRW and VFS).

    image / 2 (7x7 stem) / 2 (max pool) -> layer1 -> layer2 -> layer3 ("res4") -> layer4

CRW and VFS give layer3 and layer4 a stride of 1, so the map is an eighth of the image. A removed stride either leaves
the kernels as they are (CRW) or is made up for by dilation, which keeps every node's receptive field. Parameter names
and shapes are torchvision's without `fc`. CRW pads by reflection, since zeros at the border tell a node where it lies.

Shapes: B batch, H W image rows and columns, D feature width, gh gw grid rows and columns.
"""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from densewalk.datasets.config import require
from densewalk.ssl.encoders.colours import IMAGENET_MEAN, IMAGENET_STD, StandardColours

__all__ = ["ResNet", "ResNetConfig"]

_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
_FULL_STRIDES = (1, 2, 2, 2)
_STEM_STRIDE = 4

_Border = Literal["zeros", "reflect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetConfig:
    """Depth, strides and borders of a residual network; the defaults are CRW's except for the padding."""

    depth: int = 18
    """18 (basic blocks) or 50 (bottlenecks, the stride in the 3x3 convolution)."""
    stages: int = 4
    """How many of layer1 to layer4 are kept; 3 ends at layer3, which papers call res4."""
    strides: tuple[int, int, int, int] = (1, 2, 1, 1)
    """Stride of the first block of layer1 to layer4, 1 or 2; an image classifier has (1, 2, 2, 2)."""
    dilate: bool = False
    """Double the dilation from the block on whose stride of 2 in a classifier `strides` sets to 1 (torchvision's
    replace_stride_with_dilation)."""
    padding: Literal["zeros", "reflect"] = "zeros"
    """Border of the convolutions; CRW trains with reflect, published classifiers with zeros."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    """Mean colour in 0-1 that is subtracted (CRW: .4914, .4822, .4465)."""
    std: tuple[float, float, float] = IMAGENET_STD
    """Deviation of colours in 0-1 that is divided by (CRW: .2023, .1994, .2010)."""

    def __post_init__(self) -> None:
        require(
            self.depth not in _BLOCKS and f"encoder.depth={self.depth} must be 18 or 50",
            not 1 <= self.stages <= 4 and f"encoder.stages={self.stages} must be 1 to 4 (layer1 to layer4)",
            not set(self.strides) <= {1, 2} and f"encoder.strides={self.strides} must each be 1 or 2",
            min(self.std) <= 0 and f"encoder.std={self.std} must be positive",
        )


class ResNet(nn.Module):
    """A dense encoder whose state dict has torchvision's names; `dim` and `stride` follow from the configuration."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.colours = StandardColours(config.mean, config.std)
        self.conv1 = _conv(3, 64, kernel=7, stride=2, border=config.padding)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.dim, self.stride, dilation = 64, _STEM_STRIDE, 1
        for number, stride in enumerate(config.strides[: config.stages]):
            grows = config.dilate and stride < _FULL_STRIDES[number]
            later = 2 * dilation if grows else dilation
            layer, self.dim = _layer(self.dim, number, config, dilations=(dilation, later))
            self.add_module(f"layer{number + 1}", layer)
            self.stride, dilation = self.stride * stride, later
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the map of RGB images in 0-1; H and W are multiples of `stride`."""
        map_BDHW = self.maxpool(self.relu(self.bn1(self.conv1(self.colours(image_BCHW)))))
        for number in range(self.config.stages):
            map_BDHW = getattr(self, f"layer{number + 1}")(map_BDHW)
        return map_BDHW


def _layer(dim_in: int, number: int, config: ResNetConfig, *, dilations: tuple[int, int]) -> tuple[nn.Sequential, int]:
    """Return a stage and its width; its strided convolution has the first dilation, all that follow the second."""
    block = _Bottleneck if config.depth == 50 else _BasicBlock
    width, first, later = 64 * 2**number, *dilations
    blocks: list[nn.Module] = []
    for index in range(_BLOCKS[config.depth][number]):
        step, reach = (config.strides[number], first) if index == 0 else (1, later)
        blocks.append(block(dim_in, width, stride=step, dilations=(reach, later), border=config.padding))
        dim_in = width * block.expansion
    return nn.Sequential(*blocks), dim_in


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions; the first carries the stride."""

    expansion = 1

    def __init__(self, dim_in: int, width: int, *, stride: int, dilations: tuple[int, int], border: _Border) -> None:
        super().__init__()
        self.conv1 = _conv(dim_in, width, kernel=3, stride=stride, dilation=dilations[0], border=border)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, kernel=3, dilation=dilations[1], border=border)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(dim_in, width, stride)
        self.relu = nn.ReLU()

    def forward(self, map_BDHW: Tensor) -> Tensor:
        body = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(map_BDHW)))))
        return self.relu(body + self.downsample(map_BDHW))


class _Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, and 1x1 to four times the width."""

    expansion = 4

    def __init__(self, dim_in: int, width: int, *, stride: int, dilations: tuple[int, int], border: _Border) -> None:
        super().__init__()
        self.conv1 = _conv(dim_in, width, kernel=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, kernel=3, stride=stride, dilation=dilations[0], border=border)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _conv(width, width * self.expansion, kernel=1)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = _shortcut(dim_in, width * self.expansion, stride)
        self.relu = nn.ReLU()

    def forward(self, map_BDHW: Tensor) -> Tensor:
        body = self.relu(self.bn1(self.conv1(map_BDHW)))
        body = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(body)))))
        return self.relu(body + self.downsample(map_BDHW))


def _shortcut(dim_in: int, dim_out: int, stride: int) -> nn.Module:
    if dim_in == dim_out and stride == 1:
        return nn.Identity()
    return nn.Sequential(_conv(dim_in, dim_out, kernel=1, stride=stride), nn.BatchNorm2d(dim_out))


def _conv(
    dim_in: int, dim_out: int, *, kernel: int, stride: int = 1, dilation: int = 1, border: _Border = "zeros"
) -> nn.Conv2d:
    margin = dilation * (kernel // 2)
    return nn.Conv2d(
        dim_in, dim_out, kernel, stride=stride, padding=margin, dilation=dilation, bias=False, padding_mode=border
    )

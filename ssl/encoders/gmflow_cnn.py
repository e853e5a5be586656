"""The convolutional encoder of GMFlow and GMRW at a quarter of the image's resolution.

7x7 stem (1/2), three stages of two residual blocks (1/2, 1/4, 1/4), a 1x1 convolution and the stride-1 branch of the
weight-shared 3x3 convolution that GMFlow runs at two scales; GMRW reads only this branch. Instance normalisation has no
parameters and no running statistics, so a map depends on its image alone.

Shapes: B batch, H W image rows and columns, D feature width.
"""

from jaxtyping import Float
from torch import Tensor, nn

from densewalk.ssl.encoders.colours import StandardColours

__all__ = ["GMFlowCNN"]


class GMFlowCNN(nn.Module):
    """A dense encoder of stride 4 (method of GMFlow, section 3.1; sizes of GMRW by default)."""

    stride = 4

    def __init__(self, *, stem_dim: int = 64, middle_dim: int = 96, dim: int = 128) -> None:
        super().__init__()
        self.dim = dim
        self.colours = StandardColours()
        self.stem = nn.Sequential(_conv(3, stem_dim, kernel=7, stride=2), nn.InstanceNorm2d(stem_dim), nn.ReLU())
        self.stages = nn.Sequential(
            _ResidualBlock(stem_dim, stem_dim, stride=1),
            _ResidualBlock(stem_dim, stem_dim, stride=1),
            _ResidualBlock(stem_dim, middle_dim, stride=2),
            _ResidualBlock(middle_dim, middle_dim, stride=1),
            _ResidualBlock(middle_dim, dim, stride=1),
            _ResidualBlock(dim, dim, stride=1),
        )
        self.project = nn.Conv2d(dim, dim, 1)
        self.trident = _conv(dim, dim, kernel=3, stride=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.kaiming_uniform_(self.trident.weight, nonlinearity="relu")

    def forward(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        """Return the map of RGB images in 0-1; H and W are multiples of 4."""
        return self.trident(self.project(self.stages(self.stem(self.colours(image_BCHW)))))


class _ResidualBlock(nn.Module):
    def __init__(self, dim_in: int, dim_out: int, *, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(dim_in, dim_out, kernel=3, stride=stride),
            nn.InstanceNorm2d(dim_out),
            nn.ReLU(),
            _conv(dim_out, dim_out, kernel=3, stride=1),
            nn.InstanceNorm2d(dim_out),
            nn.ReLU(),
        )
        same = dim_in == dim_out and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(dim_in, dim_out, 1, stride=stride), nn.InstanceNorm2d(dim_out))
        )
        self.activate = nn.ReLU()

    def forward(self, map_BDHW: Tensor) -> Tensor:
        return self.activate(self.shortcut(map_BDHW) + self.body(map_BDHW))


def _conv(dim_in: int, dim_out: int, *, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(dim_in, dim_out, kernel, stride=stride, padding=kernel // 2, bias=False)

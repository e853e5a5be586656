"""An oracle of generated scenes: a matcher that recognises a frame and knows what every one of its nodes shows."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.datasets.scenes.layers import NUM_CLASSES
from densewalk.datasets.scenes.scene import Scene
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures


class SceneOracle(Matcher):
    """Encodes a frame it was shown by layer and place of each node in the scene's frame 0, and by class."""

    stride = multiple = 4
    dim = 3 + NUM_CLASSES
    temperature = 1.0

    def __init__(self, scenes: Iterable[Scene], *, spread_px: float = 2.0) -> None:
        super().__init__()
        self.spread_px = spread_px
        self.known = {
            scene.frame(t).tobytes(): _describe(scene, t) for scene in scenes for t in range(scene.config.num_frames)
        }

    def encode(self, image_BCHW: Tensor) -> Tensor:
        frame_HWC = (image_BCHW[0] * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
        return self.known[frame_HWC.numpy().tobytes()]

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        """Logits are minus half the squared distance in frame 0, layers far apart, for source and target alike."""
        maps = (source_BDHW, target_BDHW)
        source, target = (m[:, :3].flatten(2).transpose(1, 2).double() / self.spread_px for m in maps)
        source_square, target_square = (p.square().sum(-1, keepdim=True) / 2 for p in (source, target))
        one = torch.ones_like(source_square)
        return PairFeatures(
            source_BND=torch.cat((source, -source_square, one), dim=-1),
            target_BND=torch.cat((target, one, -target_square), dim=-1),
            grid_hw=(source_BDHW.shape[-2], source_BDHW.shape[-1]),
            temperature=self.temperature,
        )


def _describe(scene: Scene, t: int) -> Tensor:
    flow_2HW, _ = scene.flow(t, 0)
    y, x = np.mgrid[: scene.config.height, : scene.config.width] + 0.5
    layer_HW = scene.instances(t)
    place_3HW = np.stack((flow_2HW[0] + x, flow_2HW[1] + y, 1000.0 * layer_HW))
    # the two pixels diagonally beside a node's centre, when both show the layer of the first
    first, second = place_3HW[:, 1::4, 1::4], place_3HW[:, 2::4, 2::4]
    node_3HW = np.where(first[2] == second[2], (first + second) / 2, first)
    one_hot = F.one_hot(torch.from_numpy(scene.semantics(t)).long(), NUM_CLASSES).permute(2, 0, 1).float()
    share = F.avg_pool2d(one_hot, 4)
    return torch.cat((torch.from_numpy(node_3HW).float(), share))[None]


@pytest.fixture
def scene_oracle() -> Callable[..., SceneOracle]:
    """The oracle's class."""
    return SceneOracle

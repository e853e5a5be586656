"""A data set in CamVid's layout whose pixels tell their class by colour, and a matcher that reads colours."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.walk.pair_features import PairFeatures

BLOCK, CELLS, CLASSES, VOID = 8, 8, 11, 11
"""Pixels of a block, blocks along each side of an image, classes, and the label of no class."""
COLOURS = np.array([(20 * (i + 1), 240 - 20 * i, (97 * i) % 250) for i in range(CLASSES)], dtype=np.uint8)


def write_blocks(
    root: Path, *, train: int = 2, val: int = 2, shuffled: bool = False, void: float = 0.0, classes: int = CLASSES
) -> Path:
    """Write images of blocks of one class each; `shuffled` labels know nothing of the colours."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for folder in (root / split, root / f"{split}annot"):
            folder.mkdir(parents=True)
        for number in range(count):
            label = rng.permutation(np.arange(CELLS**2) % classes).reshape(CELLS, CELLS)
            picture = COLOURS[label]
            label = rng.permutation(label.ravel()).reshape(label.shape) if shuffled else label
            label = np.where(rng.random(label.shape) < void, VOID, label).astype(np.uint8)
            for array, folder in ((picture, split), (label, f"{split}annot")):
                enlarged = array.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
                Image.fromarray(enlarged).save(root / folder / f"{number:03d}.png")
    return root


class ColourReader(Matcher):
    """Encodes each block as its class, read off its mean colour; `blind` sees nothing, so that all are alike."""

    stride = multiple = BLOCK
    dim = CLASSES
    temperature = 1.0

    def __init__(self, *, blind: bool = False) -> None:
        super().__init__()
        self.blind = blind

    def encode(self, image_BCHW: Tensor) -> Tensor:
        colour = torch.nn.functional.avg_pool2d(image_BCHW, BLOCK)[:, None] * 255
        known = torch.from_numpy(COLOURS).float()[None, :, :, None, None]
        distance = (colour - known).square().sum(2)
        seen = torch.nn.functional.one_hot(distance.argmin(1), CLASSES).permute(0, 3, 1, 2).float()
        return torch.ones_like(seen) if self.blind else seen

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise NotImplementedError

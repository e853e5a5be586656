"""A residual network as detectron2 keeps it: COCO detection with a frozen network under Mask R-CNN (He et al., 2020,
MoCo, appendix; PiCo, section 4).

Names follow detectron2's `build_resnet_fpn_backbone`, so its checkpointer loads the file without guessing:

    conv1, bn1                 backbone.bottom_up.stem.conv1, ....norm
    layer1.0.conv2, .bn2       backbone.bottom_up.res2.0.conv2, ....norm
    layer1.0.downsample.0, .1  backbone.bottom_up.res2.0.shortcut, ....norm

All four stages are needed, and detectron2 pads with zeros and strides every stage: a network that was trained with
reflected borders or unit strides is measured as detectron2 runs it.
"""

import re
from typing import Any

from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.encoders.resnet import ResNet

__all__ = ["detectron2_settings", "detectron2_tensors"]

_STAGES = 4
_BOTTOM_UP = "backbone.bottom_up."
_COUNTER = "num_batches_tracked"


def detectron2_tensors(encoder: ResNet) -> dict[str, Tensor]:
    """Return an encoder's weights under detectron2's names, on the CPU; counters of batch normalisation are left out.

    Raises `BenchmarkError` when the encoder does not have all four stages.
    """
    if encoder.config.stages != _STAGES:
        raise BenchmarkError(
            f"detection reads layer1 to layer4, the encoder ends at layer{encoder.config.stages}; "
            "name it with all of them, as in torchvision:FILE@stages=4"
        )
    return {
        _renamed(name): tensor.detach().cpu().contiguous()
        for name, tensor in encoder.state_dict().items()
        if not name.endswith(_COUNTER)
    }


def detectron2_settings(encoder: ResNet, weights: str) -> dict[str, Any]:
    """Return the part of detectron2's configuration that describes the network, everything of it frozen.

    `weights` is the file that holds `detectron2_tensors`. Colours are RGB in 0-255.
    """
    config = encoder.config
    resnets: dict[str, Any] = {"DEPTH": config.depth, "NORM": "FrozenBN", "STRIDE_IN_1X1": False}
    if config.depth == 18:
        resnets["RES2_OUT_CHANNELS"] = 64
    return {
        "INPUT": {"FORMAT": "RGB"},
        "MODEL": {
            "WEIGHTS": weights,
            "PIXEL_MEAN": [round(255 * value, 3) for value in config.mean],
            "PIXEL_STD": [round(255 * value, 3) for value in config.std],
            "BACKBONE": {"FREEZE_AT": 5},
            "RESNETS": resnets,
        },
    }


def _renamed(name: str) -> str:
    name = re.sub(r"^layer(\d)", lambda found: f"res{int(found[1]) + 1}", name)
    name = name.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
    name = re.sub(r"\bbn(\d)", r"conv\1.norm", name)
    return _BOTTOM_UP + (name if name.startswith("res") else f"stem.{name}")

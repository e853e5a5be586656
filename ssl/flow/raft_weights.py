"""The names RAFT's tensors have in published files, and here.

The authors register the normalisation of a shortcut twice, as `norm3` and as `downsample.1`; the first is left out. Of
torchvision's files, in which a convolution and its normalisation are one block, names are brought to the authors'
first.
"""

import re
from collections.abc import Mapping

from torch import Tensor

__all__ = ["our_tensors"]

_FROM_TORCHVISION = (
    (r"^feature_encoder\.", "fnet."),
    (r"^context_encoder\.", "cnet."),
    (r"net\.convnormrelu\.0\.", "net.conv1."),
    (r"net\.convnormrelu\.1\.", "net.norm1."),
    (r"net\.conv\.", "net.conv2."),
    (r"(layer\d\.\d)\.convnormrelu(\d)\.0\.", r"\1.conv\2."),
    (r"(layer\d\.\d)\.convnormrelu(\d)\.1\.", r"\1.norm\2."),
    (r"^update_block\.motion_encoder\.convcorr(\d)\.0\.", r"update_block.encoder.convc\1."),
    (r"^update_block\.motion_encoder\.convflow(\d)\.0\.", r"update_block.encoder.convf\1."),
    (r"^update_block\.motion_encoder\.conv\.0\.", "update_block.encoder.conv."),
    (r"^update_block\.recurrent_block\.convgru(\d)\.conv([zrq])\.", r"update_block.gru.conv\2\1."),
    (r"^update_block\.flow_head\.", "update_block.flow_head."),
    (r"^mask_predictor\.convrelu\.0\.", "update_block.mask.0."),
    (r"^mask_predictor\.conv\.", "update_block.mask.2."),
)
_OURS = (
    (r"^fnet\.", "features."),
    (r"^cnet\.", "context."),
    (r"^(features|context)\.conv1\.", r"\1.0."),
    (r"^(features|context)\.norm1\.", r"\1.1."),
    (r"^(features|context)\.conv2\.", r"\1.9."),
    (r"\.conv1\.", ".body.0."),
    (r"\.norm1\.", ".body.1."),
    (r"\.conv2\.", ".body.3."),
    (r"\.norm2\.", ".body.4."),
    (r"\.downsample\.", ".shortcut."),
)
_OF_THE_UPDATE = {
    "encoder.convc1": "motion.correlation.0",
    "encoder.convc2": "motion.correlation.2",
    "encoder.convf1": "motion.flow.0",
    "encoder.convf2": "motion.flow.2",
    "encoder.conv": "motion.merge",
    "gru.convz1": "across.update",
    "gru.convr1": "across.reset",
    "gru.convq1": "across.candidate",
    "gru.convz2": "down.update",
    "gru.convr2": "down.reset",
    "gru.convq2": "down.candidate",
    "flow_head.conv1": "correction.0",
    "flow_head.conv2": "correction.2",
    "mask.0": "mask.0",
    "mask.2": "mask.2",
}
_FIRST_BLOCK = 3
"""Place of the first residual block in an encoder, behind the stem."""


def our_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a file's tensors under the names of `Raft`; what is not known keeps its name and is told by the loader."""
    by_torchvision = any(name.startswith("feature_encoder.") for name in tensors)
    ours = {}
    for name, tensor in tensors.items():
        theirs = _renamed(name, _FROM_TORCHVISION) if by_torchvision else name
        if ".norm3." not in theirs:
            ours[_our_name(theirs)] = tensor
    return ours


def _our_name(name: str) -> str:
    if name.startswith("update_block."):
        layer, _, kind = name.removeprefix("update_block.").rpartition(".")
        return f"{_OF_THE_UPDATE[layer]}.{kind}" if layer in _OF_THE_UPDATE else name
    found = _renamed(name, _OURS)
    return re.sub(
        r"\.layer([123])\.([01])\.", lambda match: f".{_FIRST_BLOCK + 2 * (int(match[1]) - 1) + int(match[2])}.", found
    )


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name

"""Published weights for the encoders: files of torchvision, MoCo, CRW, DINO, DINOv2 and DINOv3 as they were written.

Known differences are named here and nothing else is passed over: the part of the file that holds the encoder, the heads
beside it, layers that the configuration leaves out, and how DINOv3 stores registers and biases.
"""

from pathlib import Path
from typing import Literal

from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.resnet import ResNet
from densewalk.ssl.encoders.vit import ViT
from densewalk.ssl.encoders.weights_file import fill_network, read_tensors, some_names

__all__ = ["encoder_tensors", "load_pretrained"]

_FIRST = {"resnet": "conv1.weight", "vit": "patch_embed.proj.weight"}
_PARTS = ("", "backbone.", "encoder.model.", "encoder.", "encoder_q.", "model.")
_HEADS = (
    "fc",
    "head",
    "projector",
    "predictor",
    "dino_head",
    "ibot_head",
    "selfsim_fc",  # CRW's projection
    "encoder_k",  # MoCo's average of encoder_q
    "queue",
    "queue_ptr",
)


def load_pretrained(encoder: ResNet | ViT, path: Path) -> None:
    """Fill an encoder with the weights of a file.

    The encoder is looked for at the top of the file or under backbone, encoder, encoder_q (MoCo), encoder.model (CRW)
    or model; classification, projection and prediction heads are left out. Raises `DataError` naming every tensor that
    is missing, unexpected or of another shape, and leaves the encoder unchanged then.
    """
    tensors = encoder_tensors(path, "resnet" if isinstance(encoder, ResNet) else "vit")
    if isinstance(encoder, ResNet):
        skipped = [f"layer{number + 1}." for number in range(encoder.config.stages, 4)]
    else:
        numbers = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
        skipped = [f"blocks.{number}." for number in numbers if int(number) >= encoder.config.layer]
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(skipped))}
    fill_network(encoder, kept, path)


def encoder_tensors(path: Path, kind: Literal["resnet", "vit"]) -> dict[str, Tensor]:
    """Return the tensors of a file's encoder under the names of torchvision or DINOv2, heads left out.

    Raises `DataError` when the file holds no encoder of this kind or tensors that belong to no known head.
    """
    tensors, first = read_tensors(path), _FIRST[kind]
    part = next((part for part in _PARTS if part + first in tensors), None)
    if part is None:
        raise DataError(
            f"{path} holds no {first}, at the top or under {', '.join(_PARTS[1:])}; "
            f"it holds {some_names(tensors)}: is the encoder of another kind?"
        )
    outside = [name for name in tensors if not name.startswith(part) and not _of_a_head(name)]
    if outside:
        raise DataError(f"{path} holds tensors beside {part}* that are no known head: {some_names(outside)}")
    inside = {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
    body = {name: tensor for name, tensor in inside.items() if not _of_a_head(name)}
    return body if kind == "resnet" else _without_masks(body)


def _of_a_head(name: str) -> bool:
    return name.partition(".")[0] in _HEADS


def _without_masks(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a transformer's tensors under DINOv2's names, masks applied.

    The token that replaces masked patches serves training only. DINOv3 calls registers storage tokens and multiplies
    the bias of queries, keys and values by a mask that is zero for the keys.
    """
    mask = ".bias_mask"
    renamed = {
        name.replace("storage_tokens", "register_tokens"): tensor
        for name, tensor in tensors.items()
        if name != "mask_token" and not name.endswith(mask)
    }
    for name, tensor in tensors.items():
        if name.endswith(mask):
            bias = name.removesuffix(mask) + ".bias"
            renamed[bias] = renamed[bias] * tensor.to(renamed[bias].dtype)
    return renamed

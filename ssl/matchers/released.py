"""The weights that the authors of GMRW and GMFlow released, in this library's network.

Both projects keep a convolutional encoder under `backbone` and the transformer under `transformer`, with the published
sizes. GMRW's evaluation feeds colours of 0-255 to a network that expects 0-1; its numbers were made that way, so its
weights come with `input_range="byte"`. GMFlow divides by 255 and comes with "unit". Of GMFlow only the files with
refinement fit, whose maps have a stride of 4; its propagation of flow and its up-sampling have no counterpart here, and
its features serve as a beginning for training or as a supervised baseline of matching.
"""

from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.weights_file import fill_network, read_tensors
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig

__all__ = ["load_released"]

_LEFT_OUT = ("feature_flow_attn.", "upsampler.")
_LAYERS = 3


def load_released(path: Path) -> GMFlow:
    """Return the network of a released GMRW or GMFlow-with-refinement checkpoint, in evaluation mode.

    Raises `DataError` naming every tensor that is missing, unexpected or of another shape.
    """
    tensors = read_tensors(path)
    if "backbone.conv2.weight" in tensors and "backbone.trident_conv.weight" not in tensors:
        raise DataError(
            f"{path} holds GMFlow of one scale, whose maps have a stride of 8; expected GMRW or GMFlow with refinement"
        )
    by_gmflow = any(name.startswith(_LEFT_OUT) for name in tensors)
    matcher = GMFlow(GMFlowConfig(input_range="unit" if by_gmflow else "byte"))
    names = _our_names(matcher.config.num_blocks)
    used = {names.get(name, name): tensor for name, tensor in tensors.items() if not name.startswith(_LEFT_OUT)}
    fill_network(matcher, used, path)
    return matcher.eval()


def _our_names(num_blocks: int) -> dict[str, str]:
    """Return the name each released tensor has here."""
    names = {
        "backbone.conv1.weight": "cnn.stem.0.weight",
        "backbone.conv2.weight": "cnn.project.weight",
        "backbone.conv2.bias": "cnn.project.bias",
        "backbone.trident_conv.weight": "cnn.trident.weight",
    }
    for layer in range(_LAYERS):
        for half in range(2):
            theirs, ours = f"backbone.layer{layer + 1}.{half}", f"cnn.stages.{2 * layer + half}"
            names[f"{theirs}.conv1.weight"] = f"{ours}.body.0.weight"
            names[f"{theirs}.conv2.weight"] = f"{ours}.body.3.weight"
            names |= {f"{theirs}.downsample.0.{kind}": f"{ours}.shortcut.0.{kind}" for kind in ("weight", "bias")}
    for block in range(num_blocks):
        for their_part, our_part in (("self_attn", "look_around"), ("cross_attn_ffn", "look_across")):
            theirs, ours = f"transformer.layers.{block}.{their_part}", f"blocks.{block}.{our_part}"
            for their_map, our_map in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("merge", "merge")):
                names[f"{theirs}.{their_map}.weight"] = f"{ours}.{our_map}.weight"
            names |= {f"{theirs}.norm1.{kind}": f"{ours}.norm.{kind}" for kind in ("weight", "bias")}
        theirs, ours = f"transformer.layers.{block}.cross_attn_ffn", f"blocks.{block}.ffn"
        names |= {f"{theirs}.mlp.{number}.weight": f"{ours}.{number}.weight" for number in (0, 2)}
        names |= {f"{theirs}.norm2.{kind}": f"{ours}.3.{kind}" for kind in ("weight", "bias")}
    return names

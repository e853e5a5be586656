"""Weights of a file into a module, or a message that says where the two architectures part."""

from collections.abc import Mapping

from torch import Tensor, nn

from densewalk.datasets.errors import TrainingError

__all__ = ["load_weights"]

_SHOWN = 5


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], *, where: str) -> None:
    """Copy `weights` into `module`; both must have the same tensors with the same shapes.

    Raises `TrainingError` that names the first tensors that differ with both shapes; `where` is what the weights are
    called in it.
    """
    wanted = module.state_dict()
    names = [*wanted, *(name for name in weights if name not in wanted)]
    differing = [name for name in names if _shape(wanted, name) != _shape(weights, name)]
    if differing:
        lines = [f"  {name}: {_shape(weights, name)} found, {_shape(wanted, name)} expected" for name in differing]
        more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        raise TrainingError(
            f"{where} holds another architecture than its configuration describes; "
            f"{len(differing)} of {len(names)} tensors differ:\n" + "\n".join(lines[:_SHOWN]) + more + "\n"
            "set the sizes of objective.matcher (or objective.encoder) to what the weights were trained with"
        )
    module.load_state_dict(dict(weights))


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "no such tensor"

"""Residual networks have the published parameters under the published names, and the strides they were asked for."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.encoders.encoder import DenseEncoder
from densewalk.ssl.encoders.resnet import ResNet, ResNetConfig

CLASSIFIER = (1, 2, 2, 2)


@pytest.mark.parametrize(("depth", "count", "dim"), [(18, 11_176_512, 512), (50, 23_508_032, 2048)])
def test_parameters_number_as_published_without_the_classifier(depth: int, count: int, dim: int) -> None:
    encoder = ResNet(ResNetConfig(depth=depth))
    assert sum(p.numel() for p in encoder.parameters()) == count
    assert encoder.dim == dim


def _published_names(depth: int) -> Iterator[str]:
    """Yield the names of torchvision's state dict without fc."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    yield "conv1.weight"
    yield from (f"bn1.{name}" for name in norm)
    for layer, blocks in enumerate({18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth], start=1):
        for block in range(blocks):
            for conv in range(1, 3 if depth == 18 else 4):
                yield f"layer{layer}.{block}.conv{conv}.weight"
                yield from (f"layer{layer}.{block}.bn{conv}.{name}" for name in norm)
            if block == 0 and (layer > 1 or depth == 50):
                yield f"layer{layer}.0.downsample.0.weight"
                yield from (f"layer{layer}.0.downsample.1.{name}" for name in norm)


@pytest.mark.parametrize("depth", [18, 50])
def test_names_are_torchvisions(depth: int) -> None:
    assert set(ResNet(ResNetConfig(depth=depth)).state_dict()) == set(_published_names(depth))


@pytest.mark.parametrize(
    ("strides", "stages", "stride", "dim"),
    [((1, 2, 1, 1), 4, 8, 512), ((1, 2, 1, 1), 3, 8, 256), (CLASSIFIER, 4, 32, 512), ((1, 1, 1, 1), 2, 4, 128)],
)
def test_the_grid_follows_strides_and_stages(
    strides: tuple[int, int, int, int], stages: int, stride: int, dim: int
) -> None:
    encoder = ResNet(ResNetConfig(strides=strides, stages=stages)).eval()
    assert isinstance(encoder, DenseEncoder)
    assert (encoder.stride, encoder.dim) == (stride, dim)
    assert encoder(torch.rand(1, 3, 64, 96)).shape == (1, dim, 64 // stride, 96 // stride)


def _with_random_statistics(encoder: ResNet) -> ResNet:
    generator = torch.Generator().manual_seed(0)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    return encoder.eval()


def _norm(image: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    mean, var, weight, bias = (state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(image, mean, var, weight, bias)


def test_a_network_of_one_layer_is_what_the_paper_writes() -> None:
    encoder = _with_random_statistics(ResNet(ResNetConfig(stages=1)))
    state, image = encoder.state_dict(), torch.rand(1, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean[:, None, None]) / std[:, None, None]
    x = F.max_pool2d(_norm(F.conv2d(x, state["conv1.weight"], stride=2, padding=3), state, "bn1").relu(), 3, 2, 1)
    for block in ("layer1.0", "layer1.1"):
        y = _norm(F.conv2d(x, state[f"{block}.conv1.weight"], padding=1), state, f"{block}.bn1").relu()
        x = (x + _norm(F.conv2d(y, state[f"{block}.conv2.weight"], padding=1), state, f"{block}.bn2")).relu()
    assert torch.allclose(encoder(image), x, atol=1e-5)


def test_a_bottleneck_is_what_the_paper_writes() -> None:
    encoder = _with_random_statistics(ResNet(ResNetConfig(depth=50, stages=2)))
    block, x = encoder.get_submodule("layer2.0"), torch.rand(1, 256, 8, 8)
    state = block.state_dict()
    y = _norm(F.conv2d(x, state["conv1.weight"]), state, "bn1").relu()
    y = _norm(F.conv2d(y, state["conv2.weight"], stride=2, padding=1), state, "bn2").relu()
    y = _norm(F.conv2d(y, state["conv3.weight"]), state, "bn3")
    shortcut = _norm(F.conv2d(x, state["downsample.0.weight"], stride=2), state, "downsample.1")
    assert torch.allclose(block(x), (y + shortcut).relu(), atol=1e-4)


@pytest.mark.parametrize("depth", [18, 50])
def test_dilation_fills_in_the_nodes_between_those_of_the_strided_network(depth: int) -> None:
    coarse = _with_random_statistics(ResNet(ResNetConfig(depth=depth, strides=CLASSIFIER)))
    fine = ResNet(ResNetConfig(depth=depth, strides=(1, 2, 1, 1), dilate=True)).eval()
    fine.load_state_dict(coarse.state_dict())
    image = torch.rand(1, 3, 64, 64)
    expected = coarse(image).detach()
    assert torch.allclose(fine(image)[..., ::4, ::4], expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_reflection_hides_where_the_border_is() -> None:
    grey = torch.full((1, 3, 64, 64), 0.3)
    spread = {
        padding: _with_random_statistics(ResNet(ResNetConfig(stages=2, padding=padding)))(grey).std(dim=(-2, -1)).max()
        for padding in ("zeros", "reflect")
    }
    assert spread["reflect"] < 1e-3 * spread["zeros"]


def test_colours_are_standardised_as_configured() -> None:
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    encoder = ResNet(ResNetConfig(stages=1, mean=mean, std=std, padding="reflect")).eval()
    mean_image = torch.tensor(mean)[:, None, None].expand(1, 3, 16, 16)
    assert encoder(mean_image).abs().max() < 1e-5
    assert encoder(mean_image + torch.tensor(std)[:, None, None]).abs().max() > 1e-2


def test_fields_can_be_set_from_the_command_line() -> None:
    config = resolve(ResNetConfig(), overrides=["depth=50", "strides=[1,2,2,1]", "padding=reflect"])
    assert config == ResNetConfig(depth=50, strides=(1, 2, 2, 1), padding="reflect")


@pytest.mark.parametrize(("field", "value"), [("depth", 34), ("stages", 0), ("stages", 5), ("strides", (1, 2, 3, 1))])
def test_impossible_networks_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"encoder.{field}="):
        ResNetConfig(**{field: value})

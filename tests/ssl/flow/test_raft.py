"""RAFT: the authors' code on the same weights gives the same flow; files of both projects are read, others refused."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.motion.estimators import load_estimator
from densewalk.ssl.flow.raft import Raft, load_raft

SCENE = Scene(SceneConfig(height=128, width=144, num_frames=2), 0)
RECORDED = {
    "forth": [12.7373, 1.9807, 40.9343, -6.1735, 13.9347, -9.6274],
    "back": [13.3048, 3.1519, 42.87, -8.6263, 12.2365, -9.405],
}
"""Flow at `PLACES` by princeton-vl/RAFT (2888e15), weights of `published`, 3 iterations: there (x, y), back (x, y)."""
PLACES = ((5, 7), (64, 70), (120, 139))


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the authors' files, biases and shared normalisations left out."""
    for encoder in ("fnet", "cnet"):
        yield f"{encoder}.conv1", (64, 3, 7, 7)
        for layer, (dim, out) in enumerate(((64, 64), (64, 96), (96, 128)), start=1):
            yield f"{encoder}.layer{layer}.0.conv1", (out, dim, 3, 3)
            yield f"{encoder}.layer{layer}.0.conv2", (out, out, 3, 3)
            yield f"{encoder}.layer{layer}.1.conv1", (out, out, 3, 3)
            yield f"{encoder}.layer{layer}.1.conv2", (out, out, 3, 3)
            if layer > 1:
                yield f"{encoder}.layer{layer}.0.downsample.0", (out, dim, 1, 1)
        yield f"{encoder}.conv2", (256, 128, 1, 1)
    yield "update_block.encoder.convc1", (256, 324, 1, 1)
    yield "update_block.encoder.convc2", (192, 256, 3, 3)
    yield "update_block.encoder.convf1", (128, 2, 7, 7)
    yield "update_block.encoder.convf2", (64, 128, 3, 3)
    yield "update_block.encoder.conv", (126, 256, 3, 3)
    for number, kernel in ((1, (1, 5)), (2, (5, 1))):
        for gate in "zrq":
            yield f"update_block.gru.conv{gate}{number}", (128, 384, *kernel)
    yield "update_block.flow_head.conv1", (256, 128, 3, 3)
    yield "update_block.flow_head.conv2", (2, 256, 3, 3)
    yield "update_block.mask.0", (256, 128, 3, 3)
    yield "update_block.mask.2", (576, 256, 1, 1)


def drawn(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers that depend on the name alone."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def published() -> dict[str, Tensor]:
    """Weights as the authors' files name them, without the "module." of their training."""
    tensors = {}
    for name, shape in shapes():
        tensors[f"{name}.weight"] = 1.4 * drawn(name, shape) / np.prod(shape[1:]) ** 0.5
        tensors[f"{name}.bias"] = 0.1 * drawn(f"{name} bias", shape[:1])
        if name.startswith("cnet.") and name != "cnet.conv2":
            for norm in norms_of(name):
                tensors[f"{norm}.weight"] = 1 + 0.2 * drawn(f"{name} norm", shape[:1])
                tensors[f"{norm}.bias"] = 0.2 * drawn(f"{name} shift", shape[:1])
                tensors[f"{norm}.running_mean"] = 0.2 * drawn(f"{name} mean", shape[:1])
                tensors[f"{norm}.running_var"] = 1 + drawn(f"{name} var", shape[:1]).abs()
                tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    return tensors


def norms_of(name: str) -> tuple[str, ...]:
    """What normalises a convolution of the context encoder; that of a shortcut is registered twice."""
    block, _, layer = name.rpartition(".")
    if layer == "0":
        block = block.removesuffix(".downsample")
        return f"{block}.downsample.1", f"{block}.norm3"
    return (f"{block}.{layer.replace('conv', 'norm')}",)


def by_torchvision(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights as torchvision names them."""
    encoders = {"fnet": "feature_encoder", "cnet": "context_encoder"}
    renamed = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        if "norm3" in parts:
            continue
        if parts[0] in encoders:
            parts[0] = encoders[parts[0]]
            at, layer = len(parts) - 2, parts[-2]
            if len(parts) == 3:
                parts[at] = {"conv1": "convnormrelu.0", "norm1": "convnormrelu.1", "conv2": "conv"}[layer]
            elif layer[:-1] in ("conv", "norm"):
                parts[at] = f"convnormrelu{layer[-1]}.{'0' if layer.startswith('conv') else '1'}"
        elif parts[1] == "encoder":
            layer = parts[2].replace("convc", "convcorr").replace("convf", "convflow")
            parts[1:3] = ["motion_encoder", layer, "0"]
        elif parts[1] == "gru":
            parts[1:3] = ["recurrent_block", f"convgru{parts[2][-1]}", parts[2][:-1]]
        elif parts[1] == "mask":
            parts[:3] = ["mask_predictor", "convrelu.0" if parts[2] == "0" else "conv"]
        renamed[".".join(parts)] = tensor
    return renamed


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raft") / "raft-things.pth"
    torch.save({f"module.{name}": tensor for name, tensor in published().items()}, path)
    return path


def test_the_flow_is_that_of_the_authors_code(file: Path) -> None:
    network = load_raft(file)
    assert sum(parameter.numel() for parameter in network.parameters()) == 5_257_536
    network.iterations = 3
    forth, back = network.both_ways(SCENE.frame(0), SCENE.frame(1))
    for flow_2HW, recorded in ((forth, RECORDED["forth"]), (back, RECORDED["back"])):
        found = [float(value) for row, column in PLACES for value in flow_2HW[:, row, column]]
        np.testing.assert_allclose(found, recorded, rtol=1e-3, atol=2e-3)


def test_torchvisions_names_stand_for_the_same_weights(file: Path, tmp_path: Path) -> None:
    torch.save(by_torchvision(published()), tmp_path / "raft_large.pth")
    ours, theirs = (load_raft(path).state_dict() for path in (file, tmp_path / "raft_large.pth"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("size_hw", [(40, 60), (131, 150)])
def test_images_of_any_size_have_a_flow_of_their_own_size(size_hw: tuple[int, int]) -> None:
    network = Raft(iterations=1).eval()
    image = np.random.default_rng(0).integers(0, 255, (2, *size_hw, 3)).astype(np.uint8)
    forth, back = network.both_ways(*image)
    assert forth.shape == back.shape == (2, *size_hw)
    assert forth.dtype == np.float32
    assert np.isfinite(forth).all()


def test_the_way_back_is_the_way_there_of_exchanged_images(file: Path) -> None:
    network = load_raft(file)
    network.iterations = 1
    first, second = SCENE.frame(0), SCENE.frame(1)
    forth, back = network.both_ways(first, second)
    there, here = network.both_ways(second, first)
    np.testing.assert_allclose(forth, here, atol=1e-3)
    np.testing.assert_allclose(back, there, atol=1e-3)


def test_it_is_an_estimator_of_the_corpus(file: Path) -> None:
    estimator = load_estimator(f"raft:{file}", "flow.estimator")
    assert estimator.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    forth, _ = estimator(SCENE.frame(0)[:40, :48], SCENE.frame(1)[:40, :48])
    assert forth.shape == (2, 40, 48)


@pytest.mark.parametrize("change", ["missing", "more", "shape"])
def test_weights_of_another_network_are_refused_by_name(tmp_path: Path, change: str) -> None:
    tensors = published()
    if change == "missing":
        del tensors["update_block.mask.2.weight"]
    elif change == "more":
        tensors["update_block.other.weight"] = torch.zeros(1)
    else:
        tensors["fnet.conv1.weight"] = torch.zeros(32, 3, 7, 7)  # as in RAFT-small
    torch.save(tensors, tmp_path / "other.pth")
    named = {"missing": "missing: mask.2.weight", "more": "update_block.other.weight", "shape": r"\(32, 3, 7, 7\)"}
    with pytest.raises(DataError, match=named[change]):
        load_raft(tmp_path / "other.pth")

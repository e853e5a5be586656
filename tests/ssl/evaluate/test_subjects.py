"""Subjects by name are loaded ready to be measured, with where they are from."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.encoders.resnet import ResNet
from densewalk.ssl.encoders.vit import ViT
from densewalk.ssl.evaluate import subjects
from densewalk.ssl.evaluate.baselines import UNTRAINED_SEED
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.subjects import load_like, load_network, load_subject, run_of, usual_floor
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from tests.published_weights import filled, resnet_shapes, vit_tensors

TINY = GMFlowConfig(stem_dim=8, middle_dim=8, dim=8, num_blocks=1, num_splits=1)


def test_subjects_without_parameters_are_named_by_a_word() -> None:
    for name, floor in (("rgb", ("zero-motion",)), ("zero-motion", ("rgb",)), ("dis-flow", ("rgb", "zero-motion"))):
        matcher, provenance = load_subject(name)
        assert not matcher.training
        assert provenance == {"subject": name, "stride": matcher.stride}
        assert run_of(name) is None
        assert usual_floor(name) == floor


def test_a_random_network_has_the_same_weights_every_time() -> None:
    first, provenance = load_network("random:resnet18@padding=reflect")
    second, _ = load_network("random:resnet18@padding=reflect")
    assert isinstance(first, CosineMatcher)
    assert isinstance(first.encoder, ResNet)
    assert (first.stride, first.encoder.config.padding) == (8, "reflect")
    assert (provenance["architecture"]["padding"], provenance["seed"]) == ("reflect", UNTRAINED_SEED)
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    assert usual_floor("random:resnet18") == ("rgb", "zero-motion")
    with pytest.raises(ConfigError, match=r"unknown option 'stage'.*did you mean 'stages'"):
        load_subject("random:resnet18@stage=4")


@pytest.mark.parametrize(
    ("layout", "tensors", "encoder", "stride"),
    [
        ("torchvision", lambda: filled(resnet_shapes(18)), ResNet, 8),
        ("dino", lambda: vit_tensors("dino"), ViT, 16),
    ],
)
def test_published_weights_are_named_by_layout_and_file(
    layout: str, tensors: object, encoder: type, stride: int, tmp_path: Path
) -> None:
    file = tmp_path / "weights.pth"
    torch.save(tensors(), file)
    text = f"{layout}:{file}"
    matcher, provenance = load_subject(text)
    assert isinstance(matcher, CosineMatcher)
    assert isinstance(matcher.encoder, encoder)
    assert matcher.stride == stride
    assert (provenance["subject"], provenance["checkpoint"], len(provenance["sha256"])) == (text, str(file), 64)
    assert usual_floor(text) == ("untrained", "rgb", "zero-motion")
    untrained, origin = load_like("untrained", text, matcher)
    assert isinstance(untrained.encoder, encoder)
    assert origin == {"subject": f"{text}, untrained", "stride": stride, "seed": UNTRAINED_SEED}
    colours, beside = load_like("rgb", text, matcher)
    assert colours.stride == beside["stride"] == stride


def test_finished_masks_are_a_subject_without_a_floor(tmp_path: Path) -> None:
    subject, _ = load_subject(f"masks:{tmp_path}")
    assert isinstance(subject, MaskFolder)
    assert subject.offers == {"masks"}
    assert usual_floor(f"masks:{tmp_path}") == ()
    with pytest.raises(BenchmarkError, match="holds finished masks"):
        load_network(f"masks:{tmp_path}")


def test_released_weights_are_named_by_project_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    by_gmrw = GMFlow(GMFlowConfig(**{**asdict(TINY), "input_range": "byte"}))
    monkeypatch.setattr(subjects, "load_released", lambda path: {file: by_gmrw}[path])
    matcher, provenance = load_subject(f"gmrw:{file}")
    assert matcher is by_gmrw
    assert provenance["checkpoint"] == str(file)
    assert len(provenance["sha256"]) == 64
    assert run_of(f"gmrw:{file}") is None
    assert usual_floor(f"gmrw:{file}") == ("untrained", "rgb", "zero-motion")
    untrained, _ = load_like("untrained", f"gmrw:{file}", matcher)
    assert untrained.config == by_gmrw.config
    with pytest.raises(BenchmarkError, match=f"holds weights of gmrw; write gmrw:{file}"):
        load_subject(f"gmflow:{file}")


def test_a_file_that_is_not_there_is_named() -> None:
    for text in ("gmrw:none.pth", "dino:none.pth", "masks:none"):
        with pytest.raises(DataError, match="none"):
            load_subject(text)

"""Label maps under every setting against one matrix of all products in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_maps
from densewalk.ssl.walk.pair_features import PairFeatures
from tests.ssl.propagate.recorded import recorded_matcher, recorded_video

STRIDE = 4
SETTINGS = {
    "default": PropagationConfig(),
    "narrow": PropagationConfig(context=2, top_k=3, radius=1),
    "first frame only": PropagationConfig(context=0, top_k=3, radius=2),
    "disk, first frame free": PropagationConfig(context=2, top_k=4, radius=3, shape="disk", first_within_radius=False),
    "copies of the first frame": PropagationConfig(context=3, first_copies=3, top_k=6, radius=2),
    "one copy": PropagationConfig(context=3, first_copies=1, radius=None),
    "unit features": PropagationConfig(features="unit", temperature=0.07, radius=3),
    "raw features": PropagationConfig(features="raw", temperature=2.0, radius=3),
    "frame by frame": PropagationConfig(mixing="per-frame", context=2, radius=None, features="raw", temperature=1.5),
    "frame by frame, near": PropagationConfig(
        mixing="per-frame", context=2, radius=2, shape="disk", first_within_radius=False
    ),
    "more matches than nodes": PropagationConfig(context=1, top_k=100, radius=1),
}


class Paired(CosineMatcher):
    """Features that depend on the partner."""

    sees_partner = True

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        source, target = (m.flatten(2).transpose(1, 2) for m in (source_BDHW, target_BDHW))
        gain = 1 + (source.mean() + target.mean()).abs()
        return PairFeatures(
            source_BND=source * gain,
            target_BND=target * gain,
            grid_hw=(source_BDHW.shape[-2], source_BDHW.shape[-1]),
            temperature=self.temperature,
        )


def _expected(matcher: CosineMatcher, map_TDHW: Tensor, first_LHW: Tensor, config: PropagationConfig) -> list[Tensor]:
    """Every frame's label map, from all products at once."""
    rows, columns = map_TDHW.shape[-2:]
    y, x = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
    down, right = (y[:, None] - y).abs(), (x[:, None] - x).abs()
    near = torch.ones(rows * columns, rows * columns, dtype=torch.bool)
    if config.radius is not None:
        disk = (down**2 + right**2).double().sqrt() < config.radius
        near = disk if config.shape == "disk" else (down <= config.radius) & (right <= config.radius)
    temperature = config.temperature or matcher.temperature
    labels, recent = [first_LHW.double().flatten(1)], [0] * config.first_copies
    for t in range(1, len(map_TDHW)):
        context = [0, *recent[max(len(recent) - config.context, 0) :]] if config.context else [0]
        logits = []
        for number, c in enumerate(context):
            pair = matcher.relate(map_TDHW[t : t + 1], map_TDHW[c : c + 1])
            source, target = pair.source_BND[0], pair.target_BND[0]
            if config.features == "raw":
                source, target = map_TDHW[t].flatten(1).T, map_TDHW[c].flatten(1).T
            if config.features == "unit":
                source, target = (f / f.norm(dim=1, keepdim=True) for f in (source, target))
            free = number == 0 and not config.first_within_radius
            logits.append(torch.where(near | free, source @ target.T / temperature, -torch.inf))
        if config.mixing == "joint":
            value, node = torch.cat(logits, dim=1).sort(dim=1, descending=True)
            weight = value[:, : config.top_k].softmax(1)
            label = torch.cat([labels[c] for c in context], dim=1)[:, node[:, : config.top_k]]
            labels.append((label * weight).sum(-1))
        else:
            parts = []
            for c, logit in zip(context, logits, strict=True):
                weight, node = logit.softmax(1).sort(dim=1, descending=True)
                parts.append((labels[c][:, node[:, : config.top_k]] * weight[:, : config.top_k]).sum(-1))
            labels.append(sum(parts) / len(parts))
        recent.append(t)
    return [label.unflatten(1, (rows, columns)) for label in labels]


def _maps(dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.random.default_rng(5).standard_normal((7, 6, 7, 9)) / 2).to(dtype)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", [CosineMatcher, Paired])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_label_maps_are_those_of_one_matrix(
    name: str, kind: type[CosineMatcher], dtype: torch.dtype, tolerance: float
) -> None:
    config, maps = SETTINGS[name], _maps(dtype)
    matcher = kind(recorded_matcher(maps, stride=STRIDE).encoder, temperature=0.2)
    first = torch.rand((3, 7, 9), generator=torch.Generator().manual_seed(1), dtype=dtype)
    found = list(propagate_maps(matcher, recorded_video(maps, stride=STRIDE), first, config))
    for map_LHW, expected in zip(found, _expected(matcher, maps.double(), first, config), strict=True):
        assert (map_LHW - expected).abs().max() < tolerance


def test_labels_of_joints_are_not_normalised() -> None:
    maps = _maps(torch.float32)[:1].expand(3, -1, -1, -1)
    first = torch.zeros(2, 7, 9)
    first[0, 3, 4] = 5.0
    matcher = recorded_matcher(maps, stride=STRIDE, temperature=0.001)
    config = PropagationConfig(top_k=1, radius=None)
    for map_LHW in propagate_maps(matcher, recorded_video(maps, stride=STRIDE), first, config):
        assert torch.equal(map_LHW, first)

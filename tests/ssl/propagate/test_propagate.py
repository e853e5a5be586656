"""Label propagation against a dense reference, and on videos whose answer is known."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.dis_flow import DisFlowMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig
from densewalk.ssl.propagate.propagate import propagate_labels, propagate_maps, propagate_masks
from densewalk.ssl.walk.pair_features import PairFeatures


class PairColours(Matcher):
    """Colours of nodes, turned by how bright the partner is: features that depend on the pair, as GMRW's do."""

    dim, stride, multiple, temperature = 3, 4, 4, 0.3

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return F.avg_pool2d(image_BCHW, self.stride) * 4

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        source, target = (m.flatten(2).transpose(1, 2) for m in (source_BDHW, target_BDHW))
        gain = target.mean() + source.mean()
        return PairFeatures(
            source_BND=source * gain,
            target_BND=target * gain,
            grid_hw=(source_BDHW.shape[-2], source_BDHW.shape[-1]),
            temperature=self.temperature,
        )


def _noise(num_frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3)).astype(np.uint8)


def _sliding(num_frames: int, step: int) -> np.ndarray:
    """A noisy world of 64 x 64 pixels that slides right by `step` pixels a frame and comes round again."""
    world = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    return np.stack([np.roll(world, step * t, axis=1) for t in range(num_frames)])


def _square_mask(left: int) -> np.ndarray:
    mask = np.zeros((64, 64), np.uint8)
    mask[20:36, left : left + 16] = 7
    return mask


def _at_nodes(mask: np.ndarray) -> list[list[int]]:
    """The mask beside the centres of the nodes, where enlargement changes no label, left of which nothing slid in."""
    return mask[2::4, 14::4].tolist()


def _dense_reference(matcher: Matcher, video: np.ndarray, mask: np.ndarray, config: PropagationConfig) -> np.ndarray:
    """All logits of all context frames in one matrix, sorted; nothing streamed."""
    maps = [matcher.encode(torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255) for f in video]
    rows, columns = maps[0].shape[-2:]
    ids = np.unique(mask)
    one_hot = torch.from_numpy((mask == ids[:, None, None]).astype(np.float32))
    labels = [F.avg_pool2d(one_hot, 4).flatten(1)]
    y, x = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
    near = ((y[:, None] - y).abs() <= config.radius) & ((x[:, None] - x).abs() <= config.radius)
    masks = [mask]
    for t in range(1, len(video)):
        context = [0, *range(max(t - config.context, 0), t)]
        if config.context >= t:
            context = [0, *range(1, t)]
        logits = []
        for c in context:
            pair = matcher.relate(maps[t], maps[c])
            logit = pair.source_BND[0] @ pair.target_BND[0].T / pair.temperature
            logits.append(logit.where(near, -torch.inf))
        value, index = torch.cat(logits, dim=1).sort(dim=1, descending=True)
        weight = value[:, : config.top_k].softmax(1)
        label = torch.cat([labels[c] for c in context], dim=1)[:, index[:, : config.top_k]]
        labels.append((label * weight).sum(-1))
        large = F.interpolate(labels[-1].reshape(1, -1, rows, columns), mask.shape, mode="bilinear")
        masks.append(ids[large[0].argmax(0).numpy()])
    return np.stack(masks)


@pytest.mark.parametrize(
    "config",
    [
        PropagationConfig(context=2, top_k=3, radius=2),
        PropagationConfig(context=7, top_k=5, radius=12),
        PropagationConfig(context=0, top_k=1, radius=1),
        PropagationConfig(context=1, top_k=400, radius=30),
    ],
    ids=["narrow", "default", "first frame only", "everything"],
)
def test_streamed_propagation_equals_the_dense_one(config: PropagationConfig) -> None:
    video = _noise(5, 44, 72)
    mask = np.zeros((44, 72), np.uint8)
    mask[8:30, 10:40], mask[20:40, 50:70] = 3, 200
    predicted = propagate_labels(PairColours(), video, mask, config)
    assert (predicted == _dense_reference(PairColours(), video, mask, config)).mean() > 0.9995
    assert set(np.unique(predicted)) <= {0, 3, 200}


def test_a_mask_follows_an_object_that_matches_exactly() -> None:
    matcher = CosineMatcher(RgbEncoder(stride=4, patch=4), temperature=0.02)
    masks = propagate_labels(matcher, _sliding(6, 4), _square_mask(12), PropagationConfig(radius=16))
    for t, mask in enumerate(masks):
        assert _at_nodes(mask) == _at_nodes(_square_mask(12 + 4 * t))


def test_motion_beyond_the_radius_cannot_be_followed() -> None:
    matcher = CosineMatcher(RgbEncoder(stride=4, patch=4), temperature=0.02)
    video, first, moved = _sliding(2, 12), _square_mask(12), _square_mask(24)
    wide = propagate_labels(matcher, video, first, PropagationConfig(radius=3))[1]
    narrow = propagate_labels(matcher, video, first, PropagationConfig(radius=2))[1]
    assert _at_nodes(wide) == _at_nodes(moved)
    assert _at_nodes(narrow) != _at_nodes(moved)


def test_the_first_frame_is_remembered_when_the_recent_ones_are_no_help() -> None:
    matcher = CosineMatcher(RgbEncoder(stride=4, patch=4), temperature=0.02)
    video = _sliding(6, 4)
    video[1:5] = 128  # the object is gone for four frames
    masks = propagate_labels(matcher, video, _square_mask(12), PropagationConfig(context=2, top_k=1))
    assert _at_nodes(masks[5]) == _at_nodes(_square_mask(32))


def test_zero_motion_keeps_the_first_mask() -> None:
    masks = propagate_labels(PositionMatcher(stride=4), _noise(4, 64, 64), _square_mask(16), PropagationConfig())
    assert all(_at_nodes(mask) == _at_nodes(_square_mask(16)) for mask in masks)
    assert (masks[3] != _square_mask(16)).mean() < 0.01  # rounded corners


@pytest.mark.parametrize("upsample", [1, 2])
@pytest.mark.parametrize("multiple", [4, 16])
def test_sides_that_no_grid_divides_leave_a_mask_where_it_was(multiple: int, upsample: int) -> None:
    matcher = PositionMatcher(stride=4)
    matcher.multiple = multiple
    mask = np.zeros((50, 61), np.uint8)
    mask[8:40, 16:44] = 1
    mask[44:, 52:] = 2  # reaches the corner that padding lies beyond
    masks = propagate_labels(matcher, _noise(4, 50, 61), mask, PropagationConfig(upsample=upsample))
    assert masks.shape == (4, 50, 61)
    changed = masks[3] != mask
    assert changed.mean() < 0.01  # rounded corners
    assert not changed[46:, 54:].any()


@pytest.mark.parametrize("multiple", [4, 32])
def test_a_mask_follows_an_object_exactly_in_frames_that_are_padded(multiple: int) -> None:
    matcher = CosineMatcher(RgbEncoder(stride=4, patch=4), temperature=0.02)
    matcher.multiple = multiple
    video = _sliding(6, 4)[:, :42, :62]
    masks = propagate_labels(matcher, video, _square_mask(12)[:42, :62], PropagationConfig(radius=16))
    for t, mask in enumerate(masks):
        assert _at_nodes(mask) == _at_nodes(_square_mask(12 + 4 * t)[:42, :62])


class LoudPadding(CosineMatcher):
    """Makes every node right of the eleventh column and below the ninth row the strongest match there is."""

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        pair = super().relate(source_BDHW, target_BDHW)
        assert pair.grid_hw == (12, 12)
        strength = torch.ones(pair.grid_hw)
        strength[9:], strength[:, 11:] = 1e4, 1e4
        return replace(pair, target_BND=pair.target_BND * strength.flatten()[None, :, None])


def test_nodes_of_padding_lend_no_labels() -> None:
    video, mask = _noise(3, 36, 44), np.zeros((36, 44), np.uint8)
    mask[8:24, 8:24] = 1
    plain, loud = CosineMatcher(RgbEncoder(patch=4)), LoudPadding(RgbEncoder(patch=4))
    loud.multiple = 16
    masks = [propagate_labels(m, video, mask, PropagationConfig(context=1, top_k=1)) for m in (plain, loud)]
    assert np.array_equal(*masks)


def test_void_becomes_background_and_a_mask_without_an_object_stays_empty() -> None:
    video = _noise(3, 64, 64)
    void = np.full((64, 64), 255, np.uint8)
    assert not propagate_labels(PairColours(), video, void, PropagationConfig()).any()
    some = _square_mask(16)
    some[:4] = 255
    assert set(np.unique(propagate_labels(PairColours(), video, some, PropagationConfig()))) <= {0, 7}


def test_one_frame_returns_its_mask() -> None:
    masks = propagate_labels(PairColours(), _noise(1, 64, 64), _square_mask(16), PropagationConfig())
    assert np.array_equal(masks, _square_mask(16)[None])


def test_only_the_context_stays_in_memory() -> None:
    alive: list[weakref.ref] = []
    most = 0

    class Watched(PairColours):
        def encode(self, image_BCHW: Tensor) -> Tensor:
            nonlocal most
            feature = super().encode(image_BCHW)
            alive.append(weakref.ref(feature))
            most = max(most, sum(ref() is not None for ref in alive))
            return feature

    propagate_labels(Watched(), _noise(12, 32, 32), np.eye(32, dtype=np.uint8), PropagationConfig(context=2))
    assert len(alive) == 12
    assert most <= 2 + 2 + 1  # context, first, the frame itself and the one before it until its name is reused


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"\(32, 64\).*\(64, 64\)"):
        propagate_labels(PairColours(), _noise(2, 64, 64), np.zeros((32, 64), np.uint8), PropagationConfig())


def test_masks_come_one_by_one_and_frames_are_read_no_earlier() -> None:
    read: list[int] = []

    class Film:
        shape = (5, 64, 64, 3)

        def __len__(self) -> int:
            return 5

        def __getitem__(self, frame: int) -> np.ndarray:
            read.append(frame)
            return _noise(5, 64, 64)[frame]

    masks = propagate_masks(PairColours(), Film(), _square_mask(16), PropagationConfig())
    assert np.array_equal(next(masks), _square_mask(16))
    next(masks)
    assert max(read) == 1
    assert len(list(masks)) == 3


def test_twice_gives_the_same_masks() -> None:
    video = _noise(4, 64, 64)
    masks = [propagate_labels(PairColours(), video, _square_mask(16), PRESETS["crw"]) for _ in range(2)]
    assert np.array_equal(*masks)


@pytest.mark.parametrize("matcher", [PositionMatcher(stride=4), DisFlowMatcher()], ids=["matches", "flow"])
def test_an_object_that_arrives_later_is_carried_on_from_there(matcher: Matcher) -> None:
    still = _noise(1, 64, 64).repeat(6, axis=0)
    late = np.zeros((64, 64), np.uint8)
    late[40:56, 40:56] = 5
    masks = propagate_labels(matcher, still, _square_mask(8), PropagationConfig(context=2), arrivals={3: late})
    assert [sorted(np.unique(mask).tolist()) for mask in masks] == [[0, 7]] * 3 + [[0, 5, 7]] * 3
    for mask in masks[3:]:
        assert ((mask == 5) != (late == 5)).mean() < 0.02
        assert ((mask == 7) != (_square_mask(8) == 7)).mean() < 0.01


def test_an_arrival_takes_its_place_from_the_object_that_was_there() -> None:
    still = _noise(1, 64, 64).repeat(4, axis=0)
    late = np.zeros((64, 64), np.uint8)
    late[20:36, 8:16] = 5
    masks = propagate_labels(
        PositionMatcher(stride=4), still, _square_mask(8), PropagationConfig(context=2), arrivals={1: late}
    )
    assert (masks[1] == 5).sum() == pytest.approx(16 * 8, abs=20)
    assert (masks[1] == 7).sum() == pytest.approx(16 * 8, abs=20)


@pytest.mark.parametrize("frame", [-1, 6, 9])
def test_arrivals_outside_the_video_are_refused(frame: int) -> None:
    with pytest.raises(DataError, match=rf"\[{frame}\].*1 to 5"):
        propagate_masks(
            PositionMatcher(stride=4),
            _noise(6, 64, 64),
            _square_mask(8),
            PropagationConfig(),
            arrivals={frame: _square_mask(8)},
        )


def test_a_label_map_of_another_grid_is_refused() -> None:
    with pytest.raises(DataError, match=r"\(2, 9, 16\).*\(2, 16, 16\)"):
        propagate_maps(PositionMatcher(stride=4), _noise(2, 64, 64), torch.zeros(2, 9, 16), PropagationConfig())


@pytest.mark.parametrize("name", [name for name, config in PRESETS.items() if config.features == "unit"])
def test_every_preset_follows_an_object_through_a_still_video(name: str) -> None:
    still = _smooth().repeat(3, axis=0)
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 24:56] = 3
    config = replace(PRESETS[name], size_hw=None, short_side=64, long_multiple=32, top_k=1, temperature=0.01)
    masks = propagate_labels(CosineMatcher(RgbEncoder(stride=4, patch=4)), still, mask, config)
    assert ((masks[2] == 3) != (mask == 3)).mean() < 0.05


def _smooth() -> np.ndarray:
    """One frame of 64 x 96 pixels in which every place has its own colour."""
    y, x = np.mgrid[:64, :96]
    return np.stack((4 * y, 2 * x, 128 + 0 * x), axis=-1).astype(np.uint8)[None]


def test_maps_that_are_carried_stretched_weigh_a_faded_frame_as_much_as_the_first() -> None:
    video, matcher = _noise(3, 32, 48), PairColours()
    config = PropagationConfig(context=1, top_k=3, radius=None, stretch_carried=True)
    first_LHW = torch.rand((2, 8, 12), generator=torch.Generator().manual_seed(0)) / 2
    _, second, third = propagate_maps(matcher, video, first_LHW, config)
    maps = [matcher.encode(torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255) for f in video]
    found = [first_LHW]
    for frame, context in ((1, [0]), (2, [0, 1])):
        pairs = [matcher.relate(maps[frame], maps[c]) for c in context]
        logit = torch.cat([p.source_BND[0] @ p.target_BND[0].T / p.temperature for p in pairs], dim=1)
        value, node = logit.topk(3, dim=1)
        label_LNK = torch.cat([found[c].flatten(1) for c in context], dim=1)[:, node]
        label_LN = (label_LNK * value.softmax(1)).sum(-1)
        low, high = label_LN.amin(1, keepdim=True), label_LN.amax(1, keepdim=True)
        found.append(((label_LN - low) / (high - low)).unflatten(1, (8, 12)))
    assert torch.allclose(second, found[1], atol=1e-5)
    assert torch.allclose(third, found[2], atol=1e-5)

"""OpenCV's DIS as a matcher: known shifts come back, both ways, whatever the size, the batch and the threads."""

import copy

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow, ScenesFlowConfig
from densewalk.ssl.matchers.dis_flow import DisFlowMatcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.metrics.tapvid import score_tracks
from densewalk.ssl.track.tracker import TrackerConfig, track_points
from densewalk.ssl.track.tracks import Tracks


def texture(height: int, width: int) -> Tensor:
    """A smooth random image (1, 3, height, width)."""
    noise = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return torch.from_numpy(smooth).permute(2, 0, 1)[None].contiguous()


def shifted(size_hw: tuple[int, int], x: int, y: int) -> tuple[Tensor, Tensor]:
    """Two windows of one image; what the first shows lies (x, y) further in the second."""
    image, margin = texture(size_hw[0] + 24, size_hw[1] + 24), 12
    height, width = size_hw
    first = image[..., margin : margin + height, margin : margin + width]
    second = image[..., margin - y : margin - y + height, margin - x : margin - x + width]
    return first, second


@pytest.mark.parametrize(("x", "y"), [(3, 0), (0, -4), (5, 2)])
def test_a_known_shift_is_found_and_its_opposite_on_the_way_back(x: int, y: int) -> None:
    matcher = DisFlowMatcher()
    forth, back = matcher.displacement(*map(matcher.encode, shifted((96, 128), x, y)))
    assert forth.shape == back.shape == (1, 2, 96, 128)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    expected = torch.tensor([x, y], dtype=torch.float32)[:, None, None]
    assert (forth[0][inner] - expected).abs().max() < 0.25
    assert (back[0][inner] + expected).abs().max() < 0.25


@pytest.mark.parametrize("size_hw", [(1, 1), (5, 9), (11, 11), (13, 200)])
def test_images_of_any_size_have_a_flow_of_their_own_size(size_hw: tuple[int, int]) -> None:
    matcher = DisFlowMatcher()
    forth, back = matcher.displacement(*map(matcher.encode, shifted(size_hw, 1, 0)))
    assert forth.shape == back.shape == (1, 2, *size_hw)
    assert torch.isfinite(forth).all()


def test_items_of_a_batch_do_not_see_each_other_and_threads_change_nothing() -> None:
    matcher = DisFlowMatcher()
    pairs = [shifted((64, 64), x, 0) for x in (1, 4)]
    first, second = (matcher.encode(torch.cat([pair[side] for pair in pairs])) for side in (0, 1))
    together = matcher.displacement(first, second)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        alone = [matcher.displacement(first[i : i + 1], second[i : i + 1]) for i in (1, 0)]
    finally:
        cv2.setNumThreads(threads)
    for direction in (0, 1):
        assert torch.equal(together[direction], torch.cat([alone[1][direction], alone[0][direction]]))


def test_its_map_is_the_grey_image() -> None:
    image = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).T.reshape(1, 3, 2, 2)
    rgb = (image[0].permute(1, 2, 0) * 255).byte().numpy()
    assert np.array_equal(DisFlowMatcher().encode(image)[0, 0].byte().numpy(), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def test_it_offers_displacements_only_and_says_so() -> None:
    matcher = copy.deepcopy(DisFlowMatcher())
    assert matcher.offers == {"displacement"}
    with pytest.raises(BenchmarkError, match="displacements and no matches"):
        matcher(texture(16, 16), texture(16, 16))


def test_between_neighbouring_frames_of_scenes_it_sees_most_of_the_motion() -> None:
    benchmark = ScenesFlow(ScenesFlowConfig(num_pairs=6, frame_gap=1))
    still = benchmark(PositionMatcher(), subject="zero-motion").scalars["EPE"]
    assert benchmark(DisFlowMatcher(), subject="dis-flow").scalars["EPE"] < 0.4 * still


def test_chained_through_a_scene_it_follows_points_that_standing_still_loses() -> None:
    scene = Scene(SceneConfig(height=96, width=96, num_frames=6), 2_000_003)
    truth = _tracks(scene)
    query_K3 = np.concatenate((np.zeros((len(truth.track_KT2), 1)), truth.track_KT2[:, 0]), axis=1)
    scores = {
        name: score_tracks(
            track_points(matcher, scene.video(), query_K3, TrackerConfig()),
            truth,
            query_frame_K=np.zeros(len(query_K3), np.int64),
            mode="first",
        )["delta_avg"]
        for name, matcher in (("dis", DisFlowMatcher()), ("still", PositionMatcher()))
    }
    assert scores["dis"] > scores["still"] + 20


def _tracks(scene: Scene) -> Tracks:
    track_NT2, visible_NT = scene.tracks(64, np.random.default_rng(0))
    seen_N = visible_NT[:, 0]
    return Tracks(track_KT2=track_NT2[seen_N], visible_KT=visible_NT[seen_N])

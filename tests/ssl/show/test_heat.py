"""The walk panel tells the truth about a matcher whose walk is known."""

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.errors import DataError
from densewalk.datasets.geometry import grid_points
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.show.heat import heat_overlay, walk_distributions, walk_panel
from densewalk.ssl.walk.pair_features import PairFeatures


class ShiftMatcher(Matcher):
    """Walks a fixed number of nodes to the right, whatever the images show; the way back is exact."""

    def __init__(self, shift_nodes: int, *, stride: int = 4, temperature: float = 0.05) -> None:
        super().__init__()
        self.stride, self.dim, self.temperature, self.multiple = stride, 2, temperature, 2 * stride
        self.shift_nodes = shift_nodes

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d gh gw"]:
        return image_BCHW[:, :2, :: self.stride, :: self.stride] * 0

    def relate(self, source_BDHW: Float[Tensor, "b d gh gw"], target_BDHW: Float[Tensor, "b d gh gw"]) -> PairFeatures:
        rows, columns = source_BDHW.shape[-2:]
        node = grid_points(rows, columns)
        features = [self._on_sphere(node + torch.tensor([shift, 0.0])) for shift in (self.shift_nodes, 0)]
        return PairFeatures(
            source_BND=features[0], target_BND=features[1], grid_hw=(rows, columns), temperature=self.temperature
        )

    def _on_sphere(self, node: Tensor) -> Tensor:
        """Make inner products fall with squared distance: |a - b|^2 / 2 apart from a constant."""
        angle = node * 0.05
        return (20 * torch.cat((angle.cos(), angle.sin()), dim=-1))[None]


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)


def mean_xy(distribution_HW: np.ndarray, stride: float) -> np.ndarray:
    rows, columns = np.indices(distribution_HW.shape) + 0.5
    return np.array([(distribution_HW * columns).sum(), (distribution_HW * rows).sum()]) * stride


def test_walkers_step_by_the_matchers_motion_and_come_home(frame: np.ndarray) -> None:
    middle, home, home_xy = walk_distributions(ShiftMatcher(5), frame, frame, (61.3, 47.9))
    assert middle.shape == home.shape == (24, 40)
    assert middle.sum() == pytest.approx(1, abs=1e-5)
    assert home.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(mean_xy(middle, 4) - (61.3 + 20, 47.9)).max() < 0.2
    assert np.abs(np.array(home_xy) - (61.3, 47.9)).max() < 0.2


def test_places_are_exact_when_the_frame_is_no_multiple_of_the_grid(frame: np.ndarray) -> None:
    odd = frame[:90, :150]
    middle, _, home_xy = walk_distributions(ShiftMatcher(0), odd, odd, (75.0, 30.0))
    assert middle.shape == (23, 38)
    assert np.abs(np.array(home_xy) - (75.0, 30.0)).max() < 0.2


def test_a_matcher_that_cannot_tell_nodes_apart_spreads_evenly(frame: np.ndarray) -> None:
    middle, home, home_xy = walk_distributions(ShiftMatcher(0, temperature=1e9), frame, frame, (10.0, 10.0))
    assert np.allclose(middle, 1 / middle.size, rtol=1e-3)
    assert np.allclose(home, 1 / home.size, rtol=1e-3)
    assert np.abs(np.array(home_xy) - (80, 48)).max() < 0.1


def test_the_panel_has_three_tiles_and_marks_the_query(frame: np.ndarray) -> None:
    black = np.zeros_like(frame)
    panel = walk_panel(ShiftMatcher(5), black, black, (40.0, 24.0), tile_width_px=320)
    assert panel.shape == (14 + 192 + 66, 14 * 4 + 320 * 3, 3)
    first, middle, home = (panel[14:206, 14 + n * 334 : 14 + n * 334 + 320] for n in range(3))
    rows, columns = np.nonzero((first > 200).all(-1))
    assert abs(rows.mean() + 0.5 - 48) < 1
    assert abs(columns.mean() + 0.5 - 80) < 1
    hottest = np.unravel_index(middle.sum(-1).argmax(), middle.shape[:2])
    assert np.abs(np.array(hottest) - (48, 120)).max() < 8
    assert home[40:56, 60:100].any()


@pytest.mark.parametrize("query", [(-1.0, 5.0), (5.0, 96.5), (161.0, 5.0)])
def test_a_query_outside_the_frame_is_refused(frame: np.ndarray, query: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="outside the frame of 160x96"):
        walk_panel(ShiftMatcher(0), frame, frame, query)


def test_heat_glows_where_the_weight_is_and_the_rest_is_dim_grey() -> None:
    image = np.full((80, 80, 3), (200, 100, 50), np.uint8)
    weight = np.zeros((8, 8), np.float32)
    weight[2, 5] = 0.3
    shown = heat_overlay(image, weight).astype(int)
    assert np.ptp(shown[60, 20]) == 0
    assert shown[60, 20, 0] < 100
    assert np.unravel_index(shown.sum(-1).argmax(), (80, 80)) in [(r, c) for r in range(22, 28) for c in range(52, 58)]
    assert (heat_overlay(image, weight * 7) == shown).all()


def test_no_weight_at_all_is_plain_grey() -> None:
    shown = heat_overlay(np.full((20, 20, 3), 90, np.uint8), np.zeros((4, 4), np.float32))
    assert (shown == shown[0, 0, 0]).all()

"""The matchers nothing was learnt for: raw colours and standing still."""

import torch

from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.walk.coordinates import expected_flow
from densewalk.ssl.walk.transition import transition


def test_cosine_features_have_length_one() -> None:
    pair = CosineMatcher(RgbEncoder())(torch.rand(2, 3, 16, 24), torch.rand(2, 3, 16, 24))
    assert torch.allclose(pair.source_BND.norm(dim=-1), torch.ones(2, 24))
    assert pair.grid_hw == (4, 6)


def test_colours_find_a_translation_of_whole_nodes() -> None:
    image = torch.rand(1, 3, 32, 48)
    moved = torch.roll(image, 8, dims=-1)
    flow = expected_flow(CosineMatcher(RgbEncoder(), temperature=0.01)(image, moved), stride=4)
    assert torch.allclose(flow[0, 0, 1:-1, 1:-4], torch.full((6, 7), 8.0), atol=0.1)


def test_a_patch_is_centred_on_its_node() -> None:
    image = torch.zeros(1, 3, 16, 16)
    image[..., 5:7, 9:11] = 1
    patches = RgbEncoder(stride=4, patch=8)(image) + 0.5
    middle = patches[0, :, 1, 2].reshape(3, 8, 8)
    assert torch.equal(middle, torch.nn.functional.pad(image[0], (2, 2, 2, 2))[:, 4:12, 8:16])


def test_standing_still_is_the_identity_in_both_directions() -> None:
    pair = PositionMatcher(stride=8)(torch.rand(1, 3, 32, 40), torch.rand(1, 3, 32, 40))
    for direction in (pair, pair.swapped()):
        assert torch.allclose(transition(direction)[0], torch.eye(20), atol=1e-6)


def test_positions_as_features_are_the_coordinates_in_units_of_the_sides() -> None:
    features = PositionMatcher(stride=4).encode(torch.rand(2, 3, 16, 8))
    assert torch.allclose(features[1, 0], torch.tensor([0.25, 0.75]).expand(4, 2))
    assert torch.allclose(features[1, 1, :, 0], torch.tensor([0.125, 0.375, 0.625, 0.875]))


def test_features_split_and_swap_as_pairs() -> None:
    pair = CosineMatcher(RgbEncoder())(torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16))
    first, second = pair.split(2)
    assert torch.equal(torch.cat((first.source_BND, second.source_BND)), pair.source_BND)
    assert torch.equal(second.swapped().source_BND, pair.target_BND[2:])

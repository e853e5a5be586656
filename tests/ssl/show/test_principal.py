"""Colours of features stand for the same feature along a clip, whatever the order and the sign of the components."""

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import DataError
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.show.principal import FeatureFilm, fit_principal

DIM = 12


def maps(count: int = 3, seed: int = 0) -> list[torch.Tensor]:
    """Maps of three orthogonal features, each in a region of its own, and a little noise."""
    generator = torch.Generator().manual_seed(seed)
    axis_3D = torch.linalg.qr(torch.randn(DIM, 3, generator=generator))[0].T
    found = []
    for number in range(count):
        label = torch.zeros(8, 10, dtype=torch.long)
        label[:, 3 + number :], label[5:] = 1, 2
        noise = 0.003 * torch.randn(DIM, 8, 10, generator=generator)
        found.append(axis_3D[label].permute(2, 0, 1) + noise)
    return found


def test_a_feature_has_one_colour_in_every_frame_and_features_differ() -> None:
    clip = maps()
    painter = fit_principal(clip)
    painted = [painter.paint(map_DHW, (8, 10)).astype(int) for map_DHW in clip]
    places = [(0, 0), (0, 9), (7, 5)]
    for place in places:
        assert max(np.abs(picture[place] - painted[0][place]).max() for picture in painted) < 12
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(painted[0][places[first]] - painted[0][places[second]]).max() > 80


def test_colours_do_not_depend_on_the_order_of_frames_or_the_mirror_image() -> None:
    clip = maps()
    first = fit_principal(clip).paint(clip[1], (16, 20))
    again = fit_principal(clip[::-1]).paint(clip[1], (16, 20))
    mirrored = fit_principal([map_DHW.flip(-1) for map_DHW in clip]).paint(clip[1], (16, 20))
    assert np.abs(first.astype(int) - again).max() <= 1
    assert np.abs(first.astype(int) - mirrored).max() <= 1


def test_colours_do_not_depend_on_a_rotation_of_the_features() -> None:
    clip = maps()
    turn_DD = torch.linalg.qr(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(3)))[0]
    turned = [torch.einsum("ed,dhw->ehw", turn_DD, map_DHW) for map_DHW in clip]
    first, second = fit_principal(clip).paint(clip[0], (8, 10)), fit_principal(turned).paint(turned[0], (8, 10))
    assert np.abs(first.astype(int) - second).max() <= 1


def test_an_outlier_does_not_wash_out_the_rest() -> None:
    clip = maps(1)
    clip[0][:, 0, 0] *= 50
    painted = fit_principal(clip).paint(clip[0], (8, 10)).astype(int)
    assert np.ptp(painted[1:], axis=(0, 1)).max() > 60


def test_features_of_fewer_than_three_dimensions_and_constant_ones_can_be_painted() -> None:
    for map_DHW in (torch.rand(2, 4, 4), torch.ones(8, 4, 4)):
        assert fit_principal([map_DHW]).paint(map_DHW, (8, 8)).shape == (8, 8, 3)


@pytest.mark.parametrize("case", ["none", "nan"])
def test_nothing_and_broken_features_are_refused(case: str) -> None:
    broken = torch.rand(4, 3, 3)
    broken[0, 0, 0] = float("nan")
    with pytest.raises(DataError, match="none was given" if case == "none" else "not finite"):
        fit_principal([] if case == "none" else [broken])


def test_a_film_shows_every_frame_beside_its_features() -> None:
    video = np.random.default_rng(0).integers(0, 255, (3, 30, 44, 3), dtype=np.uint8)
    film = FeatureFilm(baseline("rgb"), video)
    assert (film.shape, len(film)) == ((3, 30, 2 * 44 + 8, 3), 3)
    frame = film[1]
    assert frame.shape == film.shape[1:]
    assert (frame[:, :44] == video[1]).all()
    assert frame[:, 52:].std() > 5
    assert (film[1] == frame).all()

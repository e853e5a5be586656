"""Pictures of flow keep both flows on one scale."""

import numpy as np

from densewalk.ssl.show.flow_error import flow_error_picture

SOURCE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
TARGET = np.roll(SOURCE, (2, 3), axis=(0, 1))
FLOW = np.broadcast_to(np.array([3.0, 2.0])[:, None, None], (2, 40, 60)).copy()


def test_a_picture_without_truth_is_smaller_and_one_without_a_valid_pixel_is_drawn() -> None:
    with_truth = flow_error_picture(SOURCE, TARGET, FLOW + 1, truth_2HW=FLOW, valid_HW=np.ones((40, 60), bool))
    without = flow_error_picture(SOURCE, TARGET, FLOW + 1)
    assert len(with_truth) > len(without)
    nothing = flow_error_picture(SOURCE, TARGET, FLOW, truth_2HW=FLOW, valid_HW=np.zeros((40, 60), bool))
    assert nothing.shape == with_truth.shape


def test_the_same_flow_looks_the_same_as_its_truth() -> None:
    valid = np.ones((40, 60), bool)
    picture = flow_error_picture(SOURCE, TARGET, 2 * FLOW, truth_2HW=FLOW, valid_HW=valid)
    same = flow_error_picture(SOURCE, TARGET, FLOW, truth_2HW=FLOW, valid_HW=valid)
    row = slice(260, 400)
    first, second = same[row, 20:270], same[row, 300:550]
    assert (first == second).all()
    assert (picture[row, 300:550] == second).all()

"""The mask picture starts with the truth in both rows and then shows what the network made of it."""

import numpy as np

from densewalk.cluster.quickstart.mask_pictures import mask_picture
from densewalk.ssl.evaluate.baselines import baseline


def test_both_rows_begin_with_the_given_masks_and_part_where_the_network_is_wrong() -> None:
    picture = mask_picture(baseline("zero-motion"))
    tile = picture.shape[0] // 2
    above, below = picture[:tile], picture[tile:]
    assert picture.shape == (2 * tile, 4 * tile, 3)
    assert np.array_equal(above[:, :tile], below[:, :tile])
    assert not np.array_equal(above[:, 3 * tile :], below[:, 3 * tile :])

"""Labels of another size are read at the centres of the new pixels or, as torch does, at their corners."""

import numpy as np

from densewalk.ssl.probe.label_raster import read_labels


def test_labels_are_read_at_centres_or_at_corners() -> None:
    label = np.arange(8, dtype=np.uint8)[None].repeat(8, axis=0)
    assert read_labels(label, (4, 4), at="corner")[0].tolist() == [0, 2, 4, 6]
    assert read_labels(label, (4, 4), at="centre")[0].tolist() == [1, 3, 5, 7]
    assert read_labels(label, (16, 16), at="centre")[0, :4].tolist() == [0, 0, 1, 1]

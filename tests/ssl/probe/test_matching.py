"""Clusters become classes as in Leopart's evaluation; numbers are those of its metric in open-hummingbird-eval."""

import numpy as np
import pytest

from densewalk.ssl.metrics.miou import class_iou
from densewalk.ssl.probe.matching import as_classes, classes_of_clusters

RELEASED = [
    (5, 5, 20.902887078601502, 18.59514845431947),
    (4, 9, 32.41546097206459, 58.2499535407077),
    (7, 3, 5.378739214936224, 5.378739214936224),
    (21, 50, 33.41169066511293, 67.78914471569031),
]
"""Classes, clusters, mIoU over all classes one to one and many to one, `PredsmIoU` on the pixels drawn below."""


@pytest.mark.parametrize(("seed", "classes", "clusters", "one", "many"), [(i, *row) for i, row in enumerate(RELEASED)])
def test_scores_are_those_of_the_released_metric(
    seed: int, classes: int, clusters: int, one: float, many: float
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=4000)
    cluster = (truth * clusters // classes + rng.integers(3, size=4000)) % clusters
    count = np.bincount(truth * clusters + cluster, minlength=classes * clusters).reshape(classes, clusters)
    for matching, expected in (("one-to-one", one), ("many-to-one", many)):
        matched = as_classes(count, classes_of_clusters(count, matching))
        assert sum(class_iou(matched).values()) / classes == pytest.approx(expected, abs=1e-9)


def test_clusters_beyond_the_classes_become_class_0_one_to_one() -> None:
    count = np.array([[5, 0, 0, 1], [0, 5, 0, 0], [0, 0, 5, 2]])
    assert classes_of_clusters(count, "one-to-one").tolist() == [0, 1, 2, 0]
    assert classes_of_clusters(count, "many-to-one").tolist() == [0, 1, 2, 2]
    assert as_classes(count, np.array([0, 1, 2, 0])).tolist() == [[6, 0, 0], [0, 5, 0], [2, 0, 5]]

"""Which class a cluster is taken for, from how many pixels of each class it holds.

One to one: the assignment of the greatest summed IoU (Hungarian method); clusters beyond the number of classes become
class 0, the background of VOC. Many to one: each cluster becomes the class that most of its pixels have, which is the
class of greatest precision. Both as in Leopart's evaluation.

Shapes: L true classes, K clusters.
"""

from typing import Literal

import numpy as np
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment

__all__ = ["Matching", "as_classes", "classes_of_clusters"]

Matching = Literal["one-to-one", "many-to-one"]


def classes_of_clusters(count_LK: Int[np.ndarray, "l k"], matching: Matching) -> Int[np.ndarray, "k"]:
    """Return the class of every cluster, given pixel counts by (true class, cluster); a tie takes the lowest class."""
    if matching == "many-to-one":
        return count_LK.argmax(0)
    union_LK = count_LK.sum(0) + count_LK.sum(1)[:, None] - count_LK
    iou_LK = count_LK / np.maximum(union_LK, 1)
    matched_class, matched_cluster = linear_sum_assignment(iou_LK, maximize=True)
    class_K = np.zeros(count_LK.shape[1], dtype=np.int64)
    class_K[matched_cluster] = matched_class
    return class_K


def as_classes(count_LK: Int[np.ndarray, "l k"], class_K: Int[np.ndarray, "k"]) -> Int[np.ndarray, "l l"]:
    """Return pixel counts by (true class, predicted class) when every cluster is taken for its class."""
    count_LL = np.zeros((len(count_LK), len(count_LK)), dtype=np.int64)
    np.add.at(count_LL.T, class_K, count_LK.T)
    return count_LL

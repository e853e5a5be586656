"""Masks tint what they cover, line their border and leave the rest alone."""

import numpy as np

from densewalk.ssl.show.colours import VOID
from densewalk.ssl.show.masks import overlay_masks


def test_only_labelled_pixels_change_and_borders_are_firm() -> None:
    image = np.full((60, 80, 3), 100, np.uint8)
    label = np.zeros((60, 80), np.uint8)
    label[10:40, 10:40] = 1
    label[10:40, 40:60] = 255
    shown = overlay_masks(image, label, opacity=0.3).astype(int)
    assert (shown[label == 0] == 100).all()
    assert (shown[label == 1] != 100).any(-1).all()
    border, inside = shown[10, 25] - 100, shown[25, 25] - 100
    assert np.allclose(inside, 0.3 * border, atol=1)
    assert (shown[25, 25] != shown[25, 50]).any()


def test_the_colour_belongs_to_the_label_not_to_its_neighbours() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    alone, together = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    alone[20:30, 20:30] = together[20:30, 20:30] = 3
    together[2:10, 2:10] = 1
    assert (overlay_masks(image, alone)[25, 25] == overlay_masks(image, together)[25, 25]).all()


def test_a_mask_that_fills_the_frame_has_no_border() -> None:
    image = np.full((30, 30, 3), 50, np.uint8)
    shown = overlay_masks(image, np.full((30, 30), 2, np.uint8))
    assert (shown == shown[15, 15]).all()


def test_what_counts_nowhere_is_grey() -> None:
    shown = overlay_masks(np.zeros((30, 30, 3), np.uint8), np.full((30, 30), 255, np.uint8), opacity=1.0)
    assert (shown == VOID).all()

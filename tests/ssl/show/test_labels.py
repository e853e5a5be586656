"""A sheet of segmentations shows what is wrong, only what counts, and names the classes that occur."""

from dataclasses import replace

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.colours import VOID, distinct_colours
from densewalk.ssl.show.labels import LabelledPicture, label_sheet

CLASSES = [f"class {number}" for number in range(5)]
TRUTH = np.zeros((180, 180), np.uint8)
TRUTH[:, 90:], TRUTH[:20] = 1, 255
ITEM = LabelledPicture(
    name="a",
    image_HWC=np.full((180, 180, 3), 90, np.uint8),
    predicted_HW=np.where(TRUTH == 255, 3, TRUTH),
    truth_HW=TRUTH,
)


def count(picture: np.ndarray, colour: object) -> int:
    return int((picture == np.asarray(colour)).all(-1).sum())


def test_right_pixels_have_one_colour_in_both_and_ignored_ones_are_grey_in_both() -> None:
    sheet = label_sheet([ITEM], CLASSES)
    colours = distinct_colours(5)
    swatch = 14 * 14
    assert count(sheet, colours[0]) == 2 * 160 * 90 + swatch
    assert count(sheet, colours[1]) == 2 * 160 * 90 + swatch
    assert count(sheet, VOID) == 2 * 20 * 180 + swatch
    assert count(sheet, colours[3]) == 0


def test_wrong_pixels_glow_and_right_ones_do_not() -> None:
    def red(item: LabelledPicture) -> int:
        sheet = label_sheet([item], CLASSES).astype(int)
        return int(((sheet[..., 0] - sheet[..., 1] > 100) & (sheet[..., 0] == round(0.3 * 90 + 0.7 * 255))).sum())

    wrong = np.where(TRUTH == 1, 2, ITEM.predicted_HW).astype(np.uint8)
    assert red(ITEM) == 0
    assert red(replace(ITEM, predicted_HW=wrong)) == 160 * 90


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predicted_HW": TRUTH[1:]}, r"a: prediction of \(179, 180\)"),
        ({"truth_HW": np.full_like(TRUTH, 5)}, "a: truth has label 5, expected 0 to 4"),
    ],
)
def test_sizes_and_labels_that_cannot_be_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        label_sheet([replace(ITEM, **change)], CLASSES)


def test_many_classes_have_a_legend_of_several_lines_inside_the_sheet() -> None:
    truth = (np.arange(180 * 180).reshape(180, 180) % 150).astype(np.uint8)
    item = replace(ITEM, truth_HW=truth, predicted_HW=truth)
    one, many = label_sheet([ITEM], CLASSES), label_sheet([item], [f"a class named {n}" for n in range(150)])
    assert many.shape[1] == one.shape[1]
    assert len(many) > len(one) + 400


def test_no_images_are_refused() -> None:
    with pytest.raises(DataError):
        label_sheet([], CLASSES)

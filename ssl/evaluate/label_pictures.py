"""A few test images with predicted and true classes, and the confusion matrix, as a benchmark goes along."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.show.confusion import confusion_chart
from densewalk.ssl.show.evenly import evenly
from densewalk.ssl.show.labels import LabelledPicture, label_sheet
from densewalk.ssl.show.still import jpeg_bytes, resized

__all__ = ["LabelPictures", "keep_confusion"]

_NUM_SHOWN = 4


class LabelPictures:
    """Draws nothing for a notebook that keeps nothing."""

    def __init__(self, notebook: Notebook, classes: list[str], num_images: int) -> None:
        self._notebook, self._classes = notebook, classes
        self._items: list[LabelledPicture] = []
        self._chosen = evenly(num_images, _NUM_SHOWN) if notebook.keeps else []

    def shows(self, number: int) -> bool:
        """Return whether an image is one of the few that are drawn."""
        return number in self._chosen

    def add(
        self, item: LabelledImage, predicted_HW: UInt8[np.ndarray, "h w"], truth_HW: UInt8[np.ndarray, "h w"]
    ) -> None:
        """Take an image, resized to its labels."""
        image_HWC = resized(item.image_HWC, (predicted_HW.shape[0], predicted_HW.shape[1]))
        self._items.append(
            LabelledPicture(name=item.name, image_HWC=image_HWC, predicted_HW=predicted_HW, truth_HW=truth_HW)
        )

    def keep(self, count_LL: Int[np.ndarray, "l l"]) -> None:
        """Write the sheet, the confusion matrix as a chart and as a table of pixel counts."""
        if not self._notebook.keeps:
            return
        sheet = jpeg_bytes(label_sheet(self._items, self._classes))
        self._notebook.picture("Predicted and true classes", "predictions.jpg", sheet)
        keep_confusion(self._notebook, count_LL, self._classes)


def keep_confusion(notebook: Notebook, count_LL: Int[np.ndarray, "l l"], classes: Sequence[str]) -> None:
    """Write counts by (true class, predicted class) as a chart and as a table."""
    if notebook.keeps:
        chart = confusion_chart(count_LL, classes).encode()
        notebook.picture("What each true class was taken for", "confusion.svg", chart)
        rows = [
            {"true class": name, **{other: int(count) for other, count in zip(classes, count_L, strict=True)}}
            for name, count_L in zip(classes, count_LL, strict=True)
        ]
        notebook.table("confusion.csv", rows)

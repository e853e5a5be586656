"""How much of a picture is covered by text, by the detector of PP-OCRv4 (DBNet; package rapidocr-onnxruntime).

Text is found, not read. The median of a few frames counts, since what is taken for text by mistake seldom stays.

Shapes: H W rows and columns of a frame.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import ConfigError

__all__ = ["TextDetector"]

_SIDE = 480
"""Shorter side at which text is looked for; smaller frames are enlarged."""


class TextDetector:
    """Finds lines of text with a network on one thread, so that results do not depend on the machine."""

    def __init__(self) -> None:
        try:
            from rapidocr_onnxruntime import RapidOCR
        except ImportError as error:
            raise ConfigError("quality.text needs rapidocr-onnxruntime: pip install densewalk[text]") from error
        threads = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
        self._find = RapidOCR(det_limit_side_len=_SIDE, det_limit_type="min", **threads).text_det

    def covered_share(self, frames: Sequence[UInt8[np.ndarray, "h w 3"]]) -> float:
        """Return the share of the picture inside boxes of text, 0 to 1; frames are RGB."""
        return float(np.median([self._covered(frame_HW3) for frame_HW3 in frames]))

    def _covered(self, frame_HW3: UInt8[np.ndarray, "h w 3"]) -> float:
        boxes, _ = self._find(np.ascontiguousarray(frame_HW3[..., ::-1]))
        mask_HW = np.zeros(frame_HW3.shape[:2], dtype=np.uint8)
        for corner_42 in [] if boxes is None else boxes:
            cv2.fillPoly(mask_HW, [np.asarray(corner_42, dtype=np.int32)], 1)
        return float(mask_HW.mean())

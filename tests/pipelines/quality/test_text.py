"""Text: lines that are shown are measured, pictures without any have none; the package is optional."""

import sys

import cv2
import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.quality.text import TextDetector


@pytest.mark.slow
def test_the_share_of_text_is_that_of_its_lines() -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    detector = TextDetector()
    plain = np.full((180, 320, 3), 90, dtype=np.uint8)
    titled = plain.copy()
    cv2.putText(titled, "What is shown here", (20, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    assert detector.covered_share([plain]) == 0
    assert detector.covered_share([titled]) == pytest.approx(285 * 32 / (180 * 320), rel=0.5)
    assert detector.covered_share([plain, titled, plain]) == 0
    assert TextDetector().covered_share([titled]) == detector.covered_share([titled])


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    with pytest.raises(ConfigError, match=r"quality\.text needs .* pip install densewalk\[text\]"):
        TextDetector()

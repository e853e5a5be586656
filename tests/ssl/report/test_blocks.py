"""Blocks refuse what a page could not show."""

import base64
from pathlib import Path

import numpy as np
import pytest

from densewalk.ssl.report.blocks import Chart, Picture
from densewalk.ssl.show.film import gif_bytes, write_mp4
from densewalk.ssl.show.still import jpeg_bytes, png_bytes

VIDEO = np.zeros((3, 40, 60, 3), np.uint8)


def test_the_format_and_size_of_a_picture_are_read_from_its_bytes(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", VIDEO, fps=5)
    contents = {
        "image/png": png_bytes(VIDEO[0]),
        "image/jpeg": jpeg_bytes(VIDEO[0]),
        "image/gif": gif_bytes(VIDEO, fps=5),
        "video/mp4": (tmp_path / "film.mp4").read_bytes(),
    }
    for media_type, content in contents.items():
        picture = Picture(content=content, alt="black")
        assert picture.media_type == media_type
        assert picture.size_wh == (60, 40)
        head, data = picture.uri.split(",")
        assert head == f"data:{media_type};base64"
        assert base64.b64decode(data) == content


@pytest.mark.parametrize("content", [b"", b"<svg></svg>", b"\x00\x00\x00\x18notamp4"])
def test_other_bytes_are_no_picture(content: bytes) -> None:
    with pytest.raises(ValueError, match="PNG, JPEG, GIF or mp4"):
        Picture(content=content, alt="x")


def test_a_picture_without_words_for_the_blind_is_refused() -> None:
    with pytest.raises(ValueError, match="alternative text"):
        Picture(content=png_bytes(VIDEO[0]), alt="  ")


def test_a_chart_is_svg_markup_only() -> None:
    with pytest.raises(ValueError, match="one <svg> element"):
        Chart(svg="<script>")

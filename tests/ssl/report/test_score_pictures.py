"""Pictures of scores are embedded within a budget, and what is not shown is named."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Chart, Note, Picture
from densewalk.ssl.report.score_pictures import PictureBudget, score_pictures
from densewalk.ssl.show.curves import bars
from densewalk.ssl.show.still import png_bytes

PNG = png_bytes(np.zeros((8, 8, 3), np.uint8))


def scores(**pictures: str) -> Scores:
    return Scores(name="b", subject="s", headline="x", scalars={}, protocol={}, pictures=pictures)


def test_pictures_and_charts_are_shown_in_order_under_their_captions(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.png").write_bytes(PNG)
    (tmp_path / "b" / "two.svg").write_text(bars({"a": 1.0}, label="x"))
    picture, chart = score_pictures(scores(first="b/one.png", second="b/two.svg"), tmp_path, PictureBudget())
    assert isinstance(picture, Picture)
    assert (picture.content, picture.caption, picture.alt) == (PNG, "first", "first")
    assert isinstance(chart, Chart)
    assert chart.caption == "second"


def test_what_exceeds_the_budget_is_named_and_what_follows_may_still_fit(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(PNG + bytes(5000))
    (tmp_path / "small.png").write_bytes(PNG)
    budget = PictureBudget(page_bytes=2 * len(PNG), file_bytes=4000)
    both = scores(large="large.png", small="small.png")
    picture, note = score_pictures(both, tmp_path, budget)
    assert isinstance(picture, Picture)
    assert isinstance(note, Note)
    assert "large.png (0.0 MB)" in note.text
    assert "small.png" not in note.text
    assert len(score_pictures(both, tmp_path, budget)) == 2
    (last,) = score_pictures(both, tmp_path, budget)
    assert "small.png" in last.text


def test_missing_files_and_others_than_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "bad.svg").write_text("<svg><script></script></svg>")
    (note,) = score_pictures(scores(a="gone.png", b="text.png", c="bad.svg"), tmp_path, PictureBudget())
    assert note.tone == "warning"
    for expected in ("gone.png is missing", "text.png: a picture is PNG", "bad.svg: a chart is one <svg>"):
        assert expected in note.text


@pytest.mark.parametrize("place", ["../secret.png", "/etc/passwd", "b/../../secret.png"])
def test_a_picture_outside_the_folder_is_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "scores").mkdir()
    with pytest.raises(BenchmarkError, match="outside"):
        score_pictures(scores(a=place), tmp_path / "scores", PictureBudget())


def test_no_pictures_make_no_blocks(tmp_path: Path) -> None:
    assert score_pictures(scores(), tmp_path, PictureBudget()) == []

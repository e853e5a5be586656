"""What a benchmark leaves beside its numbers can be opened by itself."""

from pathlib import Path
from xml.etree import ElementTree

from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.svg import chart


def test_a_kept_chart_is_a_picture_file_of_its_own(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path)
    notebook.picture("a chart", "chart.svg", chart([], size_wh=(4, 3), about="nothing").encode())
    kept = (tmp_path / "chart.svg").read_text()
    assert ElementTree.fromstring(kept).tag == "{http://www.w3.org/2000/svg}svg"
    check_drawing(kept)


def test_other_pictures_are_kept_byte_for_byte(tmp_path: Path) -> None:
    Notebook(tmp_path).picture("a film", "film.mp4", b"\x00<svg ")
    assert (tmp_path / "film.mp4").read_bytes() == b"\x00<svg "

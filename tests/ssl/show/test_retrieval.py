"""A retrieval sheet marks the query's patch and those that were found where they are."""

import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.ssl.show.retrieval import Match, RetrievalRow, retrieval_sheet

IMAGE = np.full((150, 200, 3), 100, np.uint8)


def frame(sheet: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((sheet == np.array(colour)).all(-1))


def row(*places: tuple[float, float]) -> RetrievalRow:
    matches = tuple(Match(image_HWC=IMAGE, place_xy=place, similarity=0.5, title="dog") for place in places)
    return RetrievalRow(query_HWC=IMAGE, query_xy=(50.0, 80.0), matches=matches, title="query")


def test_frames_lie_around_the_patches() -> None:
    sheet = retrieval_sheet([row((120.0, 60.0))], patch_px=40)
    top, left = 34, 10
    query, found = frame(sheet, (255, 255, 255)), frame(sheet, (92, 225, 255))
    assert np.abs(query.mean(0) - (80 + top, 50 + left)).max() < 1
    assert np.abs(found.mean(0) - (60 + top, 120 + left + 210)).max() < 1
    assert np.ptp(query[:, 0]) == pytest.approx(40, abs=2)


def test_inside_the_frame_the_picture_is_as_it_is_and_elsewhere_dimmed() -> None:
    sheet = retrieval_sheet([row()], patch_px=40)
    assert (sheet[34 + 80, 10 + 50] == 100).all()
    assert (sheet[34 + 10, 10 + 150] == 65).all()


def test_a_patch_at_the_edge_is_cut_there_and_no_rows_are_refused() -> None:
    assert retrieval_sheet([row((0.0, 0.0), (199.0, 149.0))], patch_px=60).shape[0] > 150
    with pytest.raises(DataError):
        retrieval_sheet([], patch_px=10)

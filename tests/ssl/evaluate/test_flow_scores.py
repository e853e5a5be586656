"""Every pair has a row, and every row the same fields."""

from densewalk.ssl.evaluate.flow_scores import pair_rows
from densewalk.ssl.metrics.flow import Share


def test_rows_have_the_fields_of_all_pairs_and_nothing_where_a_pair_has_no_pixel() -> None:
    rows = pair_rows(["a", "b"], [{"EPE": Share(6.0, 3)}, {"EPE": Share(1.0, 1), "s40+": Share(8.0, 2)}])
    assert rows == [{"pair": "a", "EPE": 2.0, "s40+": None}, {"pair": "b", "EPE": 1.0, "s40+": 4.0}]
    assert [list(row) for row in rows] == [["pair", "EPE", "s40+"]] * 2

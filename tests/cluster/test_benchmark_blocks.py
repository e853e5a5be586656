"""Numbers share a table only under one protocol, published ones too, and everything says where it is from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from densewalk.cluster import benchmark_blocks as module
from densewalk.cluster.benchmark_blocks import Entry, benchmark_blocks, benchmark_text
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.reference import Reference
from densewalk.ssl.report.blocks import Block, Fold, Listing, Picture
from densewalk.ssl.report.score_pictures import PictureBudget
from densewalk.ssl.report.table import Table
from densewalk.ssl.show.still import write_png

PROTOCOL = {"query_mode": "first", "num_videos": 30, "tracker": {"upsample": 1}}


@pytest.fixture(autouse=True)
def references(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Publish some rows; none unless asked."""

    def publish(*rows: Reference) -> None:
        monkeypatch.setattr(module, "published", lambda _: rows)

    publish()
    return publish


def entry(subject: str, value: float, folder: Path = Path(), **protocol: object) -> Entry:
    scores = Scores(
        name="tapvid-davis",
        subject=subject,
        headline="AJ",
        scalars={"AJ": value, "OA": 2 * value},
        protocol=PROTOCOL | protocol,
        provenance={"date": "2026-01-01", "evaluated_with": {"torch": "2", "numpy": "3"}},
    )
    return Entry(scores=scores, label=f"{subject} of a run", folder=folder)


def blocks(*entries: Entry) -> list[Block]:
    return benchmark_blocks(entries, budget=PictureBudget())


def tables(found: list[Block]) -> list[Table]:
    return [block for block in found if isinstance(block, Table)]


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in cells] for _, cells in table.shown()]


def test_one_protocol_makes_one_table_without_a_head_and_without_empty_columns() -> None:
    (table,) = tables(blocks(entry("densewalk", 30.0), entry("rgb", 10.0)))
    assert table.title == ""
    assert [column.title for column in table.columns] == ["Subject", "AJ", "OA"]
    assert texts(table) == [["densewalk of a run", "30.0", "60.0"], ["rgb of a run", "10.0", "20.0"]]
    assert [row.role for row in table.rows] == ["ours", "baseline"]


def test_different_protocols_make_tables_that_say_what_sets_them_apart() -> None:
    found = tables(
        blocks(
            entry("densewalk", 30.0),
            entry("rgb", 10.0, query_mode="strided", tracker={"upsample": 4}),
            entry("zero-motion", 5.0),
        )
    )
    assert [table.title for table in found] == [
        "query mode: first; tracker, upsample: 1",
        "query mode: strided; tracker, upsample: 4",
    ]
    assert [[row[0] for row in texts(table)] for table in found] == [
        ["densewalk of a run", "zero-motion of a run"],
        ["rgb of a run"],
    ]


def test_more_differences_than_a_head_can_hold_are_counted() -> None:
    many = {f"setting_{n}": n for n in range(9)}
    titles = [table.title for table in tables(blocks(entry("a", 1.0), entry("b", 2.0, **many)))]
    assert titles[1].startswith("setting 0: 0; ")
    assert titles[1].endswith("; 4 more settings differ")


def test_published_rows_join_the_table_of_their_protocol_only(references: Callable[..., None]) -> None:
    here = Reference(subject="Same", scalars={"AJ": 40.0}, source="Paper 1", protocol={"query_mode": "first"})
    there = Reference(subject="Other", scalars={"AJ": 99.0}, source="Paper 2", protocol={"query_mode": "strided"})
    references(here, there)
    found = blocks(entry("densewalk", 30.0))
    (table,) = tables(found)
    assert texts(table)[1] == ["Same", "40.0", "\N{EN DASH}"]
    assert table.rows[1].role == "published"
    assert table.caption == "Published: Same: Paper 1."
    elsewhere = found[-1]
    assert isinstance(elsewhere, Fold)
    (other,) = tables(list(elsewhere.blocks))
    (row,) = texts(other)
    assert (row[0], row[1], row[-1]) == ("Other", "99.0", "Paper 2")
    assert "strided" in row[-2]
    assert not other.is_compared


def test_a_row_with_a_remark_is_never_shown_as_the_same(references: Callable[..., None]) -> None:
    references(Reference(subject="Vague", scalars={"AJ": 99.0}, source="Paper", remark="resolution unknown"))
    found = blocks(entry("densewalk", 30.0))
    assert [row[0] for row in texts(tables(found)[0])] == ["densewalk of a run"]
    assert "resolution unknown" in texts(tables(list(found[-1].blocks))[0])[0]


def test_protocol_and_provenance_are_there_in_full() -> None:
    folds = [block for block in blocks(entry("densewalk", 30.0)) if isinstance(block, Fold)]
    listings = [inner for fold in folds for inner in fold.blocks if isinstance(inner, Listing)]
    assert ("tracker, upsample", "1") in listings[0].entries
    assert listings[1].title == "densewalk of a run"
    assert dict(listings[1].entries) == {"date": "2026-01-01", "evaluated with": "torch 2, numpy 3"}


def test_pictures_are_read_from_the_folder_of_their_scores(tmp_path: Path) -> None:
    write_png(tmp_path / "tapvid-davis" / "rgb" / "a.png", np.zeros((4, 4, 3), np.uint8))
    own = entry("rgb", 1.0, tmp_path)
    own = replace(own, scores=replace(own.scores, pictures={"A dog": "tapvid-davis/rgb/a.png"}))
    folds = [block for block in blocks(entry("densewalk", 3.0), own) if isinstance(block, Fold)]
    (picture,) = folds[0].blocks
    assert folds[0].summary == "Pictures of rgb of a run"
    assert isinstance(picture, Picture)
    assert picture.caption == "A dog"


def test_a_benchmark_unknown_here_shows_its_headline() -> None:
    own = entry("rgb", 1.0)
    (table,) = tables(blocks(replace(own, scores=replace(own.scores, name="elsewhere"))))
    assert [column.title for column in table.columns] == ["Subject", "AJ"]
    assert benchmark_text("elsewhere") == ""
    assert benchmark_text("tapvid-davis")

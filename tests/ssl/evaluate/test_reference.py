"""Published rows know under which protocol they hold."""

import yaml

from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.reference import _FILE, Reference, published
from densewalk.ssl.evaluate.settings import settings_of


def test_a_row_differs_in_words_wherever_its_settings_are_not_met() -> None:
    row = Reference(subject="x", scalars={}, source="y", protocol={"a.b": 5, "mode": "first"})
    assert row.differs({"a": {"b": 5, "c": 1}, "mode": "first", "more": 2}) == []
    assert row.differs({"a": {"b": 6}, "mode": "first"}) == ["a.b 5 there, 6 here"]
    assert row.differs({"mode": "strided"}) == ["a.b 5 there, None here", "mode 'first' there, 'strided' here"]


def test_a_remark_sets_a_row_apart_from_everything() -> None:
    row = Reference(subject="x", scalars={}, source="y", remark="resolution not stated")
    assert row.differs({}) == ["resolution not stated"]


def test_lists_and_tuples_of_a_protocol_are_the_same() -> None:
    assert Reference(subject="x", scalars={}, source="y", protocol={"size": [2, 3]}).differs({"size": (2, 3)}) == []


def test_every_published_row_can_be_met_unless_it_says_why_not() -> None:
    for benchmark in yaml.safe_load(_FILE.read_text()):
        kind = BENCHMARKS.get(benchmark)
        for row in published(benchmark):
            assert row.source
            assert all(isinstance(value, float | int) for value in row.scalars.values())
            if kind is not None:
                assert set(row.scalars) <= set(kind.columns), (benchmark, row.subject)
                assert row.protocol or row.remark, (benchmark, row.subject)


def test_a_row_under_a_preset_is_met_by_a_measurement_under_it_and_by_no_other_setting() -> None:
    met = 0
    for benchmark, rows in yaml.safe_load(_FILE.read_text()).items():
        for row, reference in zip(rows, published(benchmark), strict=True):
            if "preset" in row:
                settings = settings_of(BENCHMARKS[benchmark].presets[row["preset"]]()) | row.get("protocol", {})
                assert reference.differs(settings) == ([reference.remark] if reference.remark else []), row
                assert reference.differs(settings | {next(iter(settings)): "another"})
                met += 1
    assert met > 10


def test_nothing_is_published_of_an_unknown_benchmark() -> None:
    assert published("elsewhere") == ()

"""The table says mean and spread over seeds, and gains of runs that share a seed."""

import math

import pytest

from densewalk.ssl.ablation import plan_ablation
from densewalk.ssl.ablation.summary import ablation_table, paired_gain, spread
from densewalk.ssl.report.markdown import table_markdown

SCORES = {
    "base CRW": [{"AJ": 1.0, "EPE": 9.0}, {"AJ": 3.0, "EPE": 8.0}],
    "+ label warping": [{"AJ": 11.0, "EPE": 4.0, "shortcut": 0.02}, {"AJ": 14.0, "EPE": 3.0, "shortcut": 0.04}],
}


def test_spread_is_the_sample_standard_deviation() -> None:
    assert (spread([1.0, 3.0]).mean, spread([1.0, 3.0]).sd) == (2.0, pytest.approx(math.sqrt(2)))
    assert math.isnan(spread([5.0]).sd)


def test_gain_pairs_runs_of_one_seed() -> None:
    gain = paired_gain(SCORES["+ label warping"], SCORES["base CRW"], "AJ")
    assert (gain.mean, gain.sd) == (10.5, pytest.approx(math.sqrt(0.5)))


def test_markdown_has_a_line_a_measured_row_best_in_bold_and_the_floor_below() -> None:
    ablation = plan_ablation("gmrw_small")
    table = ablation_table(ablation, SCORES, {"zero-motion": {"AJ": 6.4}}, group=ablation.rows[0].group)
    lines = table_markdown(table).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| base CRW", "| + label warping", "| zero-motion"]
    assert lines[3].split(" | ")[1:5] == ["**12.5 ± 2.1**", "10.5 ± 0.7", "base CRW", "45.3"]
    assert lines[3].endswith("| 3.0 ± 1.4 |"), "the shortcut is in percent"


def test_a_group_shows_the_row_of_another_group_it_is_measured_against() -> None:
    ablation = plan_ablation("gmrw_small")
    scores = {**SCORES, "both directions": [{"AJ": 12.0}, {"AJ": 12.0}]}
    table = ablation_table(ablation, scores, {}, group=ablation.row("both directions").group)
    assert [(row.values[0], row.role) for row in table.rows] == [
        ("+ label warping", "baseline"),
        ("both directions", "plain"),
    ]

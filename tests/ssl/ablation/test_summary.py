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
    table = ablation_table(plan_ablation("gmrw_small"), SCORES, {"zero-motion": {"AJ": 6.4}})
    lines = table_markdown(table).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| base CRW", "| + label warping", "| zero-motion"]
    warped = lines[3].split(" | ")
    assert warped[1] == "**12.5 ± 2.1**"
    assert warped[-3:] == ["base CRW", "10.5 ± 0.7", "45.3 |"]
    assert "3.0 ± 1.4" in lines[3], "the shortcut is in percent"

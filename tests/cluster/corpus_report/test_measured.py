"""What was measured is drawn, what was not is left out."""

from pathlib import Path

from densewalk.cluster.corpus_report.measured import measured_blocks
from densewalk.cluster.corpus_report.survey import SourceSurvey, survey_clips
from densewalk.datasets.shards.index import write_index
from densewalk.ssl.report.blocks import Chart
from densewalk.ssl.report.table import Table
from tests.corpus_rows import a_clip, a_source


def test_only_what_was_measured_is_drawn(tmp_path: Path) -> None:
    clips = [a_clip(a_source(), place, motion=float(place), licence=f"L{place % 2}") for place in range(3)]
    write_index(tmp_path / "index.parquet", clips)
    *charts, licences = measured_blocks(survey_clips(tmp_path), SourceSurvey())
    labels = ["length of a clip, s", "motion, % of the shorter side", "clips by size, px", "clips by frames a second"]
    for chart, label in zip(charts, labels, strict=True):
        assert isinstance(chart, Chart)
        assert label in chart.svg
    assert isinstance(licences, Table)
    assert [row.values[:2] for row in licences.rows] == [("L0", 2), ("L1", 1)]


def test_many_sizes_are_summed_up(tmp_path: Path) -> None:
    clips = [a_clip(a_source(), place, width=2 * place + 2) for place in range(12)]
    write_index(tmp_path / "index.parquet", clips)
    charts = measured_blocks(survey_clips(tmp_path), SourceSurvey())
    (sizes,) = [block for block in charts if isinstance(block, Chart) and "clips by size" in block.svg]
    assert "4 others" in sizes.svg

"""A dataset in a few lines: the numbers are those of the card, the cuts those of the sources."""

import json
from pathlib import Path

from densewalk.cluster.audit import audit
from densewalk.cluster.dataset_summary import describe_audit, describe_cuts
from densewalk.pipelines.records import SourceRow
from densewalk.pipelines.source_table import SOURCES, write_sources


def _source(uri: str, cuts: tuple[int, ...]) -> SourceRow:
    return SourceRow(
        id=uri, uri=f"/videos/{uri}", bytes=1, sha256="0", licence="CC0", container="mp4", codec="h264",
        pixel_format="yuv420p", coded_width=64, coded_height=64, rotation=0, sample_aspect=1.0, width=64, height=64,
        frames=100, fps=10.0, variable_rate=False, start_seconds=0.0, seconds=10.0, fault="", cuts=cuts,
        transition_starts=(), transition_ends=(), clips=1,
    )  # fmt: skip


def test_the_summary_counts_clips_sources_and_reasons(small_dataset: Path) -> None:
    text = describe_audit(audit(small_dataset))
    assert "3 clips of 2 sources" in text
    assert "sources: 3 = " in text
    assert "1 failed" in text
    assert "seconds per clip: 0.5 to 0.5, median 0.5" in text
    assert "sizes: 64x64" in text
    assert "1 source failed: no video stream" in text


def test_found_missed_and_invented_cuts_are_listed_by_frame_and_summed(tmp_path: Path) -> None:
    write_sources(tmp_path / SOURCES, [_source("a.mp4", (10, 40)), _source("b.mp4", (20,)), _source("c.mp4", (5,))])
    truth = tmp_path / "shots.json"
    truth.write_text(json.dumps({"a.mp4": {"hard_cuts": [10, 70]}, "b.mp4": {"hard_cuts": [21]}}))
    strict = describe_cuts(tmp_path, truth, tolerance_frames=0)
    assert "a.mp4: 1 found, 1 missed (70), 1 invented (40)" in strict
    assert "b.mp4: 0 found, 1 missed (21), 1 invented (20)" in strict
    assert "c.mp4" not in strict
    assert "in all: 1 found, 2 missed, 2 invented; precision 33.3%, recall 33.3%, F1 33.3%" in strict
    assert "in all: 2 found, 1 missed, 1 invented" in describe_cuts(tmp_path, truth, tolerance_frames=1)

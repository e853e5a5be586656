"""A dataset in a few lines: the numbers are those of the card, the cuts those of the sources."""

import json
from pathlib import Path

from densewalk.cluster.dataset_summary import describe_audit, describe_cuts
from densewalk.datasets.dataset_card import write_card
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow, write_sources
from tests.cards import card_of
from tests.corpus_rows import a_source, a_source_row


def _source(name: str, cuts: tuple[int, ...], transitions: tuple[tuple[int, int], ...] = ()) -> SourceRow:
    starts, ends = tuple(start for start, _ in transitions), tuple(end for _, end in transitions)
    source = a_source(f"/videos/{name}", name)
    return a_source_row(source, cuts=cuts, transition_starts=starts, transition_ends=ends)


def _write(folder: Path, sources: list[SourceRow]) -> None:
    write_sources(folder / SOURCES, sorted(sources, key=lambda row: row.id))
    write_card(folder, card_of((), (), shard_sha256={}))


def test_the_summary_counts_clips_sources_and_reasons(small_dataset: Path) -> None:
    text = describe_audit(audit(FolderHome(small_dataset)))
    assert "3 clips of 2 sources" in text
    assert "sources: 3 = " in text
    assert "1 failed" in text
    assert "seconds per clip: 0.5 to 0.5, median 0.5" in text
    assert "sizes: 64x64" in text
    assert "1 source failed: no video stream" in text
    assert "played 2 clips" in text


def test_found_missed_and_invented_cuts_are_listed_by_frame_and_summed(tmp_path: Path) -> None:
    sources = [_source("a.mp4", (10, 40)), _source("b.mp4", (20,)), _source("c.mp4", (5,))]
    _write(tmp_path, sources)
    truth = tmp_path / "shots.json"
    truth.write_text(json.dumps({"a.mp4": {"hard_cuts": [10, 70]}, "b.mp4": {"hard_cuts": [21]}}))
    strict = describe_cuts(tmp_path, truth, tolerance_frames=0)
    assert "a.mp4: 1 found, 1 missed (70), 1 invented (40)" in strict
    assert "b.mp4: 0 found, 1 missed (21), 1 invented (20)" in strict
    assert "c.mp4" not in strict
    assert "in all: 1 found, 2 missed, 2 invented; precision 33.3%, recall 33.3%, F1 33.3%" in strict
    assert "in all: 2 found, 1 missed, 1 invented" in describe_cuts(tmp_path, truth, tolerance_frames=1)


def test_transitions_have_a_table_of_their_own_with_how_well_they_agree(tmp_path: Path) -> None:
    sources = [_source("a.mp4", (10,), ((20, 30), (60, 64))), _source("d.mp4", (7,), ((80, 90),))]
    _write(tmp_path, sources)
    truth = tmp_path / "shots.json"
    known = {
        "a.mp4": {"hard_cuts": [10], "gradual": [[25, 35, "fade"], [90, 95, "fade"]]},
        "d.mp4": {"fade_table": "OUT 85, IN 90"},
    }
    truth.write_text(json.dumps(known))
    text = describe_cuts(tmp_path, truth, tolerance_frames=0)
    assert "a.mp4: 1 found, 1 missed (90-95), 1 invented (60-64)" in text
    assert "d.mp4: 1 found, 0 missed, 0 invented" in text
    assert "in all: 2 found, 1 missed, 1 invented; precision 66.7%, recall 66.7%, F1 66.7%;" in text
    assert "mean intersection over union 33.3%" in text
    assert text.count("d.mp4") == 1

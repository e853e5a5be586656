"""One pass over the tables counts every row once and passes over columns that are not there."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.cluster.corpus_report import survey
from densewalk.cluster.corpus_report.survey import survey_clips, survey_sources
from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.index import write_index
from densewalk.pipelines.corpus.source_table import SOURCES, write_sources
from tests.corpus_rows import a_clip, a_source, a_source_row


def test_every_clip_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_ROWS_AT_ONCE", 2)
    source = a_source()
    clips = [
        a_clip(source, place, licence="CC0" if place else "", motion=10.0 if place < 3 else None) for place in range(5)
    ]
    write_index(tmp_path / "index.parquet", clips)
    found = survey_clips(tmp_path)
    assert (found.clips, found.sizes, found.rates) == (5, {"96 x 64": 5}, {"25": 5})
    assert found.licences == {"": 1, "CC0": 4}
    assert found.licence_seconds == pytest.approx({"": 1.0, "CC0": 4.0})
    assert (found.spreads["motion"].values, found.spreads["motion"].missing) == (3, 2)
    assert found.spreads["seconds"].bars().median == 1.0


def test_sources_are_summed_up(tmp_path: Path) -> None:
    rows = [
        a_source_row(a_source(f"/{n}.mp4", str(n)), cuts=(3,) * n, transition_starts=(1,), transition_ends=(2,))
        for n in range(4)
    ]
    write_sources(tmp_path / SOURCES, sorted(rows, key=lambda row: row.id))
    found = survey_sources(tmp_path)
    assert (found.sources, found.frames, found.seconds, found.cuts, found.transitions) == (4, 400, 16.0, 6, 4)


def test_columns_that_an_older_table_lacks_are_passed_over(tmp_path: Path) -> None:
    pq.write_table(pa.table({"frames": [30, 60], "fps": [30.0, 30.0]}), tmp_path / "index.parquet")
    found = survey_clips(tmp_path)
    assert found.clips == 2
    assert found.spreads["seconds"].values == 2
    assert not found.licences
    assert found.spreads["motion"].missing == 2


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    for write in (lambda path: None, lambda path: path.write_bytes(b"PAR1 no")):
        write(tmp_path / "index.parquet")
        with pytest.raises(DataError, match=r"index\.parquet"):
            survey_clips(tmp_path)

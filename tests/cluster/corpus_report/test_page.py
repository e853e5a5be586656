"""The report of a dataset: whole for any dataset, honest about what it cannot show."""

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from densewalk.cluster.corpus_report.page import write_corpus_report
from densewalk.cluster.history import append_run
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import name_verdict
from densewalk.pipelines.corpus.rejects import REJECTED, Rejection, gather_rejected, picture_strip
from densewalk.pipelines.dedup.signed import Duplicate
from densewalk.pipelines.tally import StageTally
from densewalk.ssl.show.still import jpeg_bytes
from tests.corpus_rows import a_clip, a_clip_verdict, a_source
from tests.made_datasets import MadeDataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four sources with three clips each, a name that failed and two candidates that were rejected."""
    source = a_source("/videos/<b>dark.mp4", "dark")
    rejected = [a_clip_verdict(a_clip(source, place), source.uri, "frozen") for place in range(2)]
    failed = name_verdict("https://host/x", "failed", "HTTP 404", "gone")
    return MadeDataset(sources=4, clips=3, verdicts=(failed, *rejected)).write(tmp_path / "corpus")


def _reject(dataset: Path, *rejections: tuple[str, str]) -> None:
    """Put candidates with a reason and a detail into rejected.tar."""
    from densewalk.pipelines.corpus import rejects

    sample = rejects._Sample(9)
    strip = jpeg_bytes(picture_strip([np.full((64, 96, 3), 90, np.uint8)] * 3))
    for number, (reason, detail) in enumerate(rejections):
        facts = {"key": f"k{number}", "source_id": "s", "uri": f"/v/{number}.mp4", "outcome": "rejected"}
        sample.offer(
            Rejection(**facts, reason=reason, detail=detail, start_seconds=0.0, end_seconds=1.0), lambda: strip
        )
    rejects.write_shard(dataset / REJECTED, sample.members())


def test_a_dataset_has_its_page(dataset: Path) -> None:
    (key, *_) = [row.key for row in _rows(dataset)]
    twin = Duplicate(key="k1", of=key, similarity=0.9, offset_seconds=0.1, kind="near")
    _reject(dataset, ("frozen", "frozen_seconds 3"), ("near-duplicate", twin.refusal().detail))
    append_run(
        dataset,
        started=datetime(2026, 11, 22, tzinfo=UTC),
        seconds=5.0,
        command=["densewalk", "prepare", "x"],
        engine="ray",
        cpus=2,
        tallies={"decode": StageTally(taken=4, given=4, ended=Counter(failed=1), seconds=3.0)},
        result=None,
    )
    page = write_corpus_report(dataset)
    assert page == dataset / "report.html"
    text = page.read_text()
    sections = ("From sources to clips", "What is in it", "What was rejected", "What shows the same", "Shots", "Motion")
    for section in (*sections, "In numbers", "What it cost", "Configuration"):
        assert f"<h2>{section}</h2>" in text
    assert text.count("<img ") == 1 + 1 + 1 + 4 + 1
    for words in (
        "12 clips cut from 4 sources",
        "HTTP 404",
        "frozen: 2 candidates",
        "broken off",
        "densewalk prepare x",
    ):
        assert words in text
    assert "<b>dark" not in text
    assert "cannot be shown" not in text


def _rows(dataset: Path) -> list:
    from densewalk.datasets.shards.index import read_index

    return read_index(dataset / "index.parquet")


def test_the_page_of_equal_datasets_is_equal(dataset: Path) -> None:
    first = write_corpus_report(dataset).read_bytes()
    assert write_corpus_report(dataset).read_bytes() == first


def test_without_clips_runs_and_pictures_it_says_so(tmp_path: Path) -> None:
    empty = MadeDataset(sources=0, clips=0).write(tmp_path / "empty")
    (empty / "config.yaml").unlink()
    text = write_corpus_report(empty).read_text()
    for words in (
        "holds no clips",
        "Nothing failed and nothing was rejected",
        "no <code>runs.jsonl</code>",
        "no config",
    ):
        assert words in text
    assert "<img " not in text


def test_one_clip_is_enough(tmp_path: Path) -> None:
    text = write_corpus_report(MadeDataset(sources=1, clips=1).write(tmp_path / "one")).read_text()
    assert "1 clip cut from 1 source:" in text
    assert text.count("<img ") == 3


def test_shards_that_lie_elsewhere_are_missed_in_pictures_only(dataset: Path) -> None:
    shutil.rmtree(dataset / "shards")
    text = write_corpus_report(dataset).read_text()
    assert "The shards are not in this folder" in text
    assert "In numbers" in text
    assert "Motion" not in text


def test_a_damaged_clip_costs_its_picture_only(dataset: Path) -> None:
    for shard in (dataset / "shards").iterdir():
        shard.write_bytes(shard.read_bytes()[:600])
    text = write_corpus_report(dataset).read_text()
    assert text.count("cannot be shown") == 3
    assert "In numbers" in text


def test_damaged_pictures_cost_their_section_only(dataset: Path) -> None:
    (dataset / REJECTED).write_bytes(b"nothing" * 200)
    text = write_corpus_report(dataset).read_text()
    assert text.count("cannot be shown") == 1


def test_kept_twins_that_are_gone_are_said(dataset: Path) -> None:
    gone = Duplicate(key="k0", of=f"{'0' * 20}-0000000-0000025", similarity=0.9, offset_seconds=0.0, kind="exact")
    _reject(dataset, ("exact duplicate", gone.refusal().detail))
    assert "no longer in this dataset" in write_corpus_report(dataset).read_text()


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a dataset folder"):
        write_corpus_report(tmp_path)
    gather_rejected(tmp_path / REJECTED, [])
    assert not (tmp_path / "report.html").exists()

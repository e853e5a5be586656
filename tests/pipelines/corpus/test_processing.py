"""Whole preparations without videos: who is asked again, what is kept over interruptions, memory."""

import gc
import tracemalloc
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from densewalk.datasets import row_tables
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import PURGED, Verdict, ledger_order, name_verdict, source_verdict
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.commit import Change, commit
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.prepare import PrepareResult, prepare
from densewalk.pipelines.corpus.processing import PrepareProgress
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.engine import KILLED
from densewalk.pipelines.recipe import PrepareConfig
from tests.corpus_rows import a_source
from tests.pipelines.corpus.stub_engine import StubEngine

CONFIG = PrepareConfig(dedup=DedupConfig(near=False))
HOST = "https://host/"


@dataclass
class Desk:
    """A list of sources, a dataset and an engine."""

    root: Path
    engine: StubEngine = field(default_factory=StubEngine)

    def prepare(self, names: Sequence[str], **settings: object) -> PrepareResult:
        """Prepare the named sources; the engine remembers what it was asked for in this call only."""
        self.engine.asked.clear()
        with (self.root / "list.txt").open("w") as file:
            file.writelines(f"{name}\n" for name in names)
        return prepare([f"list:{self.root}/list.txt"], FolderHome(self.root / "D"), CONFIG, self.engine, **settings)

    @property
    def rows(self) -> dict[str, tuple[str, str, int]]:
        """Outcome, reason and attempt of each source."""
        rows = (row for row in Tables(self.root / "D").verdicts() if row.kind == "source")
        return {row.uri.rpartition("/")[2]: (row.outcome, row.reason, row.attempt) for row in rows}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_remote_sources_are_asked_for_once_and_again_when_somebody_says_so(desk: Desk) -> None:
    names = [f"{HOST}a.made", f"{HOST}b.gone", f"{HOST}c.host_busy", f"{HOST}d.made"]
    first = desk.prepare(names)
    assert (first.sources, first.written, first.failed) == (4, 2, 2)
    assert desk.prepare([*names, f"{HOST}e.made"]).new_clips == 1
    assert desk.engine.asked == [f"{HOST}e.made"]
    result = desk.prepare(names, retry=Retry(reason="host"))
    assert (result.sources, result.failed, result.clips) == (1, 1, 3)
    assert desk.engine.asked == [f"{HOST}c.host_busy"]
    assert desk.rows["c.host_busy"] == ("failed", "host busy", 2)
    desk.prepare(names)
    assert desk.rows["c.host_busy"] == ("failed", "host busy", 2)
    assert desk.prepare(names, retry=Retry()).sources == 2
    assert desk.rows["b.gone"] == ("failed", "gone", 2)


def test_nothing_that_failed_is_nothing_to_retry(desk: Desk) -> None:
    desk.prepare([f"{HOST}a.made"])
    result = desk.prepare([f"{HOST}a.made"], retry=Retry())
    assert (result.sources, result.clips, desk.engine.asked) == (0, 1, [])


def test_an_interrupted_preparation_asks_again_for_what_failed_for_the_moment_only(desk: Desk) -> None:
    names = [f"{HOST}a.made", f"{HOST}b.gone", f"{HOST}c.host_busy", f"{HOST}d.killed_its_worker", f"{HOST}e.made"]

    def stop(step: PrepareProgress) -> None:
        if step.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.prepare(names, progress=stop)
    result = desk.prepare(names)
    assert desk.engine.asked == [f"{HOST}c.host_busy", f"{HOST}e.made"]
    assert (result.sources, result.written, result.failed) == (5, 2, 3)


def test_a_source_that_took_workers_down_with_one_of_its_reels_is_in_the_ledger_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts come by reel; clips that are staged of other reels are not written; a retry makes it whole."""
    honest = StubEngine.run

    def run(self: StubEngine, *args: object, **settings: object) -> Iterator[object]:
        for result in honest(self, *args, **settings):  # type: ignore[arg-type]
            yield result
            if not isinstance(result, Verdict) and "a.made" in result.source.uri:
                yield from [source_verdict(result.source, "failed", KILLED, "3 times")] * 2

    with monkeypatch.context() as patch:
        patch.setattr(StubEngine, "run", run)
        result = desk.prepare([f"{HOST}a.made", f"{HOST}b.made"])
    assert (result.written, result.failed, result.clips) == (1, 1, 1)
    assert desk.rows["a.made"] == ("failed", KILLED, 1)
    assert desk.prepare([f"{HOST}a.made", f"{HOST}b.made"]).clips == 1
    assert desk.prepare([f"{HOST}a.made", f"{HOST}b.made"], retry=Retry(reason=KILLED)).clips == 2
    assert desk.rows["a.made"] == ("written", "", 2)


def test_a_copy_of_a_file_that_was_killed_unread_is_made_in_its_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first name was put down before its worker died; nobody knows that its content is that of the copy."""
    honest = StubEngine.run

    def run(self: StubEngine, *args: object, **settings: object) -> Iterator[object]:
        for result in honest(self, *args, **settings):  # type: ignore[arg-type]
            uri = result.uri if isinstance(result, Verdict) else result.source.uri
            yield name_verdict(uri, "failed", KILLED, "") if uri.endswith("first") else result

    monkeypatch.setattr(StubEngine, "run", run)
    last: list[PrepareProgress] = []
    result = desk.prepare([f"{HOST}a.made.first", f"{HOST}a.made.second"], progress=last.append)
    assert (result.written, result.failed, result.clips) == (1, 1, 1)
    assert desk.rows["a.made.second"] == ("written", "", 1)
    assert [(step.done, step.total) for step in last if step.phase == "sources"][-1] == (2, 2)


def test_what_was_purged_stays_out_under_any_name(desk: Desk) -> None:
    desk.prepare([f"{HOST}a.made", f"{HOST}b.made"])
    tables = Tables(desk.root / "D")
    gone = a_source(f"{HOST}a.made", "a")
    unheard = name_verdict(f"{HOST}c.made", "purged", PURGED, "asked for")
    left = [row for row in tables.verdicts() if row.source_id != gone.id]
    rows = [*left, source_verdict(gone, "purged", PURGED), unheard]
    change = Change(
        sources=[row for row in tables.sources() if row.id != gone.id],
        verdicts=sorted(rows, key=ledger_order),
        clips=[row for row in tables.clips() if row.source_id != gone.id],
        signatures=[signed for signed in tables.signatures() if not signed.key.startswith(gone.id)],
        tombstones=[],
        recipe_hash=tables.card.recipe_hash,
        shard_sha256=tables.shard_sha256,
    )
    commit(desk.root / "D", change)
    result = desk.prepare([f"{HOST}{name}" for name in ("a.made", "b.made", "c.made", "a.made.again", "b.made.again")])
    assert desk.engine.asked == [f"{HOST}a.made.again", f"{HOST}b.made.again"]
    assert (result.sources, result.written, result.rejected, result.purged, result.clips) == (5, 1, 1, 3, 1)
    assert desk.rows["a.made.again"] == desk.rows["a.made"] == desk.rows["c.made"] == ("purged", PURGED, 1)


def test_progress_counts_what_needs_no_work_as_done_before(desk: Desk) -> None:
    desk.prepare([f"{HOST}a.made", f"{HOST}b.gone"])
    steps: list[PrepareProgress] = []
    desk.prepare([f"{HOST}{name}" for name in ("a.made", "b.gone", "c.made", "d.gone")], progress=steps.append)
    seen = [(step.done_before, step.done, step.total, step.failed, step.clips) for step in steps[1:3]]
    assert seen == [(2, 3, 4, 0, 1), (2, 4, 4, 1, 1)]


def test_a_dataset_of_a_newer_schema_is_refused_before_anything_is_done(desk: Desk) -> None:
    desk.prepare([f"{HOST}a.made"])
    card = desk.root / "D" / "dataset.json"
    card.write_text(card.read_text().replace('"schema": 1', '"schema": 2'))
    before = {path: path.stat().st_mtime_ns for path in (desk.root / "D").rglob("*")}
    with pytest.raises(DataError, match="upgrade densewalk"):
        desk.prepare([f"{HOST}b.made"])
    assert desk.engine.asked == []
    assert before == {path: path.stat().st_mtime_ns for path in (desk.root / "D").rglob("*")}


def _peak(desk: Desk, names: Sequence[str]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        desk.prepare(names)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while sources are worked on nor while a ledger of as many is taken up; one in a hundred has a clip."""
    monkeypatch.setattr(row_tables, "_ROWS_AT_ONCE", 500)
    peaks: list[tuple[int, int]] = []
    for count in (1_000, 8_000):
        (tmp_path / f"{count}").mkdir()
        desk = Desk(tmp_path / f"{count}")
        desk.engine.asked = deque(maxlen=1)
        names = [f"{HOST}{number:06d}.{'gone' if number % 100 else 'made'}" for number in range(count)]
        peaks.append((_peak(desk, names), _peak(desk, names)))
        assert desk.prepare(names).written == count // 100
    for small, large in zip(*peaks, strict=True):
        assert large - small < 2 << 20, peaks

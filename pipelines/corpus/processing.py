"""Running the chain over the sources of a preparation, taking up what an interrupted one has staged."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from densewalk.datasets.ledger import Verdict, source_verdict
from densewalk.pipelines.chain import Folders, corpus_stages
from densewalk.pipelines.corpus.accounting.books import Books
from densewalk.pipelines.corpus.accounting.journal import Journal
from densewalk.pipelines.corpus.admission import Admission, write_known
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.corpus.workplace import Workplace
from densewalk.pipelines.engine import KILLED, Engine
from densewalk.pipelines.fetch.faults import TERMINAL
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Staged
from densewalk.pipelines.stages.fetch import is_remote

__all__ = ["PrepareProgress", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareProgress:
    """How far a preparation is."""

    phase: str
    """`sources` or `pack`."""
    done: int
    total: int
    """Sources in `sources`, 1 in `pack`."""
    failed: int = 0
    rejected: int = 0
    clips: int = 0
    """Clips made so far in this run."""
    uri: str = ""
    """The source that was done last."""
    video_seconds: float = 0.0
    """Video decoded and staged so far in this run."""
    done_before: int = 0
    """Sources that needed no work: the dataset or an interrupted run has them."""


def process(
    books: Books,
    journal: Journal,
    work: Workplace,
    config: PrepareConfig,
    *,
    engine: Engine,
    progress: Callable[[PrepareProgress], None],
) -> None:
    """Bring every source of the books to its end and note it there.

    What a repeated command would come to again is kept for it: verdicts on content with what is staged, those of hosts
    that mean it and those on what killed its workers in `journal`.
    """
    staging = Staging(work.staged)
    admission = Admission(work.scratch / "known.bin", work.scratch / "claims", staging)
    write_known(admission.known, books.known_ids())
    counts = _Counts(books, progress)
    number = 0
    while books.num_waiting(number):
        folders = Folders(work.fetched, work.scratch)
        stages = corpus_stages(config, folders, admission, all_local=books.all_local(number))
        results = engine.run(stages, books.waiting(number), notes=work.attempts)
        try:
            for result in results:
                _note(result, books, staging, journal)
                counts.tell(result)
        finally:
            if isinstance(results, Generator):
                results.close()
        number += 1
        for content in books.reopen_orphans(number):
            admission.forget(content)
        counts.reopen(books.num_waiting(number))


def _note(result: Staged | Verdict, books: Books, staging: Staging, journal: Journal) -> None:
    if isinstance(result, Staged):
        books.end(source_verdict(result.source, "written"))
        return
    books.end(result)
    if not result.is_of_name:
        if result.outcome != "written":
            staging.put_verdict(result, books.name_of(result.uri))
    elif result.reason == KILLED or (result.reason in TERMINAL and is_remote(result.uri)):
        journal.put(books.name_of(result.uri), result)


class _Counts:
    """Counts sources as they end."""

    def __init__(self, books: Books, report: Callable[[PrepareProgress], None]) -> None:
        total = books.num_sources()
        done = total - books.num_waiting(0)
        self._now = PrepareProgress(phase="sources", done=done, total=total, done_before=done)
        self._report = report
        report(self._now)

    def tell(self, result: Staged | Verdict) -> None:
        now = self._now
        if isinstance(result, Staged):
            self._now = replace(
                now,
                done=now.done + result.is_last,
                clips=now.clips + result.num_clips,
                video_seconds=now.video_seconds + result.seconds,
                uri=result.source.uri,
            )
        else:
            self._now = replace(
                now,
                done=now.done + 1,
                failed=now.failed + (result.outcome == "failed"),
                rejected=now.rejected + (result.outcome == "rejected"),
                uri=result.uri,
            )
        self._report(self._now)

    def reopen(self, count: int) -> None:
        """Take back that so many copies were done."""
        self._now = replace(self._now, done=self._now.done - count, rejected=self._now.rejected - count)

"""Running the chain over the sources of a preparation, taking up what an interrupted one has staged."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.chain import Folders, corpus_stages
from densewalk.pipelines.corpus.admission import Admission, write_known
from densewalk.pipelines.corpus.closing import SourceOutcome, whole_source
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.corpus.workplace import Workplace
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Entry, Staged
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


def process(
    entries: Sequence[Entry],
    work: Workplace,
    config: PrepareConfig,
    engine: Engine,
    *,
    homes: Mapping[str, Verdict],
    progress: Callable[[PrepareProgress], None],
) -> tuple[list[SourceOutcome], list[Verdict]]:
    """Bring every source to its end; return those that were staged and the verdicts on all others.

    `homes` are the rows of content that the dataset holds already, by its id.
    """
    staging = Staging(work.staged)
    admission = Admission(work.scratch / "known.bin", work.scratch / "claims", staging)
    write_known(admission.known, homes)
    names = {e.uri: staged_name(e.uri, e.licence or config.licence, e.label, e.segments) for e in entries}
    left, staged, verdicts = _without_remote(entries, names, staging, homes)
    books = _Progress(len(entries), len(entries) - len(left), progress)
    results = engine.run(corpus_stages(config, Folders(work.fetched, work.scratch), admission), left)
    try:
        for result in results:
            if isinstance(result, Staged):
                staged.add((result.source.id, result.source.uri))
            elif result.outcome == "written":
                staged.add((result.source_id, result.uri))
            else:
                verdicts.append(result)
                if not result.is_of_name:
                    staging.put_verdict(result, names[result.uri])
            books.tell(result)
    finally:
        if isinstance(results, Generator):
            results.close()
    ended = {verdict.uri for verdict in verdicts}
    outcomes, late = _staged_outcomes(staging, {pair for pair in staged if pair[1] not in ended}, names)
    return outcomes, verdicts + late


def _staged_outcomes(
    staging: Staging, staged: set[tuple[str, str]], names: Mapping[str, str]
) -> tuple[list[SourceOutcome], list[Verdict]]:
    """Read what is staged of sources, given by id and uri; `names` are what it is staged under, by uri."""
    outcomes: list[SourceOutcome] = []
    verdicts: list[Verdict] = []
    for source_id, uri in sorted(staged):
        outcome = staging.outcome(source_id, names[uri])
        if outcome is None:
            raise RuntimeError(f"{uri} left the last stage but is not staged in {staging.folder}")
        if isinstance(outcome, Verdict):
            verdicts.append(outcome)
        else:
            outcomes.append(whole_source(outcome))
    return outcomes, verdicts


def _without_remote(
    entries: Sequence[Entry], names: Mapping[str, str], staging: Staging, homes: Mapping[str, Verdict]
) -> tuple[list[Entry], set[tuple[str, str]], list[Verdict]]:
    """Part entries that need work from remote ones that are staged or in the dataset and are not fetched again.

    Local files always go through, since only their content tells whether they are the same as before.
    """
    rows = {home.uri: home for home in homes.values()}
    staged_names = staging.names()
    left: list[Entry] = []
    staged: set[tuple[str, str]] = set()
    verdicts: list[Verdict] = []
    for entry in entries:
        source_id = staged_names.get(names[entry.uri])
        if not is_remote(entry.uri):
            left.append(entry)
        elif (home := rows.get(entry.uri)) is not None:
            verdicts.append(home)
        elif source_id is not None and staging.holds(source_id, names[entry.uri]):
            staged.add((source_id, entry.uri))
        else:
            left.append(entry)
    return left, staged, verdicts


class _Progress:
    """Counts sources as they end."""

    def __init__(self, total: int, done: int, report: Callable[[PrepareProgress], None]) -> None:
        self._total, self._done, self._report = total, done, report
        self._failed = self._rejected = self._clips = 0

    def tell(self, result: Staged | Verdict) -> None:
        if isinstance(result, Staged):
            self._clips += result.num_clips
            self._done += result.is_last
        else:
            self._done += 1
            self._failed += result.outcome == "failed"
            self._rejected += result.outcome == "rejected"
        self._report(
            PrepareProgress(
                phase="sources",
                done=self._done,
                total=self._total,
                failed=self._failed,
                rejected=self._rejected,
                clips=self._clips,
                uri=result.source.uri if isinstance(result, Staged) else result.uri,
            )
        )

"""Preparing a corpus: sources in, a dataset out, every source accounted for.

    entries -> fetch ... stow (an engine runs the chain) -> close the books -> near-duplicates -> pack -> commit

Each reel is staged as soon as it is done; repeating a command that was interrupted skips what is staged, and one that
was finished finds nothing to do. Given more sources, a dataset grows by new shards. The result is a function of the
sources and the configuration, not of the engine, the order of completion or interruptions. Rows of any number pass
through tables on disk, so memory does not grow with the corpus.

What the ledger says of a source stands: a remote one is not fetched again, whatever became of it, and content that
failed is not decoded again, until a `Retry` asks for it. Only a command that was interrupted tries again what it has
not brought to an end, and fetches that failed for the moment belong to that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.accounting.accounts import Accounts
from densewalk.pipelines.corpus.accounting.books import Books
from densewalk.pipelines.corpus.accounting.journal import Journal
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.commit import commit
from densewalk.pipelines.corpus.growth import grown, harvest_staged, pack_harvest
from densewalk.pipelines.corpus.harvest import Harvest
from densewalk.pipelines.corpus.held_out_films import shown_held_out
from densewalk.pipelines.corpus.homes.home import CONFIG, Home
from densewalk.pipelines.corpus.processing import PrepareProgress, process
from densewalk.pipelines.corpus.shard_names import next_number
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.corpus.workplace import Workplace, held
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.recipe import PrepareConfig, check_config, check_recipe, recipe_hash
from densewalk.pipelines.records import Entry
from densewalk.pipelines.scratch_tables import scratch_faults
from densewalk.pipelines.sources import read_entries

__all__ = ["CorpusPlan", "PrepareResult", "plan_corpus", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPlan:
    """What a preparation would do."""

    num_sources: int
    num_refused: int
    """Sources that are not looked at, such as absent files, broken rows and other file names."""
    num_clips_before: int
    """Clips the dataset folder holds already."""
    recipe_hash: str
    stages: tuple[str, ...]
    """Names and versions of the stages in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareResult:
    """What became of the sources handed in: `sources == written + rejected + failed + purged`."""

    folder: Path
    sources: int
    written: int
    rejected: int
    failed: int
    purged: int
    """Sources whose content was removed from the dataset before and stays out."""
    new_clips: int
    clips: int
    """Clips in the dataset now."""
    reasons: dict[str, int]
    """Sources that were not written, by reason."""


def plan_corpus(specs: Sequence[str], home: Home, config: PrepareConfig) -> CorpusPlan:
    """Say what `prepare` would do, changing nothing; raises for wrong sources and another configuration.

    Of a dataset in a bucket it says what the work folder knows.
    """
    _check(home.folder, config)
    num_sources = num_refused = 0
    for entry in _entries(specs, home.folder, config):
        num_sources += 1
        num_refused += entry.refusal is not None
    before = Tables(home.folder)
    versions = stage_versions(config)
    return CorpusPlan(
        num_sources=num_sources,
        num_refused=num_refused,
        num_clips_before=before.card.num_clips if before.is_finished else 0,
        recipe_hash=recipe_hash(config, versions),
        stages=tuple(f"{name} v{version}" for name, version in versions.items()),
    )


def prepare(
    specs: Sequence[str],
    home: Home,
    config: PrepareConfig,
    engine: Engine,
    progress: Callable[[PrepareProgress], None] = lambda _: None,
    *,
    retry: Retry | None = None,
) -> PrepareResult:
    """Make or extend the dataset at `home` from everything that `specs` and `config.sources` name.

    With a `retry` only those of them are worked on whose row in the ledger it chooses; all other rows stay.

    Raises `DataError` when there is no source or another process prepares into the home, `ConfigError` when it cannot
    be written, is something else or was made with another configuration (the difference is named), or there is nothing
    that failed for the reason of the retry. What an interruption leaves behind is used when the call is repeated.
    """
    _check(home.folder, config)
    entries = _entries(specs, home.folder, config)
    with held(home, recipe_hash(config, stage_versions(config))) as work:
        _check(home.folder, config)
        if retry is not None and not Tables(home.folder).is_finished:
            raise ConfigError(f"{home.name} was never finished, so nothing of it has failed; leave out --retry")
        for _ in shown_held_out(work, config):
            pass  # a path that cannot be used is known before weeks of work, not after
        if not (home.folder / CONFIG).is_file():
            write_text(home.folder / CONFIG, to_yaml(config))
        with (
            scratch_faults(work.scratch),
            Books(work.scratch / "books.sqlite") as books,
            Journal(work.staged / "names.jsonl") as journal,
            Harvest(work.scratch / "harvest.sqlite") as harvest,
        ):
            books.open_ledger(Tables(home.folder).source_verdicts())
            books.open_staged(Staging(work.staged), journal)
            books.enter(entries, licence=config.licence, retry=retry)
            process(books, journal, work, config, engine=engine, progress=progress)
            progress(PrepareProgress(phase="pack", done=0, total=1))
            result = _grow(home, work, config, books, harvest)
        progress(PrepareProgress(phase="pack", done=1, total=1))
    return result


def _grow(home: Home, work: Workplace, config: PrepareConfig, books: Books, harvest: Harvest) -> PrepareResult:
    """Close the books, put what is new into the dataset and publish it."""
    before = Tables(home.folder)
    accounts = Accounts(books)
    harvest_staged(books, accounts, harvest, Staging(work.staged))
    harvest.drop_duplicates(
        before.signatures(),
        shown_held_out(work, config),
        before.tombstones(),
        work=work.scratch,
        config=config.dedup,
    )
    accounts.close(harvest.source_verdicts())
    first = next_number(before.shard_sha256)
    shards = pack_harvest(harvest, work, config.pack, first_number=first, on_shard=home.keep_shard)
    recipe = recipe_hash(config, stage_versions(config))
    card = commit(home.folder, grown(before, accounts, harvest, work, recipe_hash=recipe, new_shards=shards))
    home.publish(frozenset(card.shard_sha256))
    return PrepareResult(
        folder=home.folder,
        sources=books.num_sources(),
        **accounts.counts(),
        new_clips=harvest.num_clips,
        clips=card.num_clips,
        reasons=accounts.reasons(),
    )


def _check(folder: Path, config: PrepareConfig) -> None:
    """Raise for a dataset of a newer schema, of another configuration or of other versions of the stages."""
    check_config(folder / CONFIG, config)
    before = Tables(folder)
    if before.is_finished:
        check_recipe(folder, before.card.recipe_hash, config, stage_versions(config))


def _entries(specs: Sequence[str], out: Path, config: PrepareConfig) -> Iterator[Entry]:
    """List the sources, without the files of the dataset itself when it lies among them."""
    own = out.absolute()
    entries = read_entries((*specs, *config.sources), config.fetch.storage)
    foreign = (entry for entry in entries if not _lies_in(entry.uri, own))
    first = next(foreign, None)
    if first is None:
        raise DataError(f"no source at all in {', '.join((*specs, *config.sources)) or 'no specification'}")
    return chain([first], foreign)


def _lies_in(uri: str, folder: Path) -> bool:
    return uri.startswith("/") and Path(uri).is_relative_to(folder)

"""Preparing a corpus: sources in, a dataset folder out, every source accounted for.

    entries -> fetch ... stow (an engine runs the chain) -> close the books -> near-duplicates -> pack -> commit

Each reel is staged as soon as it is done; repeating a command that was interrupted skips what is staged, and one that
was finished finds nothing to do. Given more sources, a dataset grows by new shards. The result is a function of the
sources and the configuration, not of the engine, the order of completion or interruptions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import DataError
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.accounts import Accounts
from densewalk.pipelines.corpus.closing import settle
from densewalk.pipelines.corpus.commit import commit, read_state
from densewalk.pipelines.corpus.growth import extended, grown_signatures, shown_held_out, without_duplicates
from densewalk.pipelines.corpus.pack import drop_strays
from densewalk.pipelines.corpus.processing import PrepareProgress, process
from densewalk.pipelines.corpus.workplace import CONFIG, held
from densewalk.pipelines.dedup.signature_table import SIGNATURES, read_signatures
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.recipe import PrepareConfig, check_config, check_recipe, recipe_hash
from densewalk.pipelines.records import Entry
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


def plan_corpus(specs: Sequence[str], out: Path, config: PrepareConfig) -> CorpusPlan:
    """Say what `prepare` would do, changing nothing; raises for wrong sources and another configuration."""
    entries = _entries(specs, out, config)
    versions = stage_versions(config)
    check_config(out / CONFIG, config)
    before = read_state(out)
    check_recipe(out, before.recipe_hash, config, versions)
    return CorpusPlan(
        num_sources=len(entries),
        num_refused=sum(entry.refusal is not None for entry in entries),
        num_clips_before=len(before.clips),
        recipe_hash=recipe_hash(config, versions),
        stages=tuple(f"{name} v{version}" for name, version in versions.items()),
    )


def prepare(
    specs: Sequence[str],
    out: Path,
    config: PrepareConfig,
    engine: Engine,
    progress: Callable[[PrepareProgress], None] = lambda _: None,
) -> PrepareResult:
    """Make or extend the dataset folder `out` from everything that `specs` and `config.sources` name.

    Raises `DataError` when there is no source or another process prepares into `out`, `ConfigError` when `out` cannot
    be written, is something else or was made with another configuration (the difference is named). What an interruption
    leaves behind is used when the call is repeated.
    """
    entries = _entries(specs, out, config)
    versions = stage_versions(config)
    check_config(out / CONFIG, config)
    recipe = recipe_hash(config, versions)
    with held(out, recipe) as work:
        before = read_state(out)
        check_recipe(out, before.recipe_hash, config, versions)
        for _ in shown_held_out(work, config):
            pass  # a path that cannot be used is known before weeks of work, not after
        if not (out / CONFIG).is_file():
            write_text(out / CONFIG, to_yaml(config))
        homes = {v.id: v for v in before.verdicts if v.kind == "source" and not v.is_of_name}
        ended, verdicts = process(entries, work, config, engine, homes=homes, progress=progress)
        kept, rows = settle(ended, verdicts, homes)
        progress(PrepareProgress(phase="pack", done=0, total=1))
        kept = without_duplicates(
            kept,
            read_signatures(out / SIGNATURES),
            shown_held_out(work, config),
            work=work.scratch,
            config=config.dedup,
        )
        rows += [outcome.verdict for outcome in kept]
        accounts = Accounts.close([entry.uri for entry in entries], before.verdicts, rows)
        after = extended(before, accounts, kept, work, config, recipe=recipe)
        if after != before:
            commit(out, work.ready, after, grown_signatures(out, kept))
        drop_strays(out, after.clips)
        progress(PrepareProgress(phase="pack", done=1, total=1))
    return PrepareResult(
        folder=out,
        sources=len(entries),
        **accounts.counts(),
        new_clips=len(after.clips) - len(before.clips),
        clips=len(after.clips),
        reasons=accounts.reasons(),
    )


def _entries(specs: Sequence[str], out: Path, config: PrepareConfig) -> list[Entry]:
    """List the sources, without the files of the dataset itself when it lies among them."""
    own = out.absolute()
    entries = [
        entry for entry in read_entries((*specs, *config.sources), config.fetch.storage) if not _lies_in(entry.uri, own)
    ]
    if not entries:
        raise DataError(f"no source at all in {', '.join((*specs, *config.sources)) or 'no specification'}")
    return entries


def _lies_in(uri: str, folder: Path) -> bool:
    return uri.startswith("/") and Path(uri).is_relative_to(folder)

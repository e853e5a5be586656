"""Preparing a corpus: files in, a dataset folder out, every file accounted for.

    scan -> ingest -> duplicates -> decode -> shots -> clips -> pack -> commit

An engine runs ingest and the stages from decode to clips. Each source is staged as soon as it is done; repeating a
command that was interrupted skips what is staged, and one that was finished finds nothing to do. Given more files, a
dataset grows by new shards. The result is a function of the files and the configuration, not of the engine, the order
of completion or interruptions.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.manifest import Found, scan
from densewalk.datasets.records import Source
from densewalk.pipelines.accounts import Accounts, resolve_duplicates
from densewalk.pipelines.commit import State, commit, read_state
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.pack import drop_strays, pack_shards
from densewalk.pipelines.recipe import STAGE_VERSIONS, PrepareConfig, check_config, check_recipe, recipe_hash
from densewalk.pipelines.stages.clips import Clips
from densewalk.pipelines.stages.decode import Decode
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.shots import Shots
from densewalk.pipelines.staging import SourceOutcome, read_outcome, stage, staged_path
from densewalk.pipelines.workplace import CONFIG, Workplace, held

__all__ = ["CorpusPlan", "PrepareConfig", "PrepareProgress", "PrepareResult", "plan_corpus", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPlan:
    """What a preparation would do."""

    num_files: int
    num_videos: int
    """Files whose name is a video's."""
    num_clips_before: int
    """Clips the dataset folder holds already."""
    recipe_hash: str
    stages: tuple[str, ...]
    """Names and versions of the stages in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareProgress:
    """How far a preparation is."""

    phase: str
    """`ingest`, `sources` or `pack`."""
    done: int
    total: int
    """Files in `ingest`, sources of new content in `sources`, 1 in `pack`."""
    failed: int = 0
    rejected: int = 0
    clips: int = 0
    """Clips made so far, those of an interrupted run included."""
    uri: str = ""
    """The file that was done last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareResult:
    """What became of the files handed in: `files == written + rejected + failed + purged`."""

    folder: Path
    files: int
    written: int
    rejected: int
    failed: int
    purged: int
    """Files whose content was removed from the dataset before and stays out."""
    new_clips: int
    clips: int
    """Clips in the dataset now."""
    reasons: dict[str, int]
    """Files that were not written, by reason."""


def plan_corpus(paths: Sequence[Path], out: Path, config: PrepareConfig) -> CorpusPlan:
    """Say what `prepare` would do, changing nothing; raises for missing files and another configuration."""
    found = _scan(paths, out)
    check_config(out / CONFIG, config)
    before = read_state(out)
    check_recipe(out, before.recipe_hash, config)
    return CorpusPlan(
        num_files=len(found),
        num_videos=sum(file.is_video for file in found),
        num_clips_before=len(before.clips),
        recipe_hash=recipe_hash(config),
        stages=tuple(f"{name} v{version}" for name, version in STAGE_VERSIONS.items()),
    )


def prepare(
    paths: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    engine: Engine,
    progress: Callable[[PrepareProgress], None] = lambda _: None,
) -> PrepareResult:
    """Make or extend the dataset folder `out` from every file at or below `paths`.

    Raises `DataError` when there is no file or another process prepares into `out`, `ConfigError` when `out` cannot be
    written, is something else or was made with another configuration (the difference is named). What an interruption
    leaves behind is used when the call is repeated.
    """
    found = _scan(paths, out)
    check_config(out / CONFIG, config)
    with held(out, recipe_hash(config)) as work:
        before = read_state(out)
        check_recipe(out, before.recipe_hash, config)
        if not (out / CONFIG).is_file():
            write_text(out / CONFIG, to_yaml(config))
        sources, verdicts = _ingest(found, config, engine, progress)
        new, known = resolve_duplicates(sources, before.verdicts)
        outcomes = _process(new, work, config, engine, progress)
        verdicts += [*known, *(outcome.verdict for outcome in outcomes)]
        accounts = Accounts.close([str(file.path) for file in found], before.verdicts, verdicts)
        progress(PrepareProgress(phase="pack", done=0, total=1))
        after = _extended(before, outcomes, accounts, work, config)
        if after != before:
            commit(out, work.ready, after)
        drop_strays(out, after.clips)
        progress(PrepareProgress(phase="pack", done=1, total=1))
    return PrepareResult(
        folder=out,
        files=len(found),
        **accounts.counts(),
        new_clips=len(after.clips) - len(before.clips),
        clips=len(after.clips),
        reasons=accounts.reasons(),
    )


def _scan(paths: Sequence[Path], out: Path) -> list[Found]:
    """List the files, without those of the dataset itself when it lies among them."""
    return [file for file in scan(paths) if not file.path.is_relative_to(out.absolute())]


def _ingest(
    found: Sequence[Found], config: PrepareConfig, engine: Engine, progress: Callable[[PrepareProgress], None]
) -> tuple[list[Source], list[Verdict]]:
    sources: list[Source] = []
    verdicts: list[Verdict] = []
    for done, result in enumerate(engine.run([Ingest(config.licence)], found), start=1):
        (verdicts if isinstance(result, Verdict) else sources).append(result)
        progress(PrepareProgress(phase="ingest", done=done, total=len(found), uri=result.uri))
    return sources, verdicts


def _process(
    sources: Sequence[Source],
    work: Workplace,
    config: PrepareConfig,
    engine: Engine,
    progress: Callable[[PrepareProgress], None],
) -> list[SourceOutcome]:
    """Bring every source to its staged outcome, which an interrupted run may have done already."""
    outcomes: dict[str, SourceOutcome] = {}
    for source in sources:
        outcome = read_outcome(staged_path(work.staged, source.id))
        if outcome is not None and outcome.source == source:
            outcomes[source.id] = outcome
    left = {source.id: source for source in sources if source.id not in outcomes}
    stages = (
        Decode(config.decode, work.scratch),
        Shots(config.shots),
        Clips(config.clips, scratch=work.scratch, staged=work.staged, stage_versions=STAGE_VERSIONS),
    )
    results = engine.run(stages, list(left.values()))
    try:
        for result in results:
            if isinstance(result, Verdict):
                ended = SourceOutcome(source=left[result.source_id], verdict=result)
                stage(work.staged, work.scratch, [ended], result.source_id)
            else:
                staged = read_outcome(staged_path(work.staged, result.source.id))
                assert staged is not None, f"{result.source.id} was not staged"
                ended = staged
            outcomes[ended.source.id] = ended
            progress(_progress(outcomes, len(sources), ended))
    finally:
        if isinstance(results, Generator):
            results.close()
    return list(outcomes.values())


def _progress(outcomes: dict[str, SourceOutcome], total: int, last: SourceOutcome) -> PrepareProgress:
    ended = [outcome.verdict.outcome for outcome in outcomes.values()]
    return PrepareProgress(
        phase="sources",
        done=len(ended),
        total=total,
        failed=ended.count("failed"),
        rejected=ended.count("rejected"),
        clips=sum(len(outcome.clips) for outcome in outcomes.values()),
        uri=last.source.uri,
    )


def _extended(
    before: State, outcomes: Sequence[SourceOutcome], accounts: Accounts, work: Workplace, config: PrepareConfig
) -> State:
    """Pack what is new and return all rows."""
    clips = pack_shards(
        work.out,
        work.staged,
        [clip for outcome in outcomes for clip in outcome.clips],
        first_number=before.next_shard,
        config=config.pack,
    )
    return State.of(
        clips=[*before.clips, *clips],
        sources=[*before.sources, *(outcome.row for outcome in outcomes if outcome.row is not None)],
        verdicts=[
            *accounts.current,
            *accounts.earlier,
            *(verdict for verdict in before.verdicts if verdict.kind == "clip"),
            *(verdict for outcome in outcomes for verdict in outcome.clip_verdicts),
        ],
        recipe_hash=recipe_hash(config),
        shard_sha256=before.shard_sha256,
    )

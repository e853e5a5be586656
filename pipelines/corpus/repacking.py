"""Merging and re-sharding: the clips of one or more datasets in new shards of a new one.

The datasets must have been made by one recipe, so that their clips are alike. Content that several of them hold is
taken from the first; clips that come too close to those of an earlier dataset are left out, as if it had grown. The
result depends on what the datasets hold, not on their shards; with one dataset this is re-sharding.
"""

import tarfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import yaml

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import from_mapping, to_yaml
from densewalk.datasets.dataset import CARD, SHARDS
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.pipelines.corpus.closing import SourceOutcome, duplicate_row
from densewalk.pipelines.corpus.commit import State, commit, read_state
from densewalk.pipelines.corpus.growth import grown_signatures, signed_clips, without_duplicates
from densewalk.pipelines.corpus.pack import PackConfig, Packed, pack_shards
from densewalk.pipelines.corpus.staging import StagedClip
from densewalk.pipelines.corpus.workplace import CONFIG, held
from densewalk.pipelines.dedup.signature_table import SIGNATURES, read_signatures
from densewalk.pipelines.recipe import PrepareConfig, check_config

__all__ = ["MergeResult", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult:
    """What a merge made."""

    folder: Path
    clips: int
    shards: int
    dropped: int
    """Clips left out because an earlier dataset has the same content or a near-duplicate."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A dataset to merge."""

    folder: Path
    state: State
    config: PrepareConfig


def merge(folders: Sequence[Path], out: Path, pack: PackConfig) -> MergeResult:
    """Write the clips of `folders` into a new dataset `out` with shards filled as `pack` says.

    Raises `ConfigError` when `out` is a dataset already or the datasets were made by different recipes (the difference
    is named), `DataError` when one is no dataset or a clip is damaged.
    """
    parts = [_read(folder) for folder in folders]
    config = replace(parts[0].config, pack=pack)
    for part in parts[1:]:
        check_config(part.folder / CONFIG, config)
        if part.state.recipe_hash != parts[0].state.recipe_hash:
            raise ConfigError(
                f"{part.folder} and {parts[0].folder} were made by different versions of the stages; "
                "prepare one of them again"
            )
    if (out / CARD).exists():
        raise ConfigError(f"{out} is a dataset already; choose a new --out")
    with held(out, parts[0].state.recipe_hash) as work:
        write_text(out / CONFIG, to_yaml(config))
        outcomes = _distinct(parts, config, work.scratch)
        rows = pack_shards(
            out,
            [
                Packed(row=clip.row, tar=part.folder / SHARDS / clip.row.shard, total_bytes=clip.total_bytes)
                for part, kept in zip(parts, outcomes, strict=True)
                for outcome in kept
                for clip in outcome.clips
            ],
            first_number=0,
            config=pack,
        )
        kept = [outcome for part in outcomes for outcome in part]
        commit(out, work.ready, _state(parts, kept, rows), grown_signatures(out, kept))
    given = sum(len(part.state.clips) for part in parts)
    return MergeResult(folder=out, clips=len(rows), shards=len({row.shard for row in rows}), dropped=given - len(rows))


def _read(folder: Path) -> _Part:
    state = read_state(folder)
    if not state.recipe_hash:
        raise DataError(f"{folder} is not a finished dataset made by prepare; expected one with a {CARD}")
    content = yaml.safe_load((folder / CONFIG).read_text())
    return _Part(folder, state, from_mapping(PrepareConfig(), content))


def _distinct(parts: Sequence[_Part], config: PrepareConfig, work: Path) -> list[list[SourceOutcome]]:
    """Return for each dataset the sources that no earlier one has, without clips that an earlier one has too."""
    taken: set[str] = set()
    distinct: list[list[SourceOutcome]] = []
    for part in parts:
        own = [outcome for outcome in _outcomes(part) if outcome.source.id not in taken]
        taken |= {verdict.id for verdict in part.state.verdicts if verdict.kind == "source"}
        known = [signed for earlier in distinct for outcome in earlier for signed in signed_clips(outcome)]
        distinct.append(without_duplicates(own, known, work=work, config=config.dedup) if known else own)
    return distinct


def _outcomes(part: _Part) -> list[SourceOutcome]:
    """Return what became of a dataset's sources, as a preparation would have left it."""
    sizes = _member_bytes(part.folder / SHARDS)
    signatures = {signed.key: signed.signature for signed in read_signatures(part.folder / SIGNATURES)}
    clips: defaultdict[str, list[StagedClip]] = defaultdict(list)
    for row in part.state.clips:
        clip = StagedClip(row=row, total_bytes=sizes[row.key], signature=signatures.get(row.key, ""))
        clips[row.source_id].append(clip)
    verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in part.state.verdicts:
        if verdict.kind == "clip":
            verdicts[verdict.source_id].append(verdict)
    return [
        SourceOutcome(
            source=Source(**{field.name: getattr(row, field.name) for field in fields(Source)}),
            row=row,
            clips=tuple(clips[row.id]),
            clip_verdicts=tuple(verdicts[row.id]),
        )
        for row in part.state.sources
    ]


def _member_bytes(shards: Path) -> dict[str, int]:
    """Return the bytes of all members by key."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for path in sorted(shards.glob("*.tar")):
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    sizes[member.name.partition(".")[0]] += member.size
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"shard {path} cannot be read: {error}; copy it again") from error
    return sizes


def _state(parts: Sequence[_Part], kept: Sequence[SourceOutcome], rows: Sequence[ClipRow]) -> State:
    return State.of(
        clips=rows,
        sources=[outcome.row for outcome in kept],
        verdicts=[
            *_source_rows(parts, {outcome.source.id: outcome.verdict for outcome in kept}),
            *(verdict for outcome in kept for verdict in outcome.clip_verdicts),
        ],
        recipe_hash=parts[0].state.recipe_hash,
        shard_sha256=(),
    )


def _source_rows(parts: Sequence[_Part], outcomes: Mapping[str, Verdict]) -> list[Verdict]:
    """Return one row a content, that of the first dataset that holds it, and a row for every other name."""
    homes: dict[str, Verdict] = {}
    others: dict[str, Verdict] = {}
    for part in parts:
        for verdict in (verdict for verdict in part.state.verdicts if verdict.kind == "source"):
            if verdict.is_of_name:
                others.setdefault(verdict.uri, verdict)
            elif (home := homes.setdefault(verdict.id, outcomes.get(verdict.id, verdict))).uri != verdict.uri:
                others.setdefault(verdict.uri, duplicate_row(verdict.uri, verdict.id, home.uri))
    names = {home.uri for home in homes.values()}
    return [*homes.values(), *(verdict for uri, verdict in others.items() if uri not in names)]

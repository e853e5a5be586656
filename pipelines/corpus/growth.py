"""How a dataset grows: new sources lose their duplicates, what is left is packed, and all rows come together."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.corpus.accounts import Accounts
from densewalk.pipelines.corpus.closing import SourceOutcome, drop_clips
from densewalk.pipelines.corpus.commit import State
from densewalk.pipelines.corpus.pack import Packed, pack_shards
from densewalk.pipelines.corpus.workplace import Workplace
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.held_out import held_out_signatures
from densewalk.pipelines.dedup.signature_table import SIGNATURES, read_signatures
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Entry, Fetched, Reel
from densewalk.pipelines.stages.decode import Decode
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.probe import Probe

__all__ = ["extended", "grown_signatures", "shown_held_out", "signed_clips", "without_duplicates"]


def without_duplicates(
    kept: Sequence[SourceOutcome],
    known: Iterable[Signed],
    held_out: Iterable[Signed] = (),
    *,
    work: Path,
    config: DedupConfig,
) -> list[SourceOutcome]:
    """Return the sources without clips that are known, or that an earlier one of them or a held-out video has."""
    new = (signed for outcome in kept for signed in signed_clips(outcome))
    duplicates = find_duplicates(new, known, held_out, work=work, config=config)
    refusals = {duplicate.key: duplicate.refusal() for duplicate in duplicates}
    return [drop_clips(outcome, refusals) for outcome in kept]


def shown_held_out(work: Workplace, config: PrepareConfig) -> Iterator[Signed]:
    """Yield what shows the held-out videos; they are decoded once, later calls find the result in the work folder.

    Raises `ConfigError` or `DataError` naming a held-out path that cannot be used.
    """
    return held_out_signatures(config.dedup, decoded=_Decoder(config, work.scratch), work=work.fetched)


def extended(
    before: State,
    accounts: Accounts,
    kept: Sequence[SourceOutcome],
    work: Workplace,
    config: PrepareConfig,
    *,
    recipe: str,
) -> State:
    """Pack the clips of new sources and return all rows of the dataset."""
    clips = pack_shards(
        work.out,
        [
            Packed(row=clip.row, tar=work.staged / clip.row.shard, total_bytes=clip.total_bytes)
            for outcome in kept
            for clip in outcome.clips
        ],
        first_number=before.next_shard,
        config=config.pack,
    )
    return State.of(
        clips=[*before.clips, *clips],
        sources=[*before.sources, *(outcome.row for outcome in kept)],
        verdicts=[
            *accounts.current,
            *accounts.earlier,
            *(verdict for verdict in before.verdicts if verdict.kind == "clip"),
            *(verdict for outcome in kept for verdict in outcome.clip_verdicts),
        ],
        recipe_hash=recipe,
        shard_sha256=before.shard_sha256,
    )


def grown_signatures(folder: Path, kept: Sequence[SourceOutcome]) -> Iterator[Signed]:
    """Yield the signatures of the dataset's clips and of new ones, by key."""
    new = sorted((signed for outcome in kept for signed in signed_clips(outcome)), key=lambda signed: signed.key)
    return heapq.merge(read_signatures(folder / SIGNATURES), new, key=lambda signed: signed.key)


def signed_clips(outcome: SourceOutcome) -> Iterator[Signed]:
    """Yield what the clips of a source are compared by."""
    source = outcome.row
    for clip in outcome.clips:
        row = clip.row
        yield Signed(
            key=row.key,
            signature=clip.signature,
            sha256=row.sha256,
            shot=f"{row.source_id}-{row.shot:07d}",
            # Stored clips are scaled alike; the better one is that of the sharper source.
            pixels=row.width * row.height * source.coded_width * source.coded_height // (source.width * source.height),
            seconds=row.frames / row.fps,
        )


class _Decoder:
    """Decodes a held-out video by the same stages as a source."""

    def __init__(self, config: PrepareConfig, scratch: Path) -> None:
        self._stages = (
            Ingest(config.licence),
            Probe(config.probe),
            Decode(config.decode, config.probe.limits, scratch / "held-out"),
        )

    def __call__(self, path: Path) -> Iterator[Reel]:
        fetched = Fetched(entry=Entry(uri=str(path)), path=str(path))
        for result in InProcessEngine().run(self._stages, [fetched]):
            if isinstance(result, Verdict):
                raise DataError(
                    f"cannot read held-out video {path}: {result.reason} ({result.detail}); "
                    "leave it out of dedup.held_out"
                )
            yield result

"""Purging: sources leave a dataset for good, with every clip, flow, track and near-duplicate derived from them.

    plan (purge_plan.py) -> certificate begun -> withdraw -> look up (verification.py) -> certificate done

What was purged is kept out by rows of the ledger with the outcome `purged` (its content and all names it was handed in
under) and by tombstones (signatures of its clips), so a later preparation refuses it, copies of it under other names,
and re-encoded copies. A purge that was broken off is finished by the next one; a repeated one finds nothing to do.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.dataset_card import CARD, ContentHash
from densewalk.pipelines.corpus.care.certificate import Certificate, read_certificates, write_certificate
from densewalk.pipelines.corpus.care.purge_plan import PurgePlan, plan_purge
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest
from densewalk.pipelines.corpus.care.staged_leftovers import forget_downloads, forget_staged
from densewalk.pipelines.corpus.care.verification import look_up
from densewalk.pipelines.corpus.care.withdrawal import withdraw
from densewalk.pipelines.corpus.homes.home import CONFIG, WORK, Home
from densewalk.pipelines.corpus.rejects import REJECTED, read_rejected
from densewalk.pipelines.corpus.shard_names import next_generation
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.corpus.workplace import tended
from densewalk.pipelines.dedup.signed import twin_of
from densewalk.pipelines.recipe import read_config

__all__ = ["PurgeResult", "plan_only", "purge"]

_REPORT = "report.html"
_WHY = {True: "source", False: "shows the same"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeResult:
    """What a purge did."""

    repeated: tuple[str, ...]
    """What was purged before, as it was asked for."""
    certificates: tuple[tuple[Path, Certificate], ...]
    """Of this purge and of one that was broken off before; empty when there was nothing to do."""


def plan_only(home: Home, request: PurgeRequest) -> PurgePlan:
    """Return what a purge would do; nothing changes. Raises as `purge` does."""
    with home.reading() as folder:
        return _plan(folder, request)


def purge(
    home: Home, request: PurgeRequest, *, on_shard: Callable[[int, int], None] = lambda done, total: None
) -> PurgeResult:
    """Remove what is asked for; `on_shard` hears how many shards of how many were rewritten.

    Raises `ConfigError` when something that the command line names is not in the dataset, `DataError` when there is no
    dataset, another process writes to it, or a clip that stays is damaged.
    """
    with tended(home) as scratch:
        finished = [_finish(home, *begun) for begun in _begun(home.folder)]
        plan = _plan(home.folder, request)
        if not plan.is_empty:
            certificate = _begin(home, request, plan)
            path = write_certificate(home.folder, certificate)
            (home.folder / _REPORT).unlink(missing_ok=True)  # its pictures may be of what goes
            names = {uri for uris in plan.contents.values() for uri in uris} | plan.names
            names |= {uri for wish in request.wishes for uri in wish.uris}
            forget_staged(home.folder / WORK / "staged", ids={*plan.contents, *plan.ids}, uris=names)
            forget_downloads(home.folder / WORK / "fetched", names)
            withdraw(home, plan.withdrawal(_shown_beside(home.folder, plan)), scratch=scratch, on_shard=on_shard)
            finished.append(_finish(home, path, certificate))
    return PurgeResult(repeated=plan.repeated, certificates=tuple(finished))


def _plan(folder: Path, request: PurgeRequest) -> PurgePlan:
    tables = Tables(folder)
    next(tables.tombstones(), None)  # without those there are nothing can be added, which is better known now
    return plan_purge(tables, request, read_config(folder / CONFIG).dedup)


def _begin(home: Home, request: PurgeRequest, plan: PurgePlan) -> Certificate:
    tables = Tables(home.folder)
    card = tables.card
    clips = Counter(row.source_id for row in plan.clips)
    sha256 = {row.id: row.sha256 for row in tables.sources() if row.id in plan.contents}
    return Certificate(
        dataset=home.name,
        asked=tuple(wish.text for wish in request.wishes),
        not_in_dataset=tuple(wish.text for wish in plan.unknown),
        purged_before=plan.repeated,
        sources=tuple(
            {"id": content, "sha256": sha256.get(content, ""), "uris": list(uris), "clips": clips[content]}
            for content, uris in plan.contents.items()
        ),
        clips=tuple(
            {"key": row.key, "sha256": row.sha256, "why": _WHY[row.source_id in plan.contents]} for row in plan.clips
        ),
        shards=tuple(
            {"old": name, "old_sha256": card.shard_sha256.get(name, "")}
            for name in sorted({row.shard for row in plan.clips})
        ),
        card_before=_card_hash(home.folder),
        dataset_hash_before=ContentHash.of(tables.clips()),
    )


def _begun(folder: Path) -> Iterator[tuple[Path, Certificate]]:
    """Yield certificates of purges that changed the dataset and were broken off; forget those that did not."""
    for path, certificate in read_certificates(folder):
        if certificate.state != "begun":
            continue
        if certificate.card_before == _card_hash(folder):
            path.unlink()
        else:
            yield path, certificate


def _finish(home: Home, path: Path, begun: Certificate) -> tuple[Path, Certificate]:
    tables = Tables(home.folder)
    card = tables.card
    after = {shard["old"]: next_generation(shard["old"]) for shard in begun.shards}
    shards = tuple(
        {**shard, "new": name if name in card.shard_sha256 else "", "new_sha256": card.shard_sha256.get(name, "")}
        for shard in begun.shards
        for name in (after[shard["old"]],)
    )
    looked_up = look_up(
        home,
        keys={clip["key"] for clip in begun.clips},
        contents={source["id"] for source in begun.sources},
        rewritten=sorted(shard["new"] for shard in shards if shard["new"]),
    )
    certificate = begun.finished(hash_after=ContentHash.of(tables.clips()), shards=shards, looked_up=looked_up)
    write_certificate(home.folder, certificate)
    home.publish(frozenset(card.shard_sha256))
    return path, certificate


def _shown_beside(folder: Path, plan: PurgePlan) -> Iterator[str]:
    """Yield sources whose pictures of rejected clips show what a clip that goes shows."""
    keys = {row.key for row in plan.clips}
    for rejection in read_rejected(folder / REJECTED):
        if rejection.key in keys or twin_of(rejection.detail) in keys:
            yield rejection.source_id


def _card_hash(folder: Path) -> str:
    return hashlib.sha256((folder / CARD).read_bytes()).hexdigest()

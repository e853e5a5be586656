"""What a purge takes out: the sources asked for under all their names, and clips of others that show the same.

asked for -> contents                        by id, or by any name a content was handed in under
contents  -> their clips, and clips in whose favour candidates of theirs were rejected (the ledger says which),
             and clips that show an excerpt of theirs (signatures say which)
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import PURGED, Verdict
from densewalk.datasets.records import ClipRow, name_id, source_of
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest, Wish
from densewalk.pipelines.corpus.care.withdrawal import Withdrawal
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.lookalikes import find_lookalikes
from densewalk.pipelines.dedup.signed import twin_of

__all__ = ["TWIN", "PurgePlan", "plan_purge"]

TWIN = "shows what was purged"
"""Reason of the ledger rows of clips, and of sources without any other, that show what a purged source shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgePlan:
    """What goes, and what is left to say of it."""

    contents: dict[str, tuple[str, ...]]
    """Ids of sources that go, and the names they were handed in under."""
    names: frozenset[str]
    """Names without a content that are kept out from now on."""
    unknown: tuple[Wish, ...]
    """What is not in the dataset and is kept out from now on."""
    repeated: tuple[str, ...]
    """What was purged before, as it was asked for."""
    clips: tuple[ClipRow, ...]
    """Of the sources that go and of others that show the same, by key."""
    emptied: frozenset[str]
    """Ids of other sources of which no clip is left."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of contents that were never in and are kept out from now on."""
        return tuple(wish.id for wish in self.unknown if wish.id)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.contents or self.names or self.unknown)

    @property
    def twins(self) -> tuple[ClipRow, ...]:
        """Clips of other sources."""
        return tuple(row for row in self.clips if row.source_id not in self.contents)

    def withdrawal(self, unseen: Iterable[str] = ()) -> Withdrawal:
        """Return it as clips and rows that go; `unseen` are more sources whose pictures of rejected clips go."""
        keys = frozenset(row.key for row in self.clips)
        lost = self.contents.keys() | self.emptied
        return Withdrawal(
            clips=keys,
            sources=frozenset(lost),
            verdict=lambda verdict: self._verdict(verdict, keys),
            new_verdicts=tuple({row.uri: row for row in (wish.tombstone() for wish in self.unknown)}.values()),
            buried=True,
            unseen=frozenset({*lost, *unseen}),
        )

    def _verdict(self, verdict: Verdict, keys: frozenset[str]) -> Verdict | None:
        if verdict.kind == "source":
            if verdict.source_id in self.contents or verdict.uri in self.names:
                return replace(verdict, outcome="purged", reason=PURGED, detail="")
            if verdict.source_id in self.emptied:
                return replace(verdict, outcome="purged", reason=TWIN, detail="")
            return verdict
        if verdict.source_id in self.contents:
            return None
        if verdict.id in keys:
            return replace(verdict, outcome="purged", reason=TWIN, detail="")
        return replace(verdict, detail="of a clip that was purged") if twin_of(verdict.detail) in keys else verdict


def plan_purge(tables: Tables, request: PurgeRequest, config: DedupConfig) -> PurgePlan:
    """Find what a request means in a dataset; `config` says which clips count as the same.

    Raises `ConfigError` when something that the command line names is not in it.
    """
    asked = _Asked(request)
    twins: set[str] = set()
    for verdict in tables.verdicts():
        if verdict.kind == "source":
            asked.look_at(verdict)
        elif verdict.source_id in asked.contents and (twin := twin_of(verdict.detail)):
            twins.add(twin)
    unknown = asked.unknown()
    contents = asked.contents
    if contents:
        twins |= find_lookalikes(
            lambda key: source_of(key) in contents,
            tables.signatures,
            min_similarity=config.min_similarity,
            min_share=config.min_share,
        )
    clips = tuple(row for row in tables.clips() if row.source_id in contents or row.key in twins)
    going = Counter(row.source_id for row in clips if row.source_id not in contents)
    return PurgePlan(
        contents=_names_of(tables, contents),
        names=frozenset(asked.names),
        unknown=unknown,
        repeated=tuple(asked.repeated),
        clips=clips,
        emptied=frozenset(row.id for row in tables.sources() if going and going[row.id] == row.clips > 0),
    )


def _names_of(tables: Tables, contents: set[str]) -> dict[str, tuple[str, ...]]:
    uris: defaultdict[str, list[str]] = defaultdict(list)
    for verdict in tables.source_verdicts():
        if verdict.source_id in contents:
            uris[verdict.source_id].append(verdict.uri)
    return {content: tuple(uris[content]) for content in sorted(contents)}


class _Asked:
    """Finds what is asked for among the source rows of a ledger."""

    def __init__(self, request: PurgeRequest) -> None:
        self._request = request
        self._by_id: defaultdict[str, list[Wish]] = defaultdict(list)
        self._by_uri: defaultdict[str, list[Wish]] = defaultdict(list)
        for wish in request.wishes:
            for table, names in ((self._by_id, [wish.id] if wish.id else []), (self._by_uri, wish.uris)):
                for name in names:
                    table[name].append(wish)
        self._found: set[str] = set()
        self.contents: set[str] = set()
        self.names: set[str] = set()
        self.repeated: dict[str, None] = {}

    def look_at(self, verdict: Verdict) -> None:
        """Take up a source row if it is asked for."""
        ids = {verdict.id, verdict.source_id}
        wishes = [*self._by_uri.get(verdict.uri, ()), *(wish for name in ids for wish in self._by_id.get(name, ()))]
        if not wishes:
            return
        self._found |= {wish.text for wish in wishes}
        if verdict.outcome == "purged":
            self.repeated |= dict.fromkeys(wish.text for wish in wishes)
        elif verdict.source_id == name_id(verdict.uri):
            self.names.add(verdict.uri)
        else:
            self.contents.add(verdict.source_id)

    def unknown(self) -> tuple[Wish, ...]:
        """Return what of the list is not there; raises `ConfigError` when the command line names such a thing."""
        absent = [wish for wish in self._request.wishes if wish.text not in self._found]
        if typed := [wish.text for wish in absent if wish in self._request.named]:
            raise ConfigError(
                f"not in the dataset: {', '.join(typed)}; name sources as ledger.parquet does (id or uri), or put them "
                "into a --list to keep them out from now on"
            )
        return tuple(absent)

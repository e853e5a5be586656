"""Every shard against card and index: each is read once, every member is hashed, one clip in some is played."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from densewalk.datasets.dataset_card import SHARDS, DatasetCard
from densewalk.datasets.errors import DataError
from densewalk.datasets.records import ClipRow
from densewalk.pipelines.corpus.audit.findings import Findings
from densewalk.pipelines.corpus.audit.playback import fault_of_clip
from densewalk.pipelines.corpus.audit.shard_walk import Gap, Member, ShardWalk
from densewalk.pipelines.corpus.by_shard import clips_by_shard
from densewalk.pipelines.corpus.homes.home import Home

__all__ = ["ShardAudit"]

_IN_JSON = {field.name for field in fields(ClipRow)} - {"shard", "offset", "companions"}


class ShardAudit:
    """Reads the shards of a dataset and tells `findings` what disagrees."""

    def __init__(self, home: Home, card: DatasetCard, findings: Findings, *, decode_one_in: int) -> None:
        self._home, self._card, self._findings, self._one_in = home, card, findings, decode_one_in
        self.bytes = self.decoded = 0

    def run(self, rows: Iterable[ClipRow], scratch: Path, on_shard: Callable[[int, int], None]) -> None:
        """Look at all shards of the card and the index; `on_shard` hears how many of how many are done."""
        stated = self._card.shard_sha256
        for number, (name, clips) in enumerate(_together(sorted(stated), clips_by_shard(rows, scratch)), start=1):
            self._look_at(name, clips)
            on_shard(min(number, len(stated)), len(stated))

    def strays(self, folder: Path) -> None:
        """Name what lies among the shards and is none."""
        present = sorted((folder / SHARDS).iterdir()) if (folder / SHARDS).is_dir() else []
        for path in present:
            if path.name not in self._card.shard_sha256:
                why = "of a command at work or broken off" if path.name.startswith("clips-") else "none of its files"
                self._findings.add(f"shard {path.name} is in {SHARDS}/ and not in dataset.json: {why}", books=True)

    def _look_at(self, name: str, clips: Sequence[ClipRow]) -> None:
        stated, before = self._card.shard_sha256.get(name), self._findings.count
        try:
            path = self._home.shard(name)
            check = _Check(name, clips, self._findings, one_in=self._one_in)
            check.read(path)
        except DataError as error:
            where = f"shard {name} is in dataset.json and not in {SHARDS}/" if stated else f"shard {name} is unknown"
            self._findings.add(f"{where}: {error}", shard=name)
            for row in clips:
                self._findings.add(f"clip {row.key} is in the index and not in shard {name}", clip=row.key)
            return
        self.bytes += check.bytes
        self.decoded += check.decoded
        if stated is None:
            self._findings.add(f"shard {name} is in the index and not in dataset.json", shard=name)
        elif check.sha256 != stated:
            self._findings.add(f"shard {name} does not have the SHA-256 of dataset.json", shard=name)
        elif self._findings.count > before:
            self._findings.index = True
        self._home.drop_shard(name)


class _Check:
    """One shard against the rows of its clips."""

    def __init__(self, name: str, clips: Sequence[ClipRow], findings: Findings, *, one_in: int) -> None:
        self._name, self._findings = name, findings
        self._rows = {row.key: row for row in clips}
        self._left = dict(self._rows)
        self._played = _chosen(self._rows, one_in)
        self.sha256, self.bytes, self.decoded = "", 0, 0

    def read(self, path: Path) -> None:
        walk = ShardWalk(path, [row.offset for row in self._rows.values()], self._wants)
        members: dict[str, Member] = {}
        key = ""
        for part in walk.parts():
            if isinstance(part, Gap):
                self._findings.add(f"shard {self._name}, byte {part.offset}: {part.fault}", shard=self._name)
                continue
            if part.key != key:
                self._clip(key, members)
                key, members = part.key, {}
            members[part.extension] = part
        self._clip(key, members)
        self.sha256, self.bytes = walk.sha256, walk.bytes
        for lost in self._left:
            self._findings.add(f"clip {lost} is in the index and not in shard {self._name}", clip=lost)

    def _wants(self, name: str) -> bool:
        return name.endswith(".json") or name.partition(".")[0] in self._played

    def _clip(self, key: str, members: dict[str, Member]) -> None:
        if not members:
            return
        row = self._left.pop(key, None)
        if row is None:
            again = "a second time" if key in self._rows else "and not in the index"
            self._findings.add(f"clip {key} is in shard {self._name} {again}", shard=self._name)
        elif fault := self._fault(row, members):
            self._findings.add(f"clip {key} in shard {self._name}: {fault}", clip=key)

    def _fault(self, row: ClipRow, members: dict[str, Member]) -> str:
        """Return what is wrong with a clip; the first fault is enough."""
        for extension, sha256 in row.member_sha256.items():
            if extension not in members:
                return f"its {extension} is missing"
            if members[extension].sha256 != sha256:
                return f"its {extension} is damaged: it does not have the SHA-256 of the index"
        mp4 = members["mp4"]
        if (mp4.offset, mp4.size) != (row.offset, row.bytes):
            return f"its mp4 is bytes {mp4.offset} + {mp4.size}, the index says {row.offset} + {row.bytes}"
        fault = _fault_of_json(row, members["json"].content) if "json" in members else ""
        if fault or row.key not in self._played:
            return fault
        self.decoded += 1
        return fault_of_clip(row, {extension: member.content for extension, member in members.items()})


def _together(
    stated: Sequence[str], groups: Iterator[tuple[str, list[ClipRow]]]
) -> Iterator[tuple[str, Sequence[ClipRow]]]:
    """Yield every shard of the card or the index, in order, with its clips."""
    left = iter(stated)
    name = next(left, None)
    for shard, clips in groups:
        while name is not None and name < shard:
            yield name, ()
            name = next(left, None)
        yield shard, clips
        name = next(left, None) if name == shard else name
    while name is not None:
        yield name, ()
        name = next(left, None)


def _chosen(keys: Iterable[str], one_in: int) -> frozenset[str]:
    """Return one key in `one_in`, at least one of a shard, by their hashes; none for 0."""
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest()) if one_in else []
    return frozenset(ordered[: -(-len(ordered) // one_in)] if one_in else ())


def _fault_of_json(row: ClipRow, content: bytes) -> str:
    try:
        stated = json.loads(content)
    except ValueError as error:
        return f"its json is not JSON: {error}"
    if not isinstance(stated, dict):
        return "its json is not an object"
    for name in _IN_JSON & stated.keys():
        if stated[name] != getattr(row, name):
            return f"its json says {name} {stated[name]!r}, the index {getattr(row, name)!r}"
    return ""

"""What a disturbed preparation must share with an undisturbed one: every byte, balanced books, no remains."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from densewalk.pipelines.engine import KILLED

__all__ = ["Content", "differences", "folder_content", "imbalances", "poison_differences"]

Content = Mapping[str, bytes]
"""The files of a dataset by their names."""
_OF_THE_RUN = ("runs.jsonl", "report.html")
"""Tell of the run as well as of the dataset."""
_BOOKS = ("ledger.parquet", "dataset.json", "README.md")
"""Differ when a source failed that could have been written."""


def folder_content(folder: Path) -> Content:
    """Return the files of a dataset in a folder; `.work` is among them if anything of it is left."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    content = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return content | {".work": b""} if (folder / ".work").exists() else content


def differences(expected: Content, found: Content, *, but: Collection[str] = ()) -> Iterator[str]:
    """Yield what differs from what was expected, a line each, leaving out the names in `but`."""
    for name in sorted(expected.keys() | found.keys()):
        if name in _OF_THE_RUN or name in but:
            continue
        if name not in found:
            yield f"lost: {name}"
        elif name not in expected:
            yield f"left over: {name}"
        elif expected[name] != found[name]:
            yield f"differs: {name} ({_digest(expected[name])} expected, {_digest(found[name])} found)"


def imbalances(found: Content, uris: Sequence[str]) -> Iterator[str]:
    """Yield every way in which ledger, card and index disagree with each other or with the sources handed in."""
    missing = {"ledger.parquet", "dataset.json", "index.parquet"} - found.keys()
    if missing:
        yield f"no {', no '.join(sorted(missing))}"
        return
    rows = _rows(found, "ledger.parquet")
    sources = [row for row in rows if row["kind"] == "source"]
    named = Counter(row["uri"] for row in sources)
    yield from (f"{count} ledger rows for {uri}" for uri, count in named.items() if count > 1)
    yield from (f"not in the ledger: {uri}" for uri in uris if uri not in named)
    yield from (f"nobody asked for {uri}" for uri in named if uri not in set(uris))
    card = json.loads(found["dataset.json"])
    outcomes = Counter(row["outcome"] for row in sources)
    if outcomes != Counter({name: n for name, n in card["source_outcomes"].items() if n}):
        yield f"the card counts {card['source_outcomes']}, the ledger {dict(outcomes)}"
    written = Counter(row["id"] for row in rows if row["kind"] == "clip" and row["outcome"] == "written")
    keys = Counter(row["key"] for row in _rows(found, "index.parquet"))
    if written != keys or max(keys.values(), default=1) > 1:
        yield f"{written.total()} clips written by the ledger, {keys.total()} in the index, {len(keys)} different"
    for name, sha256 in card["shard_sha256"].items():
        if hashlib.sha256(found.get(f"shards/{name}", b"")).hexdigest() != sha256:
            yield f"not what the card says: shards/{name}"


def poison_differences(expected: Content, found: Content, poison: str) -> Iterator[str]:
    """Yield how a dataset with a poison file differs from one without it, beyond the poison's own row."""
    yield from differences(expected, found, but=_BOOKS)
    rows = _rows(found, "ledger.parquet")
    its = [(row["outcome"], row["reason"]) for row in rows if row["uri"] == poison and row["kind"] == "source"]
    if its != [("failed", KILLED)]:
        yield f"the poison ended as {its}"
    if [row for row in rows if row["uri"] != poison] != _rows(expected, "ledger.parquet"):
        yield "the poison's neighbours have other rows in the ledger"


def _rows(content: Content, name: str) -> list[dict[str, Any]]:
    return pq.read_table(io.BytesIO(content[name])).to_pylist()


def _digest(content: bytes) -> str:
    return f"{len(content)} bytes {hashlib.sha256(content).hexdigest()[:8]}"

"""What a purge did, for whoever asked for it: `purges/<hash>.json` and the same in words, `purges/<hash>.txt`.

It is written before anything changes, with the state `begun`, and finished when every claim has been looked up again in
the dataset. What was begun and not finished is taken up by the next purge.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from densewalk import __version__
from densewalk.datasets.atomic import write_json, write_text
from densewalk.datasets.errors import DataError

__all__ = ["PURGES", "Certificate", "read_certificates", "text_of", "write_certificate"]

PURGES = "purges"
_KEPT = (
    "Kept on purpose: in ledger.parquet the names and ids of what was removed, in tombstones.parquet fingerprints of "
    "the removed clips (32 numbers a quarter of a second, no pictures), so that neither it nor a re-encoded copy comes "
    "in again."
)
_NOT_TOUCHED = (
    "Not touched: the files the dataset was made from, other datasets merged from it before, and whatever was trained "
    "on it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was asked for, what went and what was looked up afterwards."""

    state: str = "begun"
    """`begun` or `done`."""
    dataset: str
    asked: tuple[str, ...]
    not_in_dataset: tuple[str, ...]
    """What of it was never in; it is kept out from now on."""
    purged_before: tuple[str, ...]
    sources: tuple[dict[str, Any], ...]
    """Id, SHA-256 where it is known, names and number of clips of each."""
    clips: tuple[dict[str, str], ...]
    """Key, SHA-256 and why: `source`, or `shows the same` for clips of other sources."""
    shards: tuple[dict[str, str], ...]
    """Name and SHA-256 of each shard that held one of them, before and after; nothing after when nothing was left."""
    card_before: str
    """SHA-256 of dataset.json."""
    dataset_hash_before: str
    """Of all clips' keys and contents."""
    dataset_hash_after: str = ""
    verification: dict[str, Any] = field(default_factory=dict)
    date: str = ""
    """UTC."""
    densewalk: str = __version__

    @property
    def name(self) -> str:
        """A hash of what was asked of which state of the dataset."""
        facts = json.dumps([self.card_before, sorted(self.asked), [clip["key"] for clip in self.clips]])
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def finished(
        self, *, hash_after: str, shards: tuple[dict[str, str], ...], looked_up: dict[str, Any]
    ) -> "Certificate":
        """Return it with what was found afterwards."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(
            self, state="done", dataset_hash_after=hash_after, shards=shards, verification=looked_up, date=date
        )


def write_certificate(folder: Path, certificate: Certificate) -> Path:
    """Write it into a dataset's folder; the text comes with a finished one. Return the path of the JSON."""
    path = folder / PURGES / f"{certificate.name}.json"
    if certificate.state == "done":
        write_text(path.with_suffix(".txt"), text_of(certificate))
    write_json(path, asdict(certificate))
    return path


def read_certificates(folder: Path) -> Iterator[tuple[Path, Certificate]]:
    """Yield the certificates of a dataset; raises `DataError` for a file that is none."""
    for path in sorted((folder / PURGES).glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
            values = {entry.name: content[entry.name] for entry in fields(Certificate)}
            lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
            yield path, Certificate(**(values | lists))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not the certificate of a purge: {error!r}; move it away") from error


def text_of(certificate: Certificate) -> str:
    """Return a finished certificate in words."""
    of_sources = sum(clip["why"] == "source" for clip in certificate.clips)
    looked_up = certificate.verification
    asked = (
        f"Asked for: {len(certificate.asked)}; sources removed: {len(certificate.sources)}; not in the dataset: "
        f"{len(certificate.not_in_dataset)}; removed before: {len(certificate.purged_before)}."
    )
    removed = (
        f"Removed: {of_sources} clips of these sources and {len(certificate.clips) - of_sources} clips of others that "
        "show the same, each with its flow, tracks, lineage and signature."
    )
    found = (
        f"Looked up afterwards: {looked_up['rows']} rows of tables and the names of {looked_up['members']} members in "
        f"{looked_up['shards']} of {looked_up['of_shards']} shards; {looked_up['hashed']} rewritten shards were read "
        "whole and have the SHA-256 below. Nothing of what was removed was found."
    )
    lines = [
        f"Removal from the dataset {certificate.dataset}, {certificate.date}, densewalk {certificate.densewalk}",
        "",
        asked,
        removed,
        f"Dataset before {certificate.dataset_hash_before}, after {certificate.dataset_hash_after}.",
        found,
        _KEPT,
        _NOT_TOUCHED,
        "",
        "Sources:",
        *(_source_line(source) for source in certificate.sources),
        *(f"  {text} (not in the dataset, kept out from now on)" for text in certificate.not_in_dataset),
        "Clips, with the SHA-256 of their mp4:",
        *(f"  {clip['key']}  {clip['sha256']}  ({clip['why']})" for clip in certificate.clips),
        "Shards rewritten:",
        *(_shard_line(shard) for shard in certificate.shards),
    ]
    return "\n".join(lines) + "\n"


def _source_line(source: dict[str, Any]) -> str:
    names = ", ".join(source["uris"])
    return f"  {source['id']}  sha256 {source['sha256'] or 'not known'}  {source['clips']} clips  {names}"


def _shard_line(shard: dict[str, str]) -> str:
    after = f"{shard['new']} {shard['new_sha256']}" if shard["new"] else "nothing was left"
    return f"  {shard['old']} {shard['old_sha256']} -> {after}"

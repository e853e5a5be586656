"""Ingest: a file handed in becomes a `Source` named by its content."""

import hashlib
from collections.abc import Sequence

from densewalk.datasets.ledger import Outcome, Verdict
from densewalk.datasets.manifest import Found
from densewalk.datasets.records import Source, file_sha256, source_id
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["Ingest", "name_id"]


class Ingest(Stage[Found, Source]):
    """Hashes video files; other names are rejected, unreadable and empty files fail."""

    name = "ingest"
    version = 1
    resources = Resources(cpus=0.5)
    batch_size = 8

    def __init__(self, licence: str) -> None:
        self.licence = licence

    def __call__(self, records: Sequence[Found]) -> list[Source | Verdict]:
        """Return a source or a verdict for each file."""
        return [self._ingest(found) for found in records]

    def _ingest(self, found: Found) -> Source | Verdict:
        uri = str(found.path)
        if not found.is_video:
            return _ended(uri, "rejected", "not a video file name", found.path.suffix or "no suffix")
        if not uri.isprintable():
            return _ended(
                ascii(uri), "failed", "name not readable", "expected a name in UTF-8 without control characters"
            )
        try:
            size = found.path.stat().st_size
            sha256 = file_sha256(found.path)
        except OSError as error:
            return _ended(uri, "failed", "not readable", error.strerror or str(error))
        if not size:
            return _ended(uri, "failed", "empty file", "0 bytes")
        return Source(id=source_id(sha256), uri=uri, bytes=size, sha256=sha256, licence=self.licence)


def name_id(uri: str) -> str:
    """Return the id of a ledger row of a file that has no content of its own in the dataset."""
    return hashlib.sha256(f"name:{uri}".encode()).hexdigest()[:20]


def _ended(uri: str, outcome: Outcome, reason: str, detail: str) -> Verdict:
    row = name_id(uri)
    return Verdict(kind="source", id=row, source_id=row, uri=uri, outcome=outcome, reason=reason, detail=detail)

"""Ingest: a file becomes a `Source` named by its content; copies of what is there already end here."""

from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.datasets.records import Source, file_sha256, source_id
from densewalk.pipelines.corpus.admission import Admission
from densewalk.pipelines.records import Fetched, Held
from densewalk.pipelines.stage import Resources, Stage

__all__ = ["Ingest"]


class Ingest(Stage[Fetched, Held]):
    """Hashes files. With an `admission`, content that is made already or elsewhere ends with a verdict."""

    name = "ingest"
    version = 2
    resources = Resources(cpus=0.5)

    def __init__(self, licence: str, admission: Admission | None = None) -> None:
        self.licence = licence
        self.admission = admission

    def __call__(self, records: Sequence[Fetched]) -> list[Held | Verdict]:
        """Return a source or a verdict for each file."""
        return [self._ingest(fetched) for fetched in records]

    def _ingest(self, fetched: Fetched) -> Held | Verdict:
        entry, path = fetched.entry, Path(fetched.path)
        try:
            size = path.stat().st_size
            sha256 = file_sha256(path)
        except OSError as error:
            return name_verdict(entry.uri, "failed", "not readable", error.strerror or str(error))
        if not size:
            return name_verdict(entry.uri, "failed", "empty file", "0 bytes")
        source = Source(
            id=source_id(sha256),
            uri=entry.uri,
            bytes=size,
            sha256=sha256,
            licence=entry.licence or self.licence,
            label=entry.label,
        )
        if self.admission is not None:
            verdict = self.admission.verdict_on(source, entry.segments)
            if verdict is not None:
                if fetched.temporary:
                    path.unlink(missing_ok=True)
                return verdict
        return Held(source=source, path=fetched.path, temporary=fetched.temporary, segments=entry.segments)

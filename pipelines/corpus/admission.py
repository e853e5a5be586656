"""Admission: which of the files that hold the same content is made into clips.

Content that the dataset holds, or that is staged, is not made again. Of new files with equal content the one whose
name comes first is kept, whatever the order they arrive in: a later arrival with an earlier name is made too and wins
when the books are closed. Workers on any machine that see the folders agree through one small file per content.
"""

import fcntl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from densewalk.datasets.atomic import PARTIAL, atomic_path, disk_faults
from densewalk.datasets.ledger import Verdict, name_verdict, source_verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.records import Segment

__all__ = ["DUPLICATE", "Admission", "write_known"]

DUPLICATE = "duplicate content"
_ID_BYTES = 10


@dataclass(frozen=True, slots=True)
class Admission:
    """What decides whether a source is worked on; travels to workers as three paths."""

    known: Path
    """Ids of the dataset's sources, written by `write_known`."""
    claims: Path
    """Folder of this run, one file per content."""
    staging: Staging

    def verdict_on(self, source: Source, segments: Sequence[Segment] = ()) -> Verdict | None:
        """Return why a source, of which `segments` are wanted, is not worked on, or None for one that is."""
        if self._is_known(source.id) or not self._claim(source):
            return name_verdict(source.uri, "rejected", DUPLICATE, "", source_id=source.id)
        if self.staging.holds(source.id, staged_name(source.uri, source.licence, source.label, segments)):
            return source_verdict(source, "written")
        return None

    def forget(self, source_id: str) -> None:
        """Let content be claimed anew: who put his name down has not lived to make it."""
        self._claim_path(source_id).unlink(missing_ok=True)

    def _is_known(self, source_id: str) -> bool:
        if not self.known.stat().st_size:
            return False
        ids = np.memmap(self.known, dtype=f"V{_ID_BYTES}", mode="r")
        asked = bytes.fromhex(source_id)
        low, high = 0, len(ids)
        while low < high:
            middle = (low + high) // 2
            if ids[middle].tobytes() < asked:
                low = middle + 1
            else:
                high = middle
        return low < len(ids) and ids[low].tobytes() == asked

    def _claim(self, source: Source) -> bool:
        """Put the source's name down unless an earlier one stands there."""
        claim, name = self._claim_path(source.id), source.uri.encode()
        with disk_faults(claim):
            claim.parent.mkdir(parents=True, exist_ok=True)
            with (claim.parent / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                holder = claim.read_bytes() if claim.is_file() else None
                if holder is not None and holder < name:
                    return False
                if holder != name:
                    temporary = claim.with_name(claim.name + PARTIAL)
                    temporary.write_bytes(name)  # not synced: a claim ends with its run, a machine's death ends that
                    temporary.replace(claim)
                return True

    def _claim_path(self, source_id: str) -> Path:
        return self.claims / source_id[:2] / source_id


def write_known(path: Path, source_ids: Iterable[str]) -> None:
    """Write ids, given in order, for `Admission.known`: 10 bytes each, so that looking one up needs no memory."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.writelines(map(bytes.fromhex, source_ids))

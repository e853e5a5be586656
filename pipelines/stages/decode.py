"""Decode: a source becomes spooled frames, thumbnails and times, made by a killable child process."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Outcome, Verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.container import DecodeLimits
from densewalk.pipelines.records import Decoded, StreamFacts
from densewalk.pipelines.sandbox import ChildDiedError, DeadlinePassedError, Sandbox
from densewalk.pipelines.stage import Stage

__all__ = ["Decode", "DecodeConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeConfig:
    """How sources are decoded."""

    short_side_px: int = 256
    """Shorter side of stored frames; smaller sources keep their size."""
    deadline_seconds: float = 900.0
    """Time a file may take; then its decoder is killed and the file fails."""
    memory_bytes: int = 4 << 30
    """Address space of the decoder's process."""
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    """How much of a file is read."""

    def __post_init__(self) -> None:
        require(
            self.short_side_px < self.limits.min_side_px
            and f"decode.short_side_px={self.short_side_px} is below decode.limits.min_side_px",
            self.short_side_px % 2 == 1 and "decode.short_side_px must be even",
            self.deadline_seconds <= 0 and "decode.deadline_seconds must be above 0",
            self.memory_bytes < 1 << 30 and "decode.memory_bytes must be at least 1 GiB",
        )


class Decode(Stage[Source, Decoded]):
    """Decodes each source once, into a folder of its own below `scratch`."""

    name = "decode"
    version = 1

    def __init__(self, config: DecodeConfig, scratch: Path) -> None:
        self.config = config
        self.scratch = scratch
        self._sandbox: Sandbox | None = None

    def setup(self) -> None:
        """Prepare the child; it starts with the first source."""
        self._sandbox = Sandbox(
            "densewalk.pipelines.decode_child",
            deadline_seconds=self.config.deadline_seconds,
            memory_bytes=self.config.memory_bytes,
        )

    def close(self) -> None:
        """End the child."""
        if self._sandbox is not None:
            self._sandbox.close()

    def __call__(self, records: Sequence[Source]) -> list[Decoded | Verdict]:
        """Return decoded sources, or verdicts for those that give no frame.

        Raises `DataError` when the scratch folder is full.
        """
        return [self._decode(source) for source in records]

    def _decode(self, source: Source) -> Decoded | Verdict:
        folder = self.scratch / source.id
        result = self._answer(source, folder)
        if isinstance(result, Verdict):
            shutil.rmtree(folder, ignore_errors=True)
        return result

    def _answer(self, source: Source, folder: Path) -> Decoded | Verdict:
        assert self._sandbox is not None, "setup was not called"
        request = {
            "path": source.uri,
            "folder": str(folder),
            "short_side": self.config.short_side_px,
            "limits": asdict(self.config.limits),
        }
        try:
            answer = self._sandbox.call(request)
        except ChildDiedError as error:
            return _ended(source, "failed", "decoder died", str(error))
        except DeadlinePassedError:
            detail = f"decode.deadline_seconds={self.config.deadline_seconds:g}"
            return _ended(source, "failed", "deadline passed", detail)
        if "no_space" in answer:
            raise DataError(f"no space left in {self.scratch}: {answer['no_space']}; choose another --out")
        if "outcome" in answer:
            return _ended(source, answer["outcome"], answer["reason"], answer["detail"])
        return _decoded(source, folder, answer)


def _ended(source: Source, outcome: Outcome, reason: str, detail: str) -> Verdict:
    return Verdict(
        kind="source",
        id=source.id,
        source_id=source.id,
        uri=source.uri,
        outcome=outcome,
        reason=reason,
        detail=detail,
    )


def _decoded(source: Source, folder: Path, answer: dict[str, Any]) -> Decoded:
    numerator, denominator = answer.pop("time_base")
    facts = StreamFacts(**answer.pop("facts"))
    return Decoded(source=source, folder=str(folder), facts=facts, time_base=(numerator, denominator), **answer)

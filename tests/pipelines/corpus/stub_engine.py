"""An engine that looks at no video: what becomes of a source stands in its name."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from densewalk.datasets.ledger import Verdict, name_verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.records import Entry, Staged
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.stow import Stow
from densewalk.pipelines.tally import StageTally
from tests.corpus_rows import a_source, stage_clips

__all__ = ["StubEngine"]


class StubEngine:
    """Names are `.../<content>.<end>...`: `made` stages a reel with a clip, any other end is the reason of a failure.

    Copies are refused as the real chain does.
    """

    def __init__(self) -> None:
        self.asked: list[str] | deque[str] = []
        """Names of the sources that were worked on."""

    @property
    def tallies(self) -> Mapping[str, StageTally]:
        """Nothing is counted."""
        return {}

    def run(
        self, stages: Sequence[Stage[Any, Any]], records: Iterable[Entry], *, notes: Path | None = None
    ) -> Iterator[Staged | Verdict]:
        """Yield what the names say."""
        ingest = next(stage for stage in stages if isinstance(stage, Ingest))
        stow = next(stage for stage in stages if isinstance(stage, Stow))
        for entry in records:
            self.asked.append(entry.uri)
            content, end, *_ = entry.uri.rpartition("/")[2].split(".")
            if end != "made":
                yield name_verdict(entry.uri, "failed", end.replace("_", " "), "")
                continue
            source = _source(entry, content, ingest.licence)
            verdict = ingest.admission.verdict_on(source) if ingest.admission else None
            if verdict is None:
                stage_clips(stow.staging, source, [content.encode()])
            yield verdict or Staged(source=source, reel=0, is_last=True, num_clips=1)


def _source(entry: Entry, content: str, licence: str) -> Source:
    made = a_source(entry.uri, content)
    return Source(id=made.id, uri=entry.uri, bytes=7, sha256=made.sha256, licence=entry.licence or licence)

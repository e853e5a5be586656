"""What shows the held-out videos of a configuration, decoded by the same stages as a source."""

from collections.abc import Iterator
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.corpus.workplace import Workplace
from densewalk.pipelines.dedup.held_out import held_out_signatures
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Entry, Fetched, Reel
from densewalk.pipelines.stages.decode import Decode
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.probe import Probe

__all__ = ["shown_held_out"]


def shown_held_out(work: Workplace, config: PrepareConfig) -> Iterator[Signed]:
    """Yield what shows the held-out videos; they are decoded once, later calls find the result in the work folder.

    Raises `ConfigError` or `DataError` naming a held-out path that cannot be used.
    """
    return held_out_signatures(config.dedup, decoded=_Decoder(config, work.scratch), work=work.fetched)


class _Decoder:
    def __init__(self, config: PrepareConfig, scratch: Path) -> None:
        self._stages = (
            Ingest(config.licence),
            Probe(config.probe),
            Decode(config.decode, config.probe.limits, scratch / "held-out"),
        )

    def __call__(self, path: Path) -> Iterator[Reel]:
        fetched = Fetched(entry=Entry(uri=str(path)), path=str(path))
        for result in InProcessEngine().run(self._stages, [fetched]):
            if isinstance(result, Verdict):
                raise DataError(
                    f"cannot read held-out video {path}: {result.reason} ({result.detail}); "
                    "leave it out of dedup.held_out"
                )
            yield result

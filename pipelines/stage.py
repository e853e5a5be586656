"""The contract of a stage: records in, zero or more records out, faults of the data into the ledger.

A stage knows nothing of where it runs. Its engine calls `setup` once per worker, then the stage itself with lists of at
most `batch_size` records. What it returns may be a generator: the next part is made when it is asked for, so a source
of hours passes as many small records, and whoever runs the stage holds it back by not asking. Records are frozen
dataclasses that hold paths and numbers, never pixels: frames lie in a scratch folder that every worker of the corpus
can read. A record that ends its way (rejected, failed, finished) becomes a `Verdict`, which later stages never see; the
engine carries it to the ledger. Anything raised is a fault of the code.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from densewalk.datasets.ledger import Verdict

__all__ = ["Resources", "Stage"]

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one worker of a stage occupies."""

    cpus: float = 1.0
    gpus: float = 0.0


class Stage(ABC, Generic[In, Out]):
    """One step of a pipeline."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever the same input may give other output; part of the dataset's recipe hash."""
    resources: Resources = Resources()
    batch_size: ClassVar[int] = 1
    spreads: ClassVar[bool] = False
    """Whether one record may become so many that other workers should take their share of them."""

    def setup(self) -> None:
        """Load models and start helpers; called once in each worker before the first record."""

    def close(self) -> None:
        """End what `setup` started."""

    @abstractmethod
    def __call__(self, records: Sequence[In]) -> Iterable[Out | Verdict]:
        """Return or yield what becomes of the records, in their order."""

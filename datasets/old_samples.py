"""The contract of a sample source: an endless, numbered stream of samples.

Stored clips, generated scenes and mixtures of them are sources. Sample `number` is a pure function of the source's
content, its seed and the number; nothing depends on what was asked before, on threads or on the number of processes.
Order, resume and distribution are therefore matters of numbers alone.
"""

from typing import Protocol, runtime_checkable

from densewalk.datasets.views import ClipBatch

__all__ = ["SampleSource"]


@runtime_checkable
class SampleSource(Protocol):
    """Samples by number, safe to ask from several threads at once."""

    def __len__(self) -> int:
        """Return the number of samples of one epoch."""
        ...

    def sample(self, number: int) -> ClipBatch:
        """Return the `number`-th sample of the endless stream as a batch of one.

        Numbers count on through the epochs: sample `len(self)` is the first of the second epoch.
        """
        ...

"""Several sources as one, each with an exact share of the stream.

The first source takes sample n when floor((n + 1) w) > floor(n w), where w is its share; the others divide what it
leaves in the same way. Shares are exact fractions, so at every moment a source differs from its due by fewer samples
than there are sources, and which source gives sample n is arithmetic on n alone.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, isfinite

from densewalk.datasets.config import require
from densewalk.datasets.old_samples import SampleSource
from densewalk.datasets.views import ClipBatch

__all__ = ["Mixture"]


class Mixture:
    """A `SampleSource` that draws from others by weight; weights are relative, a source of weight 0 is never asked."""

    def __init__(self, sources: Sequence[tuple[float, SampleSource]]) -> None:
        weights = [weight for weight, _ in sources]
        require(
            not all(isfinite(weight) and weight >= 0 for weight in weights)
            and f"mixture weights {weights} must be finite and not negative",
            not any(weights) and f"mixture weights {weights}; at least one source needs a weight above 0",
        )
        used = [(Fraction(str(weight)), source) for weight, source in sources if weight]
        total = sum(weight for weight, _ in used)
        self._sources = [source for _, source in used]
        self._length = min(ceil(len(source) * total / weight) for weight, source in used)
        self._shares: list[Fraction] = []
        for weight, _ in used:
            self._shares.append(weight / total)
            total -= weight

    def __len__(self) -> int:
        """Return the samples after which the first of the sources has been passed through once."""
        return self._length

    def sample(self, number: int) -> ClipBatch:
        """Return the `number`-th sample of the mixed stream."""
        source, inner = self.place(number)
        return self._sources[source].sample(inner)

    def place(self, number: int) -> tuple[int, int]:
        """Return which source (among those of positive weight) gives sample `number`, and its number there."""
        for index, share in enumerate(self._shares):
            taken = number * share.numerator // share.denominator
            if (number + 1) * share.numerator // share.denominator > taken:
                return index, taken
            number -= taken
        raise AssertionError("the last share is 1 and takes every number")

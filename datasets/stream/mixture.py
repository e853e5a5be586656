"""Several sources as one, each with an exact share of the stream.

The first source takes sample n when floor((n + 1) w) > floor(n w), where w is its share; the others divide what it
leaves in the same way. Shares are exact fractions, so at every moment a source differs from its due by fewer samples
than there are sources, and which source gives sample n is arithmetic on n alone.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, isfinite

from densewalk.datasets.config import require
from densewalk.datasets.samples import ClipSample, SampleSource

__all__ = ["Mixture"]


class Mixture:
    """A `SampleSource` that draws from others by weight; weights are relative, a source of weight 0 is never asked."""

    def __init__(self, sources: Sequence[tuple[float | Fraction, SampleSource]]) -> None:
        """Raises `ConfigError` on weights that are no shares."""
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
        # Numerator and denominator of each source's share of what those before it leave.
        self._shares: list[tuple[int, int]] = []
        for weight, _ in used:
            share = weight / total
            self._shares.append((share.numerator, share.denominator))
            total -= weight

    @property
    def identity(self) -> str:
        """Hex digits of the sources and their shares."""
        text = " ".join(f"{share} {source.identity}" for share, source in zip(self._shares, self._sources, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()

    def __len__(self) -> int:
        """Return the samples after which the first of the sources has been passed through once."""
        return self._length

    @property
    def sources(self) -> tuple[SampleSource, ...]:
        """The sources that are asked, in the order given."""
        return tuple(self._sources)

    def part(self, number: int) -> tuple[SampleSource, int]:
        """Return the source that gives sample `number`, and its number there."""
        index, inner = self._place(number)
        return self._sources[index], inner

    def samples(self, numbers: Sequence[int]) -> list[ClipSample]:
        """Return samples of the mixed stream; each source is asked once for all of its own."""
        places = [self._place(number) for number in numbers]
        parts = {index: iter(self._sources[index].samples(inner)) for index, inner in _by_source(places).items()}
        return [next(parts[index]) for index, _ in places]

    def column(self, number: int) -> int:
        """Return the column of the sample in its source."""
        source, inner = self.part(number)
        return source.column(inner)

    def ahead(self, numbers: Sequence[int]) -> None:
        """Tell every source which of its samples are asked for soon."""
        for index, inner in _by_source([self._place(number) for number in numbers]).items():
            self._sources[index].ahead(inner)

    def shun(self, key: str, reason: str) -> None:
        """Let every source take its clip of this key, if it has one, for damaged."""
        for source in self._sources:
            source.shun(key, reason)

    def _place(self, number: int) -> tuple[int, int]:
        for index, (numerator, denominator) in enumerate(self._shares):
            taken = number * numerator // denominator
            if (number + 1) * numerator // denominator > taken:
                return index, taken
            number -= taken
        raise AssertionError("the last share is 1 and takes every number")


def _by_source(places: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the inner numbers asked of each source, in order."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for index, inner in places:
        numbers[index].append(inner)
    return numbers

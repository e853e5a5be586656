"""How the values of a quantity are spread, in one pass and bounded memory, whatever their number.

Values are counted in fine steps, of a fixed width or, on a logarithmic axis, of a fixed share; bars are sums of whole
steps, so they are exact. Values beyond the last step are counted in it.

Shapes: N values, S steps, B bars.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

__all__ = ["Bars", "Spread"]

_MOST_BARS = 40
_SHOWN = 0.999
"""Share of the values that the bars reach; what lies beyond is counted in the last one."""
_LEAST_STEPS = 40
_ROUND = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What a histogram draws."""

    edges: list[float]
    counts: list[int]
    median: float
    open_end: bool
    """Whether the last bar holds values beyond its edge."""


class Spread:
    """Counts of a quantity."""

    def __init__(self, *, step: float, top: float, low: float = 0.0, log: bool = False, whole: bool = False) -> None:
        """Count in steps of `step` from `low` to `top`; with `log`, all three are powers of ten.

        Bars cover all steps if `whole`. Otherwise they end where values do; a logarithmic axis begins there too.
        """
        self._step, self._low, self._log, self._whole = step, low, log, whole
        self._count_S: Int64[np.ndarray, " s"] = np.zeros(round((top - low) / step) + 1, np.int64)
        self.missing = 0
        """Values that were not measured."""

    @property
    def values(self) -> int:
        """How many values were counted."""
        return int(self._count_S.sum())

    @property
    def log(self) -> bool:
        """Whether the axis is logarithmic."""
        return self._log

    def add(self, value_N: Float[np.ndarray, " n"]) -> None:
        """Count values; those that are not finite count as not measured."""
        finite_N = value_N[np.isfinite(value_N)]
        self.missing += len(value_N) - len(finite_N)
        if self._log:
            finite_N = np.log10(np.maximum(finite_N, 10.0**self._low))
        # A value on an edge must not fall below it by rounding.
        place_N = np.floor((finite_N - self._low) / self._step + 1e-6)
        place_N = np.clip(place_N, 0, len(self._count_S) - 1).astype(np.int64)
        self._count_S += np.bincount(place_N, minlength=len(self._count_S))

    def bars(self) -> Bars:
        """Return at most 40 bars around the values; one value at least must have been counted."""
        reached_S = np.cumsum(self._count_S)
        total = int(reached_S[-1])
        first, last = self._shown_steps(reached_S)
        width = self._bar_steps(last - first)
        first -= first % width
        num_bars = -(-(last - first) // width)
        padded_S = np.zeros(num_bars * width, np.int64)
        inside_S = self._count_S[first : first + len(padded_S)]
        padded_S[: len(inside_S)] = inside_S
        count_B = padded_S.reshape(num_bars, width).sum(axis=1)
        beyond = total - int(count_B.sum())
        count_B[-1] += beyond
        return Bars(
            edges=[self._value(first + bar * width) for bar in range(num_bars + 1)],
            counts=count_B.tolist(),
            median=self._value(int(np.searchsorted(reached_S, (total + 1) // 2)) + (0.5 if self._log else 0)),
            open_end=not self._whole and bool(beyond or self._count_S[-1]),
        )

    def _shown_steps(self, reached_S: Int64[np.ndarray, " s"]) -> tuple[int, int]:
        """Return the first step of the bars and the one behind the last."""
        if self._whole:
            return 0, len(self._count_S) - 1
        last = int(np.searchsorted(reached_S, _SHOWN * reached_S[-1])) + 1
        if not self._log:
            return 0, max(last, _LEAST_STEPS)
        first = int(np.argmax(self._count_S > 0))
        spare = max(0, _LEAST_STEPS - (last - first))
        return max(0, first - spare // 2), last + spare // 2

    def _bar_steps(self, span: int) -> int:
        """Return how many steps make a bar: a round number."""
        scale = 1
        while True:
            for factor in _ROUND:
                if span <= factor * scale * _MOST_BARS:
                    return factor * scale
            scale *= 10

    def _value(self, place: float) -> float:
        value = self._low + place * self._step
        return float(10.0**value) if self._log else round(value, 9)

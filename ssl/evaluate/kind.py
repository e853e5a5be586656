"""The kinds of benchmark: how one is configured and built, what it needs of a subject, how its scores are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from densewalk.ssl.evaluate.benchmark import Benchmark
from densewalk.ssl.matchers.offer import Offer
from densewalk.ssl.report.table import Column

__all__ = ["BenchmarkKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkKind:
    """Everything that is known of a benchmark before it runs."""

    config: Callable[[], Any]
    """Returns the default configuration; one with a field `data` is of a benchmark that reads files."""
    build: Callable[[Any], Benchmark]
    """Makes the benchmark; raises `BenchmarkError` without data and `DataError` when it is not all there."""
    reads: frozenset[Offer]
    """What of a subject it can be measured by; one of these is enough."""
    columns: Mapping[str, Column]
    """The scalars that tables show, in order; the first is the headline."""
    text: str
    """What is measured and how to read the numbers, for somebody who has not met the benchmark."""
    presets: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    """Published settings by name, as whole configurations."""
    bars: tuple[str, str] | None = None
    """The fields of a row that a bar chart shows: whose bar it is, and its length."""

    @property
    def needs_data(self) -> bool:
        """Whether the benchmark reads files."""
        return hasattr(self.config(), "data")

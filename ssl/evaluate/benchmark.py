"""The contract of a benchmark: a subject is measured and the numbers carry the protocol that made them.

A subject is any `Matcher`: a trained network, the same network untrained, raw colours, or one that stands still. Scores
of different protocols never share a table; `comparable` says whether two may. What belongs to the subject (its stride,
its own read-out, its weights) is provenance; what the benchmark decides is protocol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.matchers.matcher import Matcher

__all__ = ["Benchmark", "Scores", "comparable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The result of one benchmark for one subject."""

    name: str
    """Benchmark."""
    subject: str
    """What was measured."""
    headline: str
    """Key of the scalar that sums the result up."""
    scalars: Mapping[str, float]
    """Every number, as published units name them (percent in 0-100, pixels)."""
    protocol: Mapping[str, Any]
    """Every setting that moves a number: data, items, resolution, query mode, read-out."""
    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """One row an item (video, class, ...)."""
    pictures: Mapping[str, str] = field(default_factory=dict)
    """Picture files by caption, as paths from the scores' own folder."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Checkpoint, commit, versions, seed."""


@runtime_checkable
class Benchmark(Protocol):
    """Something a subject can be measured by; the data is the benchmark's own."""

    name: str
    config: Any
    """Its settings, a dataclass."""

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Measure `matcher`; `subject` is the name its scores carry, `notebook` takes pictures, tables and progress."""
        ...


def comparable(first: Scores, second: Scores) -> bool:
    """Return whether two scores were made under the same protocol."""
    return first.name == second.name and dict(first.protocol) == dict(second.protocol)

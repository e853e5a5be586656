"""Published results, each with the protocol it was made under, so that nobody compares what cannot be compared.

The rows stand in `published.yaml`. A row's protocol is a preset of its benchmark, single settings, or both; settings it
does not name are free. `differs` says in words where a measurement's protocol is another one; a row whose publication
does not say enough carries a remark, and then differs from everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from densewalk.datasets.config import leaves
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.settings import settings_of

__all__ = ["Reference", "published"]

_FILE = Path(__file__).with_name("published.yaml")
_COUNTS = "num_"
"""Settings that a protocol replaces by how many items there were; a row names those it was published on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One published result."""

    subject: str
    """The system, as its authors call it, with the architecture."""
    scalars: Mapping[str, float]
    """Numbers under the benchmark's own names and units."""
    source: str
    """Paper, and where in it or through whom the number was read."""
    protocol: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted name that a measurement must share."""
    remark: str = ""
    """What is not known of the protocol, or is another one."""

    def differs(self, protocol: Mapping[str, Any]) -> list[str]:
        """Return what sets a measurement's protocol apart from this row's, in words; empty when nothing does."""
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in leaves(protocol)}
        apart = [
            f"{name} {value!r} there, {found.get(name)!r} here"
            for name, value in self.protocol.items()
            if found.get(name) != value
        ]
        return [*([self.remark] if self.remark else []), *apart]


@cache
def published(benchmark: str) -> tuple[Reference, ...]:
    """Return the published results of a benchmark; none when nobody wrote any down."""
    rows = yaml.safe_load(_FILE.read_text()).get(benchmark, [])
    return tuple(_reference(benchmark, row) for row in rows)


def _reference(benchmark: str, row: Mapping[str, Any]) -> Reference:
    settings: dict[str, Any] = {}
    if preset := row.get("preset"):
        config = settings_of(BENCHMARKS[benchmark].presets[preset]())
        settings = {name: value for name, value in leaves(config) if not name.startswith(_COUNTS)}
    return Reference(
        subject=row["subject"],
        scalars=row["scalars"],
        source=row["source"],
        protocol=settings | row.get("protocol", {}),
        remark=row.get("remark", ""),
    )

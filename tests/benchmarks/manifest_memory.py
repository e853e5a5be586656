"""Peak memory and time of a preparation with 1,000 and with 100,000 rows in its list, on both engines.

Clips come from a stub (see `_stub_clips.py`), one in ten files is absent; everything else is the product. Memory is
that of all processes together. The search for near-duplicates takes up to `dedup.memory_bytes` for its tables; it is
set low here, so that it hides no growth. `ROWS=N` measures another number of rows.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._densewalk_command import ENVIRONMENT, stubbed
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import TreeCost, watch
from tests.benchmarks._stub_clips import write_sources

DEVICES = ("cpu",)
_FEW, _MANY = 1_000, 100_000
_SMALL_TABLES = f"dedup.memory_bytes={32 << 20}"


def run(device: str) -> Iterator[Row]:
    """Yield both numbers of rows on each engine, then their ratio."""
    many = int(os.environ.get("ROWS", _MANY))
    with tempfile.TemporaryDirectory() as text:
        lists = {count: write_sources(Path(text) / f"{count}-files", count) for count in (_FEW, many)}
        for engine in ("local", "ray"):
            costs = {}
            for count, listing in lists.items():
                costs[count] = _prepared(listing, Path(text) / f"{engine}-{count}", engine)
                yield f"{engine}, {count} rows: peak memory", costs[count].peak_mib, "MiB"
                yield f"{engine}, {count} rows: processes then", costs[count].peak_processes, "processes"
                yield f"{engine}, {count} rows: wall clock a row", 1000 * costs[count].seconds / count, "ms"
                yield f"{engine}, {count} rows: processor a row", 1000 * costs[count].cpu_seconds / count, "ms"
            yield f"{engine}: peak of {many} rows over that of {_FEW}", costs[many].peak_mib / costs[_FEW].peak_mib, "x"
            grown = costs[many].peak_mib - costs[_FEW].peak_mib
            yield f"{engine}: growth a row", 1024 * grown / (many - _FEW), "KiB"


def _prepared(listing: Path, out: Path, engine: str) -> TreeCost:
    command = stubbed(f"list:{listing}", "--out", out, "--engine", engine, _SMALL_TABLES)
    return watch(command, environment=ENVIRONMENT)

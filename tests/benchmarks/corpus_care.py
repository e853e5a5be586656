"""Looking after a corpus: seconds per 10,000 clips of `inspect`, `merge` and `purge`, beside reading its bytes once.

The corpus has 11,111 small clips of one second, made by a stub of the stages (see `_stub_clips.py`), of a source each.
The yardstick is SHA-256 over the shards, which whoever verifies them cannot avoid. Commands are timed with their start.
"""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from densewalk.datasets.dataset_card import INDEX
from tests.benchmarks._densewalk_command import ENVIRONMENT, densewalk, stubbed
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import TreeCost, watch
from tests.benchmarks._stub_clips import write_sources

DEVICES = ("cpu",)
_NUM_SOURCES, _SHARD_BYTES = 11_111, 64_000_000


def run(device: str) -> Iterator[Row]:
    """Yield the yardstick, then each command."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        dataset = folder / "corpus"
        listing = write_sources(folder / "sources", _NUM_SOURCES)
        command = stubbed(f"list:{listing}", "--out", dataset, "--engine", "local", f"pack.shard_bytes={_SHARD_BYTES}")
        made = watch(command, environment=ENVIRONMENT)
        index = pd.read_parquet(dataset / INDEX)
        mb = sum(path.stat().st_size for path in (dataset / "shards").iterdir()) / 1e6
        yield "clips", len(index), "clips"
        yield "shards", len(list((dataset / "shards").iterdir())), "shards"
        yield "bytes", mb, "MB"
        yield "SHA-256 of the shards", mb / _hashing_seconds(dataset / "shards"), "MB/s"
        yield from _rows("prepare without pixels", made, len(index), mb)
        sources = index["source_id"].tolist()
        few = folder / "one-in-a-hundred.txt"
        few.write_text("".join(f"{source}\n" for source in sources[::100]))
        for what, words in {
            "inspect, nothing decoded": ("inspect", dataset, "--decode", 0),
            "inspect, one in 100 decoded": ("inspect", dataset, "--decode", 100),
            "merge": ("merge", dataset, "--out", folder / "merged"),
            "purge of one source": ("purge", dataset, "--source", sources[1]),
            "purge of one source in a hundred": ("purge", dataset, "--list", few),
        }.items():
            yield from _rows(what, watch(densewalk(*words), environment=ENVIRONMENT), len(index), mb)


def _rows(what: str, cost: TreeCost, num_clips: int, mb: float) -> Iterator[Row]:
    yield f"{what}: 10,000 clips", cost.seconds * 10_000 / num_clips, "s"
    yield f"{what}: shards' bytes over wall clock", mb / cost.seconds, "MB/s"
    yield f"{what}: peak memory", cost.peak_mib, "MiB"


def _hashing_seconds(folder: Path) -> float:
    began = time.perf_counter()
    for path in folder.iterdir():
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
    return time.perf_counter() - began

"""The table of clips of a dataset of a million: opening it, and what a further process holds, beside pandas and a list.

Index and card are made up; there are no shards. Each figure is of a process of its own, its memory that which is not
backed by files, above what its imports take.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from densewalk.datasets.dataset_card import CardCounts, write_card
from densewalk.datasets.records import ClipRow, clip_key
from densewalk.datasets.shards.index import write_index
from tests.benchmarks._measuring import Row
from tests.corpus_rows import a_clip, a_source

DEVICES = ("cpu",)
_CLIPS, _OF_SOURCE, _OF_SHARD = 1_000_000, 10, 1000

_HEAD = """
import json, pickle, sys, time
from pathlib import Path
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.shards.index import read_index
from densewalk.datasets.storage.config import CacheConfig
folder = Path(sys.argv[1])
def held():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1]) / 1024
before, began = held(), time.perf_counter()
"""
_TAIL = "\nprint(json.dumps([time.perf_counter() - began, held() - before]))"
_OPEN = 'opened = Dataset.open(folder, CacheConfig(folder=folder / "cache"))'
_WAYS = {
    "opened the first time": f'{_OPEN}; (folder / "pickled").write_bytes(pickle.dumps(opened))',
    "opened again": _OPEN,
    "a worker process, 2000 clips looked up": 'opened = pickle.loads((folder / "pickled").read_bytes())\n'
    "for clip in range(0, len(opened), len(opened) // 2000): opened.table.keys[clip], opened.table.fps_N[clip]",
    "pandas.read_parquet, with its import": 'import pandas; opened = pandas.read_parquet(folder / "index.parquet")',
    "a list of rows, 200,000 of them": "from itertools import islice; from densewalk.datasets.row_tables import "
    'read_rows; from densewalk.datasets.records import ClipRow; opened = list(islice(read_rows(folder / "index.parquet"'
    ", ClipRow), 200_000))",
}


def run(device: str) -> Iterator[Row]:
    """Yield seconds and memory of each way."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        counts = CardCounts()
        write_index(folder / "index.parquet", counts.clips(_rows()))
        shards = {_shard(number): "0" * 64 for number in range(_CLIPS // _OF_SHARD)}
        write_card(folder, counts.card(recipe_hash="0" * 16, shard_sha256=shards))
        yield "clips", _CLIPS, "clips"
        yield "index.parquet", (folder / "index.parquet").stat().st_size / 1e6, "MB"
        for what, code in _WAYS.items():
            command = [sys.executable, "-P", "-c", _HEAD + code + _TAIL, folder]
            seconds, mib = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            yield what, seconds, "s"
            yield f"{what}: memory", mib, "MiB"


def _rows() -> Iterator[ClipRow]:
    """Yield rows by key, whose places in the shards are shuffled."""
    plain = a_clip(a_source(), 0, motion=12.5, sharpness=0.3, label="a class")
    for number in range(_CLIPS):
        source, place = f"{number // _OF_SOURCE:020x}", number % _OF_SOURCE
        lies = number * 7919 % _CLIPS
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        yield replace(
            plain,
            key=clip_key(source, place, place + 1),
            source_id=source,
            shard=_shard(lies // _OF_SHARD),
            offset=512 + lies % _OF_SHARD * 400_000,
            sha256=digest,
            companions=f"json={digest}",
        )


def _shard(number: int) -> str:
    return f"clips-{number:05d}.tar"

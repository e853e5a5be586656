"""Ranges of 400 KB, the size of a clip, out of shards: from a folder, from copies, and from a server on loopback.

Milliseconds are wall clock and CPU of the reading process, the server runs in one of its own. Peers read the same
ranges of the same server one after another. Rounds alternate, medians are compared.
"""

import hashlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import numpy as np
import requests

from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.opening import open_store

DEVICES = ("cpu",)
_SHARD_BYTES, _RANGE_BYTES, _ROUNDS, _READS = 96 << 20, 400_000, 5, 40
_SERVE = (
    "import sys, time; from pathlib import Path; from tests.range_server import RangeServer\n"
    "with RangeServer({'d/a.tar': Path(sys.argv[1]).read_bytes()}) as server:\n"
    "    print(server.url, flush=True); sys.stdin.read()\n"
)

Read = Callable[[int, int], bytes]


def run(device: str) -> list[tuple[str, float, str]]:
    """Measure on a shard of random bytes that the page cache holds."""
    with tempfile.TemporaryDirectory() as folder:
        shard = Path(folder) / "d" / "a.tar"
        shard.parent.mkdir()
        shard.write_bytes(np.random.default_rng(0).bytes(_SHARD_BYTES))
        with _served(shard) as url:
            download, reads = _ways(Path(folder), shard, url)
            walls, cpus = _measured(reads)
    rows = [("a whole shard from loopback into the cache, hashed", _SHARD_BYTES / download / 1e6, "MB/s")]
    for name in reads:
        rows.append((f"400 KB, {name}", walls[name] * 1e3, "ms"))
        rows.append((f"400 KB, {name}: CPU", cpus[name] * 1e3, "ms"))
    plain, ranges = walls["plain open, seek, read"], walls["ours, range"]
    return [
        *rows,
        ("ours, from a copy, over plain open", walls["ours, copy"] / plain, "x"),
        ("ours, folder, over plain open", walls["ours, folder"] / plain, "x"),
        ("ours, range, over ours, copy", ranges / walls["ours, copy"], "x"),
        ("fsspec http over ours, range", walls["fsspec http"] / ranges, "x"),
        ("requests session over ours, range", walls["requests session"] / ranges, "x"),
        ("requests without session over ours, range", walls["requests, new connection"] / ranges, "x"),
    ]


def _ways(folder: Path, shard: Path, url: str) -> tuple[float, dict[str, Read]]:
    """Return the seconds that a download took, and all ways to read a range."""
    ranged = open_store(f"{url}/d", CacheConfig(folder=folder / "none", bytes=0))
    sha256 = hashlib.sha256(shard.read_bytes()).hexdigest()
    cached = open_store(f"{url}/d", CacheConfig(folder=folder / "cache")).knowing({"a.tar": sha256})
    began = time.perf_counter()
    cached.ahead(["a.tar"])
    while not cached.counts["downloads"]:
        time.sleep(0.001)
    download = time.perf_counter() - began
    local = open_store(shard.parent, CacheConfig(folder=folder / "cache"))
    http, session, address = fsspec.filesystem("http"), requests.Session(), f"{url}/d/a.tar"

    def plain(offset: int, size: int) -> bytes:
        with shard.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def header(offset: int, size: int) -> dict[str, str]:
        return {"Range": f"bytes={offset}-{offset + size - 1}"}

    return download, {
        "plain open, seek, read": plain,
        "ours, folder": lambda offset, size: local.read("a.tar", offset, size),
        "ours, copy": lambda offset, size: cached.read("a.tar", offset, size),
        "ours, range": lambda offset, size: ranged.read("a.tar", offset, size),
        "fsspec http": lambda offset, size: http.cat_file(address, start=offset, end=offset + size),
        "requests session": lambda offset, size: session.get(address, headers=header(offset, size)).content,
        "requests, new connection": lambda offset, size: (
            requests.get(address, headers=header(offset, size), timeout=20).content
        ),
    }


def _measured(reads: dict[str, Read]) -> tuple[dict[str, float], dict[str, float]]:
    """Return wall and CPU seconds of one read by each way, medians of reads and of rounds."""
    places = np.random.default_rng(1).integers(0, _SHARD_BYTES - _RANGE_BYTES, _READS).tolist()
    expected = {read(places[0], _RANGE_BYTES) for read in reads.values()}
    assert len(expected) == 1, "ways to read disagree"
    walls: dict[str, list[float]] = {name: [] for name in reads}
    cpus: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(_ROUNDS):
        for name, read in reads.items():
            cpu = time.process_time()
            for place in places:
                began = time.perf_counter()
                read(place, _RANGE_BYTES)
                walls[name].append(time.perf_counter() - began)
            cpus[name].append((time.process_time() - cpu) / _READS)
    return _medians(walls), _medians(cpus)


def _medians(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(seconds) for name, seconds in values.items()}


@contextmanager
def _served(shard: Path) -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(shard)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait()

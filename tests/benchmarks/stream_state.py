"""What the state of a stream costs: its order at ten million clips, going on in mid epoch, the memory of a worker.

Going on is measured on the same tars for both: our stream is told the state and gives its first batch; webdataset
knows no place in an epoch, so it reads over all before without decoding, which is the least it must do.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import webdataset

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.order import CanonicalOrder
from tests.benchmarks._measuring import Row, in_fresh_process, resident_gib
from tests.benchmarks._process_tree import private_mib
from tests.benchmarks._stored_corpus import StoredCorpus, stored_corpus

DEVICES = ("cpu",)
_GROUPS, _GROUP_SIZE = 10_000, 1_000
_ASKED = 20_000
_BATCH, _SKIPPED_BATCHES = 8, 1_000
_PLAN = PalindromePlan(size=224)


def run(device: str) -> Iterator[Row]:
    """Yield the cost of order, then of going on, then the memory of a worker."""
    yield from in_fresh_process(_order_cost)
    with tempfile.TemporaryDirectory() as folder:
        corpus = stored_corpus(Path(folder))
        yield from _resume_cost(corpus)
        yield from _worker_memory(corpus)


def _order_cost() -> list[Row]:
    before = resident_gib("VmRSS")
    began = time.perf_counter()
    order = CanonicalOrder([_GROUP_SIZE] * _GROUPS, identity="00", seed=0, columns=64, window=512)
    order.place(0, 0)
    opened = time.perf_counter() - began
    rows: list[Row] = [("order of 10 million clips: the first sample", 1e3 * opened, "ms")]
    for what, numbers in (
        ("one after another", range(_ASKED)),
        ("of a rank of eight", range(0, 8 * _ASKED, 8)),
        ("in mid epoch", range(5_000_000, 5_000_000 + _ASKED)),
    ):
        began = time.perf_counter()
        for number in numbers:
            order.place(1, number)
        rows.append((f"order of 10 million clips, {what}", 1e6 * (time.perf_counter() - began) / _ASKED, "us/sample"))
    rows.append(("order of 10 million clips: memory", 1e3 * (resident_gib("VmRSS") - before), "MiB"))
    return rows


def _resume_cost(corpus: StoredCorpus) -> list[Row]:
    source = ClipSource(Dataset.open(corpus.folder), _PLAN)
    epoch, consumed = divmod(_SKIPPED_BATCHES * _BATCH, len(source))

    def go_on(stream: BatchStream) -> None:
        stream.load_state_dict(stream.state_dict() | {"epoch": epoch, "consumed": consumed})
        next(stream)

    with BatchStream(source, _BATCH, workers=1) as stream:
        fresh = _seconds(lambda: next(stream))
    with BatchStream(source, _BATCH, workers=1) as stream:
        resumed = _seconds(lambda: go_on(stream))
        again = _seconds(lambda: go_on(stream))
    tars = [str(path) for path in corpus.shards]
    samples = webdataset.WebDataset(tars, shardshuffle=False, empty_check=False).repeat()
    skipped = _seconds(lambda: next(islice(samples, _SKIPPED_BATCHES * _BATCH, None)))
    return [
        ("first batch of a run, a worker started anew", fresh, "s"),
        (f"first batch after {_SKIPPED_BATCHES:,} others, a worker started anew", resumed, "s"),
        (f"first batch after {_SKIPPED_BATCHES:,} others, the worker running", again, "s"),
        (f"webdataset reads over {_SKIPPED_BATCHES:,} batches without decoding", skipped, "s"),
    ]


def _worker_memory(corpus: StoredCorpus) -> list[Row]:
    with BatchStream(ClipSource(Dataset.open(corpus.folder), _PLAN), _BATCH, workers=1) as stream:
        for _ in range(40):
            next(stream)
        return [("a worker's own memory", max(private_mib()), "MiB")]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

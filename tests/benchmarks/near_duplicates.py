"""Near-duplicates: what a signature costs, and how the search grows with the number of clips.

Films are drawn at random, ten seconds each, with amplitudes of real ones that drift as real ones do; one in twenty is a
noisy, trimmed copy of an earlier one. Peak memory is the growth of a fresh process over what its imports take.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.film import NUM_COSINES, film_of, film_text
from densewalk.pipelines.dedup.matching import match
from densewalk.pipelines.dedup.signed import Signed
from tests.benchmarks._measuring import Row, in_fresh_process, resident_gib

DEVICES = ("cpu",)
_COUNTS = (10_000, 100_000)
_SAMPLES, _EVERY = 40, 20


def run(device: str) -> Iterator[Row]:
    """Measure films of noise and searches among drawn films."""
    rng = np.random.default_rng(0)
    thumbnail_KHWC = rng.integers(0, 256, (300, 27, 48, 3), dtype=np.uint8)
    yield "film of 300 frames", _seconds(lambda: film_of(thumbnail_KHWC, fps=30.0)) / 300 * 1e6, "us/frame"
    first, second = (drawn_film(rng) for _ in range(2))
    yield "comparison of two films of 10 s", _seconds(lambda: match(first, second, min_samples=20)) * 1e6, "us"
    yield "signature of a clip of 10 s", len(film_text(first)), "bytes"
    for count in _COUNTS:
        seconds, mib, found = in_fresh_process(search, count)
        yield f"search among {count} clips", seconds / count * 1e6, "us/clip"
        yield f"search among {count} clips, peak memory", mib, "MiB"
        yield f"search among {count} clips, copies found", found / (count // _EVERY), "of 1"


def drawn_film(rng: np.random.Generator) -> np.ndarray:
    """Return a film of a picture that drifts."""
    film_SF = 40 * rng.standard_normal(NUM_COSINES) + np.cumsum(5 * rng.standard_normal((_SAMPLES, NUM_COSINES)), 0)
    return np.clip(np.rint(film_SF), -127, 127).astype(np.int8)


def search(count: int, memory_bytes: int = DedupConfig().memory_bytes) -> tuple[float, float, int]:
    """Return seconds, MiB and the number of duplicates found among `count` drawn clips."""
    list(_search(100, memory_bytes))
    before = resident_gib("VmRSS")
    began = time.perf_counter()
    found = sum(1 for _ in _search(count, memory_bytes))
    seconds = time.perf_counter() - began
    return seconds, (resident_gib("VmHWM") - before) * 1024, found


def _search(count: int, memory_bytes: int) -> Iterator[object]:
    with tempfile.TemporaryDirectory() as folder:
        config = DedupConfig(memory_bytes=memory_bytes)
        yield from find_duplicates(_drawn(count), (), (), work=Path(folder), config=config)


def _drawn(count: int) -> Iterator[Signed]:
    for number in range(count):
        is_copy = number % _EVERY == _EVERY - 1
        rng = np.random.default_rng(number - _EVERY // 2 if is_copy else number)
        film_SF = drawn_film(rng)
        if is_copy:
            noise_SF = np.rint(4 * np.random.default_rng(number).standard_normal(film_SF.shape))
            film_SF = np.clip(film_SF + noise_SF, -127, 127).astype(np.int8)[2:]
        yield Signed(key=f"{number:09d}", signature=film_text(film_SF))


def _seconds(work: object) -> float:
    assert callable(work)
    work()
    began = time.process_time()
    for _ in range(20):
        work()
    return (time.process_time() - began) / 20

"""Fuzz the stages that meet files first: `python -m tests.fuzz --count N [--seed S] [--data DIR] [--keep DIR]`.

Mutates generated videos, and real ones where there are any, runs each through probe and decode under a tight deadline,
prints a running tally and a table of how they ended. A file counts as a bug of ours when our code raised, left files
behind or overran its deadline; such files are kept and the exit code is 1. Case K of a seed and the same files is
always the same, so `--only K` repeats it.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import av

from densewalk.pipelines.records import Segment
from tests.conftest import REAL_DATA
from tests.hostile.base_videos import BASES, base_video
from tests.hostile.mutations import mutated
from tests.hostile.trial import BUG, Ending, Trial

_LARGEST_REAL = 300_000
_TALLY_SECONDS = 10.0
_DEADLINE_SECONDS = 5.0
_SEGMENTS = (Segment(start_seconds=0.6, end_seconds=1.5),)
"""Wanted of every third case, so that decoders are asked to begin in the middle."""

Tally = Counter[tuple[str, str]]


def main() -> int:
    """Return 0 when no file showed a bug of ours."""
    arguments = _parser().parse_args()
    seeds = _seed_files(arguments.data)
    numbers = range(arguments.count) if arguments.only is None else [arguments.only]
    print(f"{len(numbers)} mutations of {len(seeds)} files, seed {arguments.seed}", flush=True)
    tally: Tally = Counter()
    slowest = Ending("", "", "", 0.0)
    started = printed = time.monotonic()
    for number, ending in _endings(seeds, arguments.seed, numbers, arguments.workers):
        tally[ending.outcome, ending.reason] += 1
        slowest = max(slowest, ending, key=lambda each: each.seconds)
        if ending.outcome == BUG:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{arguments.seed}-{number}.bin").write_bytes(_case(seeds, arguments.seed, number))
            print(f"BUG in case {number}: {ending.reason}: {ending.detail}\n", flush=True)
        if arguments.only is not None:
            print(ending)
        if time.monotonic() - printed > _TALLY_SECONDS:
            printed = time.monotonic()
            print(f"{tally.total()} done, {tally.total() / (printed - started):.0f} a second", flush=True)
    _print_table(tally, slowest, time.monotonic() - started)
    num_bugs = sum(count for (outcome, _), count in tally.items() if outcome == BUG)
    if num_bugs:
        print(f"{num_bugs} files showed bugs of ours; they lie in {arguments.keep}")
    return 1 if num_bugs else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="files to make")
    parser.add_argument("--only", type=int, help="make this one only and say how it ends")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="pairs of children at work")
    parser.add_argument("--data", type=Path, default=REAL_DATA / "videos", help="folder of real videos, if it exists")
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="where files that show bugs are kept")
    return parser


def _seed_files(folder: Path) -> Sequence[bytes]:
    """Return generated videos of every kind this FFmpeg can write, and the smaller real ones below `folder`."""
    seeds = []
    for name in BASES:
        try:
            seeds.append(base_video(name))
        except av.codec.codec.UnknownCodecError:
            print(f"left out {name}: no encoder for it here")
    real = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= _LARGEST_REAL)
    return [*seeds, *(path.read_bytes() for path in real if path.suffix != ".json")]


def _case(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    rng = random.Random(f"{seed}/{number}")
    return mutated(rng.choice(seeds), rng, seeds)


def _endings(
    seeds: Sequence[bytes], seed: int, numbers: Sequence[int], num_workers: int
) -> Iterator[tuple[int, Ending]]:
    """Yield how each case ends; every thread has a pair of children of its own."""
    own = threading.local()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="densewalk-fuzz-")))

        def prepare() -> None:
            own.folder = Path(tempfile.mkdtemp(dir=folder))
            own.trial = stack.enter_context(Trial(own.folder / "scratch", deadline_seconds=_DEADLINE_SECONDS))

        def run(number: int) -> tuple[int, Ending]:
            path: Path = own.folder / f"case-{number}.mp4"
            path.write_bytes(_case(seeds, seed, number))
            ending = own.trial(path, *_SEGMENTS[: number % 3 // 2])
            path.unlink()
            return number, ending

        with ThreadPoolExecutor(num_workers, initializer=prepare) as pool:
            yield from pool.map(run, numbers)


def _print_table(tally: Tally, slowest: Ending, seconds: float) -> None:
    print(f"\n{tally.total()} files in {seconds:.0f} s; the slowest took {slowest.seconds:.1f} s ({slowest.reason})")
    for (outcome, reason), count in sorted(tally.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{count:8d}  {outcome:9s} {reason}")


if __name__ == "__main__":
    sys.exit(main())

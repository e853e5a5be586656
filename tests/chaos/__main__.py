"""Chaos: `python -m tests.chaos --count N [--seed S] [--kinds WORD ...] [--only K] [--keep-going]`.

Prepares a small corpus over and over while workers, writers, drivers and nodes are killed, disks fill and buckets lose
what they were given; repeats the command until it is done and compares every byte with an undisturbed run. Prints a
table of what was struck and what came of it; the exit code is 1 when anything differed. The folder of such a trial is
kept. Trial K of a seed always meets the same fault; a moment of time depends on the machine, a step does not.
"""

import argparse
import logging
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos.kinds import KINDS
from tests.chaos.places import can_mount
from tests.chaos.references import References
from tests.chaos.trial import Ending, run_trial

Tally = dict[str, list[Ending]]


def main() -> int:
    """Return 0 when every trial ended as an undisturbed preparation does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # disks and clusters are put away
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the bucket's server tells of every request
    arguments = _parser().parse_args()
    names = _names(arguments.kinds)
    numbers = range(arguments.count) if arguments.only is None else [arguments.only]
    started = time.monotonic()
    tally: Tally = defaultdict(list)
    print(f"{len(numbers)} trials of {len(names)} kinds, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="dw-chaos-corpus-") as folder:
        for number, name, ending in _endings(numbers, names, arguments.seed, Path(folder)):
            tally[name].append(ending)
            _tell(number, name, ending, arguments.seed)
            if ending.wrongs and not arguments.keep_going:
                break
    _print_table(tally, time.monotonic() - started)
    return int(any(ending.wrongs for endings in tally.values() for ending in endings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20, help="trials to run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="K", help="run trial K of this seed alone")
    parser.add_argument(
        "--kinds", nargs="+", default=[""], metavar="WORD", help="kinds whose names hold one of the words"
    )
    parser.add_argument("--keep-going", action="store_true", help="go on after a trial that ended wrongly")
    return parser


def _names(words: Sequence[str]) -> list[str]:
    names = [name for name in KINDS if any(word in name for word in words)]
    if not names:
        raise SystemExit(f"no kind is called like {words}; there are: {', '.join(KINDS)}")
    with tempfile.TemporaryDirectory() as folder:
        mounts = can_mount(Path(folder))
    if not mounts:
        print("left out full disks: this user may not mount one")
    return [name for name in names if mounts or KINDS[name].place != "disk"]


def _endings(
    numbers: Sequence[int], names: Sequence[str], seed: int, folder: Path
) -> Iterator[tuple[int, str, Ending]]:
    references = References(folder)
    for number in numbers:
        name = names[number % len(names)]
        yield number, name, run_trial(KINDS[name], references, random.Random(f"{seed}/{number}"))


def _tell(number: int, name: str, ending: Ending, seed: int) -> None:
    runs = "; ".join(ending.moments)
    how = "WRONG" if ending.wrongs else "equal"
    print(
        f"{number:4d} {how} {name}: {ending.strikes} struck, {ending.runs} runs ({runs}), {ending.seconds:.1f} s",
        flush=True,
    )
    for wrong in ending.wrongs:
        print(f"     {wrong}")
    if ending.wrongs:
        print(f"     kept in {ending.folder}; repeat it with --seed {seed} --only {number}", flush=True)


def _print_table(tally: Tally, seconds: float) -> None:
    print(f"\n{'fault':34s} {'trials':>7s} {'struck':>7s} {'repeats':>8s} {'wrong':>6s} {'seconds':>8s}")
    for name, endings in tally.items():
        _print_row(name, endings)
    every = [ending for endings in tally.values() for ending in endings]
    _print_row("all", every)
    print(f"{len(every)} trials in {seconds:.0f} s")


def _print_row(name: str, endings: Sequence[Ending]) -> None:
    struck = sum(ending.strikes for ending in endings)
    repeats = sum(ending.runs - 1 for ending in endings)
    wrong = sum(bool(ending.wrongs) for ending in endings)
    mean = sum(ending.seconds for ending in endings) / max(len(endings), 1)
    print(f"{name:34s} {len(endings):7d} {struck:7d} {repeats:8d} {wrong:6d} {mean:8.1f}")


if __name__ == "__main__":
    sys.exit(main())

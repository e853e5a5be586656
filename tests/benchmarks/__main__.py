"""Run every benchmark of this folder and print one table: `python -m tests.benchmarks [--device cuda] [NAME ...]`.

A benchmark is a module with `DEVICES`, the devices it can run on, and `run(device)`, which yields rows of (what, value,
unit); modules whose names begin with an underscore help them. Ratios are of two things measured in the same call.
"""

import argparse
import importlib
import platform
import sys
from datetime import date
from pathlib import Path

import torch


def main() -> int:
    """Return the exit code: 2 when the device is absent."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"benchmarks to run (default: all): {', '.join(known)}"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(known)):
        parser.error(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device is visible to torch on this machine; nothing was measured")
        return 2
    print(f"{date.today().isoformat()}, {_machine(arguments.device)}, torch {torch.__version__}\n")
    print("| benchmark | what | value | unit |\n|---|---|---:|---|")
    for name in arguments.names or known:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        if arguments.device in module.DEVICES:
            for what, value, unit in module.run(arguments.device):
                print(f"| {name} | {what} | {value:.4g} | {unit} |", flush=True)
            if arguments.device == "cuda":
                torch.cuda.empty_cache()
    return 0


def _machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    sys.exit(main())

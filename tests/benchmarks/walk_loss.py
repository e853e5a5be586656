"""The three back ends of the walk loss beside each other: time and memory of forward and backward.

128 channels of unit variance at temperature sqrt(128), four taps, labels of a crop at 0.8 x 0.9 of the scale.
"""

import time
from collections.abc import Iterator
from functools import partial

import torch

from densewalk.ssl.walk.labels import WalkLabels, bilinear_labels
from densewalk.ssl.walk.loss import WalkBackend, walk_loss
from densewalk.ssl.walk.pair_features import PairFeatures
from tests.benchmarks._measuring import Row, in_fresh_process, resident_gib

DEVICES = ("cpu", "cuda")
_CHANNELS = 128
_GIB = 2**30


def run(device: str) -> Iterator[Row]:
    """Measure up to 128 x 128 nodes; on the CPU the largest grid is for the tiled form alone."""
    if device == "cuda":
        for side in (64, 128):
            yield from _on_gpu(side)
        return
    for side in (16, 32, 64):
        seconds = {backend: _seconds(_problem(side, "cpu"), backend) for backend in ("dense", "tiled")}
        for backend, value in seconds.items():
            yield f"N={side**2}: {backend}, forward + backward", value * 1e3, "ms"
        yield f"N={side**2}: dense over tiled", seconds["dense"] / seconds["tiled"], "x"
    spent, gib = in_fresh_process(_alone, 128)
    yield "N=16384: tiled, forward + backward", spent, "s"
    yield "N=16384: tiled, memory beyond the features", gib, "GiB"
    yield "N=16384: dense would take (32 bytes N^2)", 32 * 128**4 / _GIB, "GiB"


def _on_gpu(side: int) -> Iterator[Row]:
    seconds: dict[str, float] = {}
    for backend, dtype in (("dense", "float32"), ("tiled", "float32"), ("fused", "float32"), ("fused", "bfloat16")):
        name = f"{backend} {dtype}"
        problem = _problem(side, "cuda", getattr(torch, dtype))
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        seconds[name] = _seconds(problem, backend)
        yield f"N={side**2}: {name}, forward + backward", seconds[name] * 1e3, "ms"
        yield f"N={side**2}: {name}, memory", (torch.cuda.max_memory_allocated() - before) / _GIB, "GiB"
    for name in list(seconds)[1:]:
        yield f"N={side**2}: dense float32 over {name}", seconds["dense float32"] / seconds[name], "x"


def _problem(
    side: int, device: str, dtype: torch.dtype = torch.float32
) -> tuple[PairFeatures, PairFeatures, WalkLabels]:
    generator = torch.Generator().manual_seed(0)

    def pair() -> PairFeatures:
        source, target = (
            torch.randn(1, side**2, _CHANNELS, generator=generator).to(device, dtype).requires_grad_() for _ in range(2)
        )
        return PairFeatures(source_BND=source, target_BND=target, grid_hw=(side, side), temperature=_CHANNELS**0.5)

    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    node = torch.stack((column * 0.8, row * 0.9), -1).view(1, -1, 2) + 0.05 * side
    valid = torch.ones(1, side**2, dtype=torch.bool, device=device)
    return pair(), pair(), bilinear_labels(node.to(device), valid, grid_hw=(side, side))


def _seconds(problem: tuple[PairFeatures, PairFeatures, WalkLabels], backend: WalkBackend) -> float:
    """Return the least of four times after one for nothing."""
    times = []
    for _ in range(5):
        _wait(problem)
        began = time.perf_counter()
        walk_loss(*problem, backend=backend).backward()
        _wait(problem)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _wait(problem: tuple[PairFeatures, PairFeatures, WalkLabels]) -> None:
    if problem[0].source_BND.is_cuda:
        torch.cuda.synchronize()


def _alone(side: int) -> tuple[float, float]:
    """Return the seconds of one call and the GiB by which the process grew at its peak; libraries are loaded before."""
    loss = partial(walk_loss, backend="tiled")
    loss(*_problem(16, "cpu")).backward()
    problem = _problem(side, "cpu")
    before = resident_gib("VmRSS")
    began = time.perf_counter()
    loss(*problem).backward()
    return time.perf_counter() - began, resident_gib("VmHWM") - before

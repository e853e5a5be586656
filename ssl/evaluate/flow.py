"""Optical flow of a subject's displacements: FlyingChairs, FlyingThings3D, Sintel and KITTI, scored as published.

Scores (`ssl/metrics/flow.py`) are in pixels of the images as they are, whatever the raster at which the subject sees
them (`ssl/evaluate/flow_prediction.py`). What the public evaluations of RAFT and GMFlow count and average, set by set:

* chairs, sintel: every pixel; means over the pixels of all pairs;
* things: 1,024 pairs spread evenly over the TEST part, pixels slower than 400 px; means over all pixels (GMFlow);
* kitti: measured pixels; EPE is the mean over pairs of the pairs' means (RAFT), Fl over the pixels of all pairs. GMFlow
  averages EPE over all pixels: preset `gmflow`.

`warp_error` needs no truth: grey levels between the first image and the second one read where the flow leads.

Shapes: H W rows and columns, C channels, 2 = (x, y) in pixels.
"""

from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from densewalk.datasets.config import require
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.readers.flow import FLOW_SETS
from densewalk.datasets.readers.flow.pairs import LabelledPair, TrueFlow
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.flow_pictures import NUM_WORST, MeasuredPair, keep_worst_pairs
from densewalk.ssl.evaluate.flow_prediction import predict_flow
from densewalk.ssl.evaluate.flow_scores import FLOW_COLUMNS, pair_rows
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.settings import data_for, settings_of
from densewalk.ssl.evaluate.spread import spread_over
from densewalk.ssl.evaluate.truth_hash import TruthHash
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.flow import Share, flow_shares, over_pairs, over_pixels, share_of, speed_of, warp_difference

__all__ = ["KINDS", "FlowBenchmark", "FlowBenchmarkConfig"]

FlowDataset = Literal["chairs", "things", "sintel-clean", "sintel-final", "kitti2012", "kitti2015"]

_IN_PERCENT = ("1px", "3px", "5px", "Fl-all", "Fl-bg", "Fl-fg")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBenchmarkConfig:
    """What is measured, and how."""

    dataset: FlowDataset = "chairs"
    """Data set, which decides the layout of the files."""
    data: Path | None = None
    """The data set's folder."""
    split: str = "validation"
    """Part of it; FlyingChairs has validation, training and all, Sintel and KITTI have a truth for training only."""
    num_pairs: int = 0
    """Pairs, every n-th of the set from the first on (GMFlow takes 1,024 of FlyingThings3D); 0 means all."""
    slower_than_px: float = 0.0
    """Pixels whose true displacement is this long or longer are not counted (FlyingThings3D: 400); 0 counts all."""
    epe_over: Literal["pixels", "pairs"] = "pixels"
    """What EPE and its parts are averaged over: all pixels together, or pairs, each with its own mean (RAFT, KITTI)."""
    upsample: int = 1
    """Factor by which images are enlarged first; the evaluation stride is the matcher's over this."""
    short_side: int = 0
    """Pixels that the shorter side is resized to first, the ratio of sides kept; 0 leaves the size to `upsample`."""

    def __post_init__(self) -> None:
        splits = FLOW_SETS[self.dataset].splits
        require(
            self.split not in splits and f"split={self.split}: {self.dataset} has {', '.join(splits)}",
            self.num_pairs < 0 and f"num_pairs={self.num_pairs} must be 0 (all) or more",
            self.slower_than_px < 0 and f"slower_than_px={self.slower_than_px} must be 0 (no limit) or more",
            self.upsample < 1 and f"upsample={self.upsample} must be at least 1",
            self.short_side < 0 and f"short_side={self.short_side} must be 0 (as it is) or more",
            self.short_side > 0
            and self.upsample > 1
            and f"short_side={self.short_side} and upsample={self.upsample} both set the size; give one of them",
        )


class FlowBenchmark:
    """Scalars as in `ssl/metrics/flow.py`, in pixels and percent, and `warp_error` in grey levels (0-255).

    Raises `BenchmarkError` without data and `DataError` when some of it is absent.
    """

    def __init__(self, config: FlowBenchmarkConfig) -> None:
        self.config, self.name = config, f"flow-{config.dataset}"
        dataset = FLOW_SETS[config.dataset]
        self._pairs = dataset.open(data_for(self.name, config.data, dataset.origin.expected), config.split)
        self._chosen = spread_over(len(self._pairs), config.num_pairs)

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Measure every pair; one row a pair."""
        truth_hash = TruthHash()
        names: list[str] = []
        shares: list[dict[str, Share]] = []
        worst: list[MeasuredPair] = []
        for done, number in enumerate(self._chosen, start=1):
            measured = self._measure(matcher, self._pairs[number])
            truth = measured.pair.truth
            truth_hash.add(measured.pair.name, truth.flow_2HW, truth.known_HW, truth.hidden_HW, truth.object_HW)
            names.append(measured.pair.name)
            shares.append(measured.shares)
            if notebook.keeps:
                worst = nlargest(NUM_WORST, [*worst, measured], key=MeasuredPair.badness)
            notebook.progress(done, len(self._chosen), measured.pair.name)
        rows = pair_rows(names, shares)
        notebook.table("pairs.csv", rows)
        keep_worst_pairs(notebook, worst)
        return Scores(
            name=self.name,
            subject=subject,
            headline="EPE",
            scalars=self._sum_up(shares),
            protocol=self._protocol(truth_hash.digits),
            rows=rows,
            provenance={"data": str(self.config.data)},
        )

    def _measure(self, matcher: Matcher, pair: LabelledPair) -> MeasuredPair:
        predicted_2HW = predict_flow(
            matcher,
            pair.first_HWC,
            pair.second_HWC,
            upsample=self.config.upsample,
            short_side=self.config.short_side,
        )
        truth, counted_HW = pair.truth, self._counted(pair.truth)
        shares = flow_shares(
            predicted_2HW,
            truth.flow_2HW,
            counted_HW=counted_HW,
            hidden_HW=truth.hidden_HW,
            object_HW=truth.object_HW,
        )
        shares["warp_error"] = share_of(warp_difference(pair.first_HWC, pair.second_HWC, predicted_2HW))
        return MeasuredPair(pair=pair, predicted_2HW=predicted_2HW, counted_HW=counted_HW, shares=shares)

    def _counted(self, truth: TrueFlow) -> Bool[np.ndarray, "h w"]:
        limit = self.config.slower_than_px
        return truth.known_HW & (speed_of(truth.flow_2HW) < limit) if limit else truth.known_HW

    def _sum_up(self, shares: list[dict[str, Share]]) -> dict[str, float]:
        scalars = over_pixels(shares)
        if "EPE" not in scalars:
            raise BenchmarkError(f"{self.name}: no pixel of {self.config.data} has a true flow that is counted")
        if self.config.epe_over == "pairs":
            scalars |= {name: mean for name, mean in over_pairs(shares).items() if name not in _IN_PERCENT}
        return scalars

    def _protocol(self, truth_sha256: str) -> dict[str, Any]:
        return settings_of(self.config) | {
            "split": self._pairs.split,
            "num_pairs": len(self._chosen),
            "truth_sha256": truth_sha256,
            "read_out": "bilinear at pixel centres",
        }


_SPEEDS = ("s0-10", "s10-40", "s40+")
_MATCHED = ("EPE-matched", "EPE-unmatched")


def _kind(dataset: FlowDataset, columns: tuple[str, ...], text: str, **settings: Any) -> BenchmarkKind:
    config = partial(FlowBenchmarkConfig, dataset=dataset, split=FLOW_SETS[dataset].splits[0], **settings)
    presets = {"gmflow": partial(config, epe_over="pixels")} if "epe_over" in settings else {}
    return BenchmarkKind(
        config=config,
        build=FlowBenchmark,
        reads=frozenset(("displacement",)),
        columns={name: FLOW_COLUMNS[name] for name in (*columns, "warp_error")},
        text=f"{text} The endpoint error is the mean distance between where pixels are said to go and where they go. "
        "The warp error compares the first image with the second one read where the flow leads, without any truth.",
        presets=presets,
    )


_DENSE = ("EPE", "1px", "3px", "5px", *_SPEEDS)
_SPARSE = ("EPE", "Fl-all", "Fl-bg", "Fl-fg", *_SPEEDS, *_MATCHED)
_FL = "Fl is the share of pixels off by more than 3 px and 5 % of their motion; EPE is a mean over pairs, as RAFT's."
KINDS: dict[str, BenchmarkKind] = {
    "flow-chairs": _kind("chairs", _DENSE, "Optical flow on the validation pairs of FlyingChairs."),
    "flow-things": _kind(
        "things",
        (*_DENSE, *_MATCHED),
        "Optical flow on 1,024 pairs of FlyingThings3D's TEST part, clean pass, pixels slower than 400 px.",
        num_pairs=1024,
        slower_than_px=400.0,
    ),
    "flow-sintel-clean": _kind("sintel-clean", (*_DENSE, *_MATCHED), "Optical flow on Sintel, training, clean."),
    "flow-sintel-final": _kind("sintel-final", (*_DENSE, *_MATCHED), "Optical flow on Sintel, training, final."),
    "flow-kitti2012": _kind("kitti2012", _SPARSE, f"Optical flow on KITTI 2012, training. {_FL}", epe_over="pairs"),
    "flow-kitti2015": _kind("kitti2015", _SPARSE, f"Optical flow on KITTI 2015, training. {_FL}", epe_over="pairs"),
}

"""Displacement between two frames of held-out generated scenes, at the raster small networks are trained at.

Besides the scores of optical flow it tells how much motion a matcher sees at all: one that has learnt to stand still
predicts displacements near zero and is no worse for it than zero motion. Every score is the mean over pairs of each
one's mean over its points.

Shapes: H W rows and columns, 2 = (x, y) in pixels.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float32

from densewalk.datasets.config import require, to_mapping
from densewalk.datasets.geometry import grid_points, inside
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.flow_prediction import predict_flow
from densewalk.ssl.evaluate.flow_scores import FLOW_COLUMNS, pair_rows
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes import SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.metrics.flow import Share, flow_shares, over_pairs, share_of, speed_of, warp_difference
from densewalk.ssl.report.table import Column

__all__ = ["KIND", "ScenesFlow", "ScenesFlowConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesFlowConfig:
    """Which pairs are matched."""

    num_pairs: int = 48
    """Scenes, one pair of frames each."""
    frame_gap: int = 3
    """Frames between the two of a pair."""
    window: int = 64
    """Side of the central square that is matched, pixels."""
    upsample: int = 1
    """Factor by which frames are enlarged first; the evaluation stride is the matcher's over this."""
    scene: SceneConfig = field(default_factory=SceneConfig)
    """The scenes."""

    def __post_init__(self) -> None:
        require(
            self.num_pairs < 1 and f"num_pairs={self.num_pairs} must be at least 1",
            self.frame_gap < 1 and f"frame_gap={self.frame_gap} must be at least 1",
            not 8 <= self.window <= min(self.scene.height, self.scene.width)
            and f"window={self.window} must be at least 8 and fit the scenes",
            self.upsample < 1 and f"upsample={self.upsample} must be at least 1",
        )


class ScenesFlow:
    """Scalars over points visible in both windows, in pixels and percent: `EPE`, `predicted_px` and `true_px` (mean
    lengths), `Fl-all` and others of `ssl/metrics/flow.py`; `EPE-unmatched` is over all other points, `warp_error` over
    all, in grey levels.
    """

    name = "scenes-flow"

    def __init__(self, config: ScenesFlowConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Match one pair a scene; one row a pair."""
        config = self.config
        shares: list[dict[str, Share]] = []
        for number, scene in enumerate(held_out_scenes(config.scene, count=config.num_pairs)):
            shares.append(self._score(matcher, scene))
            notebook.progress(number + 1, config.num_pairs, f"pair {number}")
        return Scores(
            name=self.name,
            subject=subject,
            headline="EPE",
            scalars=over_pairs(shares),
            protocol=SCENE_PROTOCOL | {"pixels": "visible in both windows"} | to_mapping(config),
            rows=pair_rows(range(len(shares)), shares),
        )

    def _score(self, matcher: Matcher, scene: Scene) -> dict[str, Share]:
        rows, columns = self._window()
        first_HWC, second_HWC = (scene.frame(frame)[rows, columns] for frame in (0, self.config.frame_gap))
        true_2HW, visible_HW = self._truth(scene)
        predicted_2HW = predict_flow(matcher, first_HWC, second_HWC, upsample=self.config.upsample)
        hidden = flow_shares(predicted_2HW, true_2HW, counted_HW=~visible_HW)
        shares = flow_shares(predicted_2HW, true_2HW, counted_HW=visible_HW) | {
            "predicted_px": share_of(speed_of(predicted_2HW), visible_HW),
            "true_px": share_of(speed_of(true_2HW), visible_HW),
            "warp_error": share_of(warp_difference(first_HWC, second_HWC, predicted_2HW)),
        }
        if "EPE" in hidden:
            shares["EPE-unmatched"] = hidden["EPE"]
        return {name: share for name, share in shares.items() if share.count}

    def _truth(self, scene: Scene) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
        rows, columns = self._window()
        flow_2HW, visible_HW = scene.flow(0, self.config.frame_gap)
        flow_2HW, visible_HW = flow_2HW[:, rows, columns], visible_HW[rows, columns]
        side = self.config.window
        arrived = grid_points(side, side) + torch.from_numpy(flow_2HW.reshape(2, -1).T.copy())
        return flow_2HW, visible_HW & inside(arrived, (side, side)).reshape(side, side).numpy()

    def _window(self) -> tuple[slice, slice]:
        top, left = (
            (self.config.scene.height - self.config.window) // 2,
            (self.config.scene.width - self.config.window) // 2,
        )
        return slice(top, top + self.config.window), slice(left, left + self.config.window)


KIND = BenchmarkKind(
    config=ScenesFlowConfig,
    build=ScenesFlow,
    reads=frozenset(("displacement",)),
    columns={
        "EPE": Column(title="endpoint error", better="lower", unit="px"),
        "predicted_px": Column(title="motion seen", unit="px"),
        "true_px": Column(title="true motion", unit="px"),
        "Fl-all": FLOW_COLUMNS["Fl-all"],
        "EPE-unmatched": FLOW_COLUMNS["EPE-unmatched"],
        "warp_error": FLOW_COLUMNS["warp_error"],
    },
    text="Displacement between two frames a quarter of a second apart, at the size of the training crops. Motion seen "
    "is the mean length of the predicted displacement: near zero means standing still.",
)

"""Displacement between two frames of held-out generated scenes, at the raster small networks are trained at.

Besides the endpoint error it tells how much motion a matcher sees at all: one that has learnt to stand still predicts
displacements near zero and is no worse for it than zero motion.

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
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes import SCENE_PROTOCOL, held_out_scenes
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.report.table import Column
from densewalk.ssl.track.frames import EncodedFrames

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
    """Scalars in pixels over points visible in both windows: `EPE`, `predicted_px` and `true_px` (mean lengths)."""

    name = "scenes-flow"

    def __init__(self, config: ScenesFlowConfig) -> None:
        self.config = config

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        """Match one pair a scene; one row a pair."""
        scenes = held_out_scenes(self.config.scene, count=self.config.num_pairs)
        rows = [{"pair": number, **self._score(matcher, scene)} for number, scene in enumerate(scenes)]
        scalars = {key: float(np.mean([row[key] for row in rows])) for key in ("EPE", "predicted_px", "true_px")}
        return Scores(
            name=self.name,
            subject=subject,
            headline="EPE",
            scalars=scalars,
            protocol=SCENE_PROTOCOL | {"pixels": "visible in both windows"} | to_mapping(self.config),
            rows=rows,
        )

    def _score(self, matcher: Matcher, scene: Scene) -> dict[str, float]:
        true_2HW, visible_HW = self._truth(scene)
        predicted_2HW = self._predict(matcher, scene)
        lengths = {
            "EPE": np.linalg.norm(predicted_2HW - true_2HW, axis=0),
            "predicted_px": np.linalg.norm(predicted_2HW, axis=0),
            "true_px": np.linalg.norm(true_2HW, axis=0),
        }
        return {key: float(length_HW[visible_HW].mean()) for key, length_HW in lengths.items()}

    def _truth(self, scene: Scene) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
        rows, columns = self._window()
        flow_2HW, visible_HW = scene.flow(0, self.config.frame_gap)
        flow_2HW, visible_HW = flow_2HW[:, rows, columns], visible_HW[rows, columns]
        side = self.config.window
        arrived = grid_points(side, side) + torch.from_numpy(flow_2HW.reshape(2, -1).T.copy())
        return flow_2HW, visible_HW & inside(arrived, (side, side)).reshape(side, side).numpy()

    def _predict(self, matcher: Matcher, scene: Scene) -> Float32[np.ndarray, "2 h w"]:
        rows, columns = self._window()
        pair = np.stack([scene.frame(frame)[rows, columns] for frame in (0, self.config.frame_gap)])
        frames = EncodedFrames(matcher, pair, upsample=self.config.upsample)
        with torch.inference_mode():
            flow, _ = matcher.displacement(frames.encode(0), frames.encode(1))
            return frames.at_video_pixels(flow)[0].float().cpu().numpy() / self.config.upsample

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
    },
    text="Displacement between two frames a quarter of a second apart, at the size of the training crops. Motion seen "
    "is the mean length of the predicted displacement: near zero means standing still.",
)

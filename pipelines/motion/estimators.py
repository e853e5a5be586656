"""Estimators of optical flow behind one call, by name.

    dis, dis:ultrafast, dis:fast, dis:medium    OpenCV's Dense Inverse Search on the CPU; `dis` is `dis:medium`
    subject:NAME                                a matcher of densewalk, named as in `densewalk evaluate`: a run, one of
                                                its checkpoints, gmflow:FILE, gmrw:FILE, ...
    raft:FILE                                   RAFT with published weights (ssl/flow/raft.py)

An estimator gives both directions of a pair at once, since networks share most of the work. Networks run on the GPU
when there is one.

Shapes: H W rows and columns, C channels (RGB), 2 = (x, y) in pixels.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.datasets.records import file_sha256
from densewalk.ssl.flow.inverse_search import DIS_PRESETS, DisPreset, dis_estimator, dis_flow

__all__ = ["Flows", "FlowEstimator", "estimator_problem", "load_estimator"]

Flows = tuple[Float32[np.ndarray, "2 h w"], Float32[np.ndarray, "2 h w"]]
"""The flow from source to target and the flow back."""


@runtime_checkable
class FlowEstimator(Protocol):
    """What the stages ask for motion."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of its weights; empty for one without."""
        ...

    def __call__(self, source_HWC: UInt8[np.ndarray, "h w 3"], target_HWC: UInt8[np.ndarray, "h w 3"]) -> Flows:
        """Return where every pixel of each image goes in the other, in pixels; finite everywhere."""
        ...


def estimator_problem(name: str, option: str) -> str | None:
    """Return what is wrong with an estimator's name, if anything; `option` is where it was given."""
    kind, _, rest = name.partition(":")
    known = (kind == "dis" and (name == "dis" or rest in DIS_PRESETS)) or (kind in ("subject", "raft") and rest)
    if known:
        return None
    presets = ", ".join(f"dis:{preset}" for preset in DIS_PRESETS)
    return f"{option}={name!r} is no estimator of flow; known are dis, {presets}, subject:NAME, raft:FILE"


def load_estimator(name: str, option: str) -> FlowEstimator:
    """Return the estimator of a name; `option` is where it was given.

    Raises `ConfigError` naming the option when there is none or its weights cannot be read.
    """
    if problem := estimator_problem(name, option):
        raise ConfigError(problem)
    kind, _, rest = name.partition(":")
    try:
        if kind == "dis":
            return _Dis(cast(DisPreset, rest or "medium"))
        return _Subject(rest) if kind == "subject" else _Raft(Path(rest))
    except (BenchmarkError, DataError) as error:
        raise ConfigError(f"{option}={name}: {error}") from error


class _Dis:
    weights_sha256 = ""

    def __init__(self, preset: DisPreset) -> None:
        cv2.setNumThreads(1)  # a stage is given one core and scaled by more of its workers
        self._estimator = dis_estimator(preset)

    def __call__(self, source_HWC: UInt8[np.ndarray, "h w 3"], target_HWC: UInt8[np.ndarray, "h w 3"]) -> Flows:
        source_HW, target_HW = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (source_HWC, target_HWC))
        return dis_flow(source_HW, target_HW, self._estimator), dis_flow(target_HW, source_HW, self._estimator)


class _Subject:
    """A matcher's displacements, read bilinearly at every pixel centre."""

    def __init__(self, name: str) -> None:
        from densewalk.ssl.evaluate.subjects import load_network

        self._name = name
        self._matcher, facts = load_network(name)
        if "displacement" not in self._matcher.offers:
            raise BenchmarkError(f"{name} gives no displacements")
        self.weights_sha256 = str(facts.get("sha256", facts.get("weights_sha256", "")))

    def __call__(self, source_HWC: UInt8[np.ndarray, "h w 3"], target_HWC: UInt8[np.ndarray, "h w 3"]) -> Flows:
        import torch

        from densewalk.ssl.track.frames import EncodedFrames

        frames = EncodedFrames(self._matcher, np.stack((source_HWC, target_HWC)))
        with _exact(), torch.inference_mode():
            both = self._matcher.displacement(frames.encode(0), frames.encode(1))
            forth_2HW, back_2HW = (frames.at_video_pixels(field)[0].cpu().numpy() for field in both)
        return _finite(forth_2HW, self._name), _finite(back_2HW, self._name)


class _Raft:
    def __init__(self, path: Path) -> None:
        from densewalk.ssl.flow.raft import load_raft

        self._name = str(path)
        self._network = load_raft(path)
        self.weights_sha256 = file_sha256(path)

    def __call__(self, source_HWC: UInt8[np.ndarray, "h w 3"], target_HWC: UInt8[np.ndarray, "h w 3"]) -> Flows:
        with _exact():
            forth_2HW, back_2HW = self._network.both_ways(source_HWC, target_HWC)
        return _finite(forth_2HW, self._name), _finite(back_2HW, self._name)


def _exact() -> AbstractContextManager[None]:
    """Return a context in which a GPU convolves in float32 by fixed kernels, so that files come out the same again."""
    import torch

    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def _finite(flow_2HW: Float32[np.ndarray, "2 h w"], name: str) -> Float32[np.ndarray, "2 h w"]:
    if not np.isfinite(flow_2HW).all():
        raise DataError(f"{name} gives displacements that are not finite; its weights are broken")
    return flow_2HW

"""Benchmarks by name."""

from collections.abc import Callable

from densewalk.ssl.evaluate.benchmark import Benchmark
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow, ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_segmentation import ScenesSegmentation, ScenesSegmentationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig

BENCHMARKS: dict[str, Callable[[], Benchmark]] = {
    ScenesTracking.name: lambda: ScenesTracking(ScenesTrackingConfig()),
    ScenesFlow.name: lambda: ScenesFlow(ScenesFlowConfig()),
    ScenesPropagation.name: lambda: ScenesPropagation(ScenesPropagationConfig()),
    ScenesSegmentation.name: lambda: ScenesSegmentation(ScenesSegmentationConfig()),
}

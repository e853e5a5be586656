"""The flow stage: files lie where they belong, say the truth about scenes, and are the same every time."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.motion.flow_file import FlowFields, read_flow
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.motion import motion_stage
from densewalk.pipelines.records import Cutting
from densewalk.pipelines.stages.flow import Flow, FlowConfig
from densewalk.ssl.metrics.flow import endpoint_error
from tests.filmed_scene import ExactFlow, film

SCENE = Scene(SceneConfig(height=64, width=96, num_frames=8), 1)


def run(cutting: Cutting, **settings: object) -> FlowFields:
    (result,) = InProcessEngine().run([Flow(FlowConfig(**settings))], [cutting])
    assert result is cutting or result == cutting
    return read_flow(Path(cutting.shots.reel.folder) / f"{cutting.clips[0].key}.flow.npz")


def test_pairs_are_those_of_the_strides_both_ways(tmp_path: Path) -> None:
    fields = run(film(SCENE.video(), tmp_path), strides=(1, 6), every=3, estimator="dis:ultrafast")
    assert set(fields.pairs) == {
        pair for source, target in [(0, 1), (0, 6), (3, 4), (6, 7)] for pair in ((source, target), (target, source))
    }
    assert fields.about.frames == 8
    assert fields.about.estimator == "dis:ultrafast"


def test_a_clip_shorter_than_every_stride_has_a_file_without_fields(tmp_path: Path) -> None:
    assert run(film(SCENE.video()[:2], tmp_path), strides=(6,)).pairs == ()


@pytest.mark.parametrize("encoding", ["jpeg", "png16", "fp16"])
def test_exact_flow_is_stored_and_occlusion_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(motion_stage, "load_estimator", lambda name, option: ExactFlow(SCENE))
    fields = run(film(SCENE.video(), tmp_path), strides=(1, 3), encoding=encoding, residual_stride=1)
    for source, target in product((0, 4), (1, 3)):
        true_2HW, visible_HW = SCENE.flow(source, source + target)
        found_2HW = fields.flow(source, source + target)
        assert endpoint_error(found_2HW, true_2HW).mean() < 0.3
        assert (fields.visible(source, source + target) == visible_HW).mean() > 0.9


def test_dis_finds_the_motion_of_a_filmed_scene(tmp_path: Path) -> None:
    scene = Scene(SceneConfig(height=128, width=160, num_layers=(0, 0), brightness_drift=0.0), 2)
    fields = run(film(scene.video(), tmp_path), strides=(1,), encoding="png16")
    true_2HW, visible_HW = scene.flow(0, 1)
    assert endpoint_error(fields.flow(0, 1), true_2HW)[visible_HW].mean() < 0.3
    assert fields.visible(0, 1)[visible_HW].mean() > 0.95


def test_smaller_flow_is_in_pixels_of_its_own_raster_and_motion_in_those_of_the_clip(tmp_path: Path) -> None:
    big = np.random.default_rng(0).random((60, 80, 3), dtype=np.float32)
    big = cv2.resize(cv2.GaussianBlur(big, (0, 0), 1), (480, 360), interpolation=cv2.INTER_CUBIC)
    big = np.clip((big - 0.5) * 600 + 128, 0, 255).astype(np.uint8)
    frames_THWC = np.stack([big[60:300, 60 - 8 * t : 380 - 8 * t] for t in range(2)])  # moves right by 8
    fields = run(film(frames_THWC, tmp_path), strides=(1,), short_side_px=120)
    assert fields.about.size_hw == (120, 160)
    assert fields.about.clip_size_hw == (240, 320)
    inner = (slice(20, -20), slice(20, -20))
    assert np.median(fields.flow(0, 1)[0][inner]) == pytest.approx(4, abs=0.1)
    motion = fields.motion([(0, 1)])
    assert motion.flow_BP2HW.shape == (1, 1, 2, 240, 320)
    assert motion.flow_BP2HW[0, 0, 0].median() == pytest.approx(8, abs=0.2)


def test_a_clip_is_never_enlarged(tmp_path: Path) -> None:
    assert run(film(SCENE.video()[:2], tmp_path), strides=(1,), short_side_px=512).about.size_hw == (64, 96)


def test_only_the_crop_of_a_clip_is_looked_at(tmp_path: Path) -> None:
    fields = run(film(SCENE.video()[:2], tmp_path, crop_xywh=(8, 4, 60, 40)), strides=(1,))
    assert fields.about.clip_size_hw == fields.about.size_hw == (40, 60)


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        cutting = film(SCENE.video(), tmp_path / name)
        run(cutting)
        contents.append((tmp_path / name / f"{cutting.clips[0].key}.flow.npz").read_bytes())
    assert contents[0] == contents[1]


def test_every_clip_of_a_record_has_its_file(tmp_path: Path) -> None:
    cutting = film(SCENE.video(), tmp_path)
    (clip,) = cutting.clips
    cutting = replace(cutting, clips=(clip, replace(clip, key="second", interval=(2, 5))))
    list(InProcessEngine().run([Flow(FlowConfig(estimator="dis:ultrafast"))], [cutting]))
    assert read_flow(tmp_path / "second.flow.npz").about.frames == 3
    assert read_flow(tmp_path / f"{clip.key}.flow.npz").about.frames == 8


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"estimator": "raft"}, "flow.estimator"),
        ({"strides": ()}, "flow.strides"),
        ({"strides": (0,)}, "flow.strides"),
        ({"strides": (6, 1)}, "flow.strides"),
        ({"strides": (1, 1)}, "flow.strides"),
        ({"every": 0}, "flow.every"),
        ({"short_side_px": -1}, "flow.short_side_px"),
        ({"quality": 0}, "flow.quality"),
        ({"quality": 101}, "flow.quality"),
        ({"residual_stride": 0}, "flow.residual_stride"),
        ({"gpus": -1.0}, "flow.gpus"),
    ],
)
def test_settings_that_mean_nothing_are_named(settings: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        FlowConfig(**settings)

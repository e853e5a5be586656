"""The tracks stage: follows scenes as they move, whatever left fields for it, and the same way every time."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.motion.track_file import TrackSet, read_tracks
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.motion import motion_stage
from densewalk.pipelines.motion.clip_flow import ClipFlow
from densewalk.pipelines.records import Cutting
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.flow import Flow, FlowConfig
from densewalk.pipelines.stages.tracks import Tracks, TracksConfig
from tests.filmed_scene import ExactFlow, film

SCENE = Scene(SceneConfig(height=64, width=96, num_frames=8), 1)


def run(cutting: Cutting, *before: Stage, **settings: object) -> TrackSet:
    stages = [*before, Tracks(TracksConfig(**settings))]
    assert list(InProcessEngine().run(stages, [cutting])) == [cutting]
    return read_tracks(Path(cutting.shots.reel.folder) / f"{cutting.clips[0].key}.tracks.npz")


def true_path(scene: Scene, start: int, point_2: np.ndarray) -> np.ndarray:
    """Where the surface seen at a point of frame `start` lies in every frame, by the scene's own geometry."""
    from densewalk.datasets.scenes.paths import move

    layer = scene.layers[scene._layer_at(start, point_2[None])[0]]
    return np.array(
        [np.ravel(move(layer.step(start, t), point_2[:1], point_2[1:])) for t in range(scene.config.num_frames)]
    )


def test_tracks_lie_on_the_surfaces_they_began_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion_stage, "load_estimator", lambda name, option: ExactFlow(SCENE))
    tracks = run(film(SCENE.video(), tmp_path), starts_per_frame=40)
    assert len(tracks) == 280
    cut = tracks.cut()
    errors = []
    for start, point_T2, alive_T in zip(tracks.start_K.tolist(), cut.point_KT2, cut.alive_KT, strict=True):
        path_T2 = true_path(SCENE, start, point_T2[start])
        errors.append(np.linalg.norm(point_T2 - path_T2, axis=1)[alive_T].max())
    assert np.mean(np.array(errors) < 0.1) > 0.9


def test_density_of_starts_is_the_same_whatever_the_length(tmp_path: Path) -> None:
    for name, frames in (("long", 8), ("short", 3), ("single", 1)):
        tracks = run(film(SCENE.video()[:frames], tmp_path / name), starts_per_frame=10)
        assert len(tracks) == 10 * (frames - 1)


def test_positions_are_in_pixels_of_the_clip_whatever_the_size_of_the_flow(tmp_path: Path) -> None:
    scene = Scene(SceneConfig(height=128, width=192, num_layers=(0, 0), brightness_drift=0.0), 2)
    whole, small = (
        run(film(scene.video(), tmp_path / str(side)), short_side_px=side, starts_per_frame=30) for side in (0, 64)
    )
    assert small.about.size_hw == (64, 96)
    np.testing.assert_array_equal(whole.start_K, small.start_K)
    one, other = whole.cut(), small.cut()
    both = one.alive_KT & other.alive_KT
    assert both.mean() > 0.3
    assert np.median(np.linalg.norm(one.point_KT2 - other.point_KT2, axis=-1)[both]) < 0.7


@pytest.mark.parametrize(
    ("flow", "read"),
    [
        ({"encoding": "png16"}, True),
        ({"encoding": "fp16"}, True),
        ({"encoding": "jpeg"}, False),
        ({"encoding": "png16", "every": 2}, False),
        ({"encoding": "png16", "strides": (2,)}, False),
        ({"encoding": "png16", "short_side_px": 32}, False),
        ({"encoding": "png16", "estimator": "dis:fast"}, False),
    ],
)
def test_fields_of_the_flow_stage_are_read_when_they_are_what_would_be_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flow: dict, read: bool
) -> None:
    cutting = film(SCENE.video(), tmp_path)
    list(InProcessEngine().run([Flow(FlowConfig(**flow))], [cutting]))
    estimated = []
    between = ClipFlow.between
    monkeypatch.setattr(ClipFlow, "between", lambda self, *pair: estimated.append(pair) or between(self, *pair))
    with_fields = run(cutting).cut()
    assert (not estimated) == read
    (tmp_path / f"{cutting.clips[0].key}.flow.npz").unlink()
    alone = run(cutting).cut()
    both = with_fields.alive_KT & alone.alive_KT
    assert np.abs(with_fields.point_KT2 - alone.point_KT2)[both].max() < 0.3
    assert (with_fields.alive_KT == alone.alive_KT).mean() > 0.97


def test_the_same_clip_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        cutting = film(SCENE.video(), tmp_path / name)
        run(cutting, seed=seed)
        contents.append((tmp_path / name / f"{cutting.clips[0].key}.tracks.npz").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_only_the_clips_own_files_are_left_in_the_folder(tmp_path: Path) -> None:
    cutting = film(SCENE.video(), tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    run(cutting, Flow(FlowConfig()))
    key = cutting.clips[0].key
    assert {path.name for path in tmp_path.iterdir()} - before == {f"{key}.flow.npz", f"{key}.tracks.npz"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"estimator": "dis:slow"}, "tracks.estimator"),
        ({"short_side_px": -1}, "tracks.short_side_px"),
        ({"starts_per_frame": 0.0}, "tracks.starts_per_frame"),
        ({"alpha": 1.0}, "tracks.alpha"),
        ({"beta": 0.0}, "tracks.beta"),
        ({"gpus": -0.5}, "tracks.gpus"),
    ],
)
def test_settings_that_mean_nothing_are_named(settings: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        TracksConfig(**settings)

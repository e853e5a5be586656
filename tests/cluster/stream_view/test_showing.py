"""The page shows the samples that a run sees first, in its order, with what stands in for damage."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.cluster.stream_view.showing import PAGE, show_stream
from densewalk.cluster.training_plan import plan_training
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.training_stream import open_collections, training_source, training_stream
from tests.cluster.stream_view.damage import damage_clip

SMALL = ["batch_size=2", "objective.plan.size=32", "data.scenes.height=48", "data.scenes.width=48", "data.workers=0"]


@pytest.fixture(autouse=True)
def short_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.cluster.stream_view.showing._MEASURED_SECONDS", 0.05)


def make_config(*overrides: str, datasets: tuple[str, ...] = ()) -> TrainConfig:
    recipe = "gmrw_small" if datasets else "gmrw_scenes_small"
    return plan_training(recipe, datasets=datasets, overrides=[*SMALL, *overrides])


def test_pictures_are_of_the_first_samples_of_a_run(small_dataset: Path, tmp_path: Path) -> None:
    config = make_config("data.scene_weight=0.5", datasets=(str(small_dataset),))
    out = tmp_path / "out"
    out.mkdir()
    told: list[tuple[int, int]] = []
    view = show_stream(config, out, batches=2, tell=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert view.clips_per_second > 0
    assert {path.name for path in out.iterdir()} == {PAGE, *(f"sample-{n:08d}.png" for n in range(4))}
    plan = build_objective(config.objective).plan
    source = training_source(config.data, open_collections(config.data), plan, seed=config.seed)
    page = (out / PAGE).read_text()
    with training_stream(config, source, "cpu") as stream:
        keys = [key for _ in range(2) for key in next(stream).keys]
    assert all(f"clip {key}" in page for key in keys)
    assert sorted(key.startswith("scene-") for key in keys) == [False, False, True, True]
    assert page.count("<img") == 4


def test_pictures_do_not_depend_on_how_often_they_are_drawn(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        show_stream(make_config(), tmp_path / name, batches=1, tell=lambda done, total: None)
    first, second = ((tmp_path / name / "sample-00000001.png").read_bytes() for name in ("a", "b"))
    assert first == second
    assert np.array(Image.open(BytesIO(first))).std() > 10


def test_of_a_large_batch_a_few_are_drawn_and_the_page_says_so(tmp_path: Path) -> None:
    show_stream(make_config("batch_size=20"), tmp_path, batches=1, tell=lambda done, total: None)
    assert len(list(tmp_path.glob("*.png"))) == 8
    assert "8 of the 20 samples are drawn" in (tmp_path / PAGE).read_text()


def test_what_stands_in_for_a_damaged_clip_is_said(small_dataset: Path, tmp_path: Path) -> None:
    damaged = next(iter(Dataset.open(small_dataset)))
    damage_clip(small_dataset, damaged)
    config = make_config("data.scene_weight=0", "batch_size=3", datasets=(str(small_dataset),))
    show_stream(config, tmp_path, batches=1, tell=lambda done, total: None)
    page = (tmp_path / PAGE).read_text()
    assert f"<code>{damaged.key}</code> in <code>{damaged.shard}</code>" in page


def test_a_recipe_that_needs_motion_is_shown(tmp_path: Path) -> None:
    overrides = ["objective.plan.motion=true", "batch_size=1"]
    show_stream(make_config(*overrides), tmp_path, batches=1, tell=lambda done, total: None)
    assert len(list(tmp_path.glob("*.png"))) == 1


@pytest.mark.parametrize("case", ["too long", "no motion", "no folder"])
def test_what_a_run_would_refuse_is_refused(case: str, small_dataset: Path, tmp_path: Path) -> None:
    override, datasets, kind = {
        "too long": ("objective.plan.gap_seconds=[20,30]", str(small_dataset), DataError),
        "no motion": ("objective.plan.motion=true", str(small_dataset), ConfigError),
        "no folder": ("seed=1", str(tmp_path / "absent"), DataError),
    }[case]
    config = make_config(override, "data.scenes.num_frames=800", "data.scene_weight=0", datasets=(datasets,))
    with pytest.raises(kind):
        show_stream(config, tmp_path, batches=1, tell=lambda done, total: None)
    assert not list(tmp_path.glob("*.png"))

"""Raw video to a scored tracker: the plan, the pictures, and the whole way in small, twice."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from typer.testing import Result

from densewalk.cluster.corpus_report.clip_pictures import clip_sheet, source_strips
from densewalk.cluster.preparation_view import PreparationView
from densewalk.cluster.preparing import prepare_corpus
from densewalk.cluster.quickstart import filmed_clip, steps
from densewalk.cluster.quickstart.filmed_clip import telling_clip
from densewalk.cluster.quickstart.plan import QuickstartPlan, plan_quickstart
from densewalk.cluster.scoreboard import COLLAPSED, OURS
from densewalk.datasets.config import resolve
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.corpus.homes.folder_home import FolderHome


def _film(path: Path, *, num_frames: int, speed: int, seed: int) -> None:
    texture = np.random.default_rng(seed).integers(0, 255, (18, 24, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.height, stream.width, stream.pix_fmt = 72, 96, "yuv420p"
        for step in range(num_frames):
            frame_HWC = np.ascontiguousarray(np.roll(texture, speed * step, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode())


STILL_CLIPS_TOO = [
    "quality.max_frozen_seconds=0",
    "quality.min_changing=0",
    "quality.max_repeated=0",
    "quality.min_motion=0",
]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long film that stands still, a shorter one that moves, a shorter one yet that moves more."""
    folder = tmp_path_factory.mktemp("videos")
    _film(folder / "still.mp4", num_frames=40, speed=0, seed=1)
    _film(folder / "moving.mp4", num_frames=30, speed=2, seed=2)
    _film(folder / "racing.mp4", num_frames=20, speed=9, seed=3)
    return folder


@pytest.fixture
def plan(videos: Path, tmp_path: Path) -> QuickstartPlan:
    """A quickstart that takes seconds."""
    usual = plan_quickstart(tmp_path / "out", videos)
    small = ["steps=3", "batch_size=2", "objective.plan.size=32", "objective.matcher.dim=16"]
    small += ["objective.matcher.num_blocks=0", "data.scenes.height=48", "data.scenes.width=48"]
    return replace(
        usual,
        prepare=resolve(usual.prepare, overrides=["shots.detector=none", *STILL_CLIPS_TOO]),
        train=resolve(usual.train, overrides=small),
        train_without_warping=resolve(usual.train_without_warping, overrides=[*small, "steps=2"]),
        film=replace(usual.film, grid=4, short_side_px=48),
    )


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Prepare in this process; return the folders that were prepared."""
    prepared: list[Path] = []

    def prepare(paths: list[Path], home: FolderHome, config: object, *, on_ray: bool, view: PreparationView) -> object:
        assert on_ray
        prepared.append(home.folder)
        return prepare_corpus(paths, home, config, on_ray=False, view=view)

    monkeypatch.setattr(steps, "prepare_corpus", prepare)
    return prepared


@pytest.fixture
def corpus(plan: QuickstartPlan) -> Dataset:
    prepare_corpus((), FolderHome(plan.corpus), plan.prepare, on_ray=False, view=PreparationView())
    return Dataset.open(plan.corpus)


def test_the_two_trainings_differ_in_nothing_but_the_crop_and_the_length(plan: QuickstartPlan) -> None:
    usual = plan_quickstart(plan.out, Path(plan.prepare.sources[0]))
    ours, collapsed = usual.train, usual.train_without_warping
    assert ours.objective.plan.independent_return
    assert not collapsed.objective.plan.independent_return
    alike = replace(collapsed.objective, plan=replace(collapsed.objective.plan, independent_return=True))
    assert replace(collapsed, objective=alike, steps=ours.steps) == ours
    assert collapsed.steps < ours.steps
    assert ours.data.datasets == (str(usual.corpus),)


def test_sample_videos_stand_in_for_ones_own_and_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert {Path(spec).name for spec in plan_quickstart(tmp_path, None).prepare.sources} >= {
        "bikes.mp4",
        "carphone_pristine.mp4",
    }
    with pytest.raises(ConfigError, match="no such file or folder"):
        plan_quickstart(tmp_path, tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="lies inside --videos"):
        plan_quickstart(tmp_path / "runs" / "first", tmp_path)


def test_explaining_shows_the_plan_and_leaves_nothing(
    videos: Path, tmp_path: Path, densewalk: Callable[..., Result]
) -> None:
    result = densewalk("quickstart", "--videos", videos, "--out", tmp_path / "out", "--explain")
    assert result.exit_code == 0, result.output
    assert "# 3 sources to prepare" in result.stdout
    assert yaml.safe_load(result.stdout)["train_without_warping"]["objective"]["plan"]["independent_return"] is False
    assert list(tmp_path.iterdir()) == []


def test_the_film_shows_the_longest_clip_in_which_something_moves(corpus: Dataset) -> None:
    assert telling_clip(corpus).frames == 30


def test_the_film_shows_the_liveliest_clip_when_none_counts_as_moving(
    corpus: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filmed_clip, "_MOVES", 256.0)
    assert sum(row.frames != 40 for row in corpus) == 2
    assert telling_clip(corpus).frames != 40  # the still one


def test_pictures_show_every_clip_and_a_strip_a_source(corpus: Dataset) -> None:
    strips = source_strips(corpus.folder)
    assert [source.uri.rpartition("/")[2] for source, _ in strips] == ["moving.mp4", "racing.mp4", "still.mp4"]
    assert len(source_strips(corpus.folder, most=2)) == 2
    one, all_three = clip_sheet(corpus.folder, most=1), clip_sheet(corpus.folder)
    assert all_three.shape[0] > one.shape[0]
    assert all_three.std() > 10


@pytest.mark.slow
@pytest.mark.usefixtures("small_benchmarks")
def test_the_whole_way_leaves_one_page_and_goes_it_only_once(
    plan: QuickstartPlan, without_ray: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    report = steps.run_quickstart(plan)
    first = capsys.readouterr().out
    page = report.read_text()
    assert re.findall(r"^(\d)/6", first, re.MULTILINE) == ["1", "2", "3", "3", "4", "5", "6"]
    assert without_ray == [plan.corpus]
    for expected in ("moving.mp4", COLLAPSED, "zero-motion", "video/mp4", "<svg", "densewalk pretrain data/corpus"):
        assert expected in page
    assert not re.search(r'(src|href)="https?:', page)
    scores = json.loads((plan.scores / "scenes-tracking.json").read_text())
    assert [row["subject"] for row in scores] == [OURS, COLLAPSED, "untrained", "rgb", "zero-motion"]
    before = {path: path.read_bytes() for path in sorted(plan.out.rglob("*")) if path.is_file()}
    steps.run_quickstart(plan)
    again = capsys.readouterr().out
    assert without_ray == [plan.corpus]
    assert not re.search(r"^(pretrain|evaluate|sources) ", again, re.MULTILINE)
    assert {path: path.read_bytes() for path in sorted(plan.out.rglob("*")) if path.is_file()} == before

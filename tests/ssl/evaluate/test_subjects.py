"""Baselines and the measuring of several subjects side by side."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.evaluate import subjects
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig
from densewalk.ssl.evaluate.subjects import (
    BASELINES,
    baseline,
    evaluate,
    floor_of,
    load_floor,
    load_subject,
    run_of,
)
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig

SCENE = SceneConfig(height=32, width=32, num_frames=3)
SMALL = {
    "scenes-tracking": ScenesTracking(ScenesTrackingConfig(num_videos=1, num_points=8, scene=SCENE)),
    "scenes-propagation": ScenesPropagation(ScenesPropagationConfig(num_videos=1, scene=SCENE)),
}
TRACKING = {"scenes-tracking": SMALL["scenes-tracking"]}
TINY = GMFlowConfig(stem_dim=8, middle_dim=8, dim=8, num_blocks=1, num_splits=1)


def test_every_benchmark_gets_a_file_with_every_subject_its_protocol_and_its_origin(tmp_path: Path) -> None:
    heard: list[Scores] = []
    results = evaluate(
        {"network": baseline("untrained", GMFlow(TINY)), "colours": baseline("rgb")},
        SMALL,
        tmp_path / "scores",
        provenance={"colours": {"checkpoint": "none"}},
        on_scores=heard.append,
    )
    assert list(results) == list(SMALL)
    assert [(s.name, s.subject) for s in heard] == [(b, s) for b in SMALL for s in ("network", "colours")]
    for name, scores in results.items():
        written = json.loads((tmp_path / "scores" / f"{name}.json").read_text())
        assert [row["subject"] for row in written] == ["network", "colours"]
        assert written[0]["scalars"] == dict(scores[0].scalars)
        assert written[0]["protocol"]["num_videos"] == 1
        assert written[1]["provenance"]["checkpoint"] == "none"
        assert written[0]["provenance"]["evaluated_with"]["torch"] == str(torch.__version__)


def test_evaluating_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        evaluate({"still": baseline("zero-motion")}, TRACKING, tmp_path / folder)
    first, second = ((tmp_path / folder / "scenes-tracking.json").read_bytes() for folder in ("a", "b"))
    assert first == second


def test_subjects_are_measured_in_evaluation_mode(tmp_path: Path) -> None:
    matcher = baseline("rgb").train()
    evaluate({"colours": matcher}, TRACKING, tmp_path)
    assert not matcher.training


def test_the_untrained_baseline_is_the_same_architecture_with_other_weights_every_time_the_same() -> None:
    trained = GMFlow(TINY)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    once, again = baseline("untrained", trained), baseline("untrained", trained)
    assert torch.equal(torch.get_rng_state(), before)
    shapes = {name: tensor.shape for name, tensor in trained.state_dict().items()}
    assert {name: tensor.shape for name, tensor in once.state_dict().items()} == shapes
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in once.state_dict().items())
    assert any(not torch.equal(tensor, trained.state_dict()[name]) for name, tensor in once.state_dict().items())


def test_every_baseline_has_the_stride_of_its_model_and_is_ready_to_measure() -> None:
    trained = GMFlow(TINY)
    for name in BASELINES:
        matcher = baseline(name, trained)
        assert matcher.stride == trained.stride
        assert not matcher.training
    assert baseline("rgb").stride == 4


def test_baselines_that_cannot_be_made_say_why() -> None:
    with pytest.raises(BenchmarkError, match="no network was given"):
        baseline("untrained")
    with pytest.raises(BenchmarkError, match="PositionMatcher has no configuration"):
        baseline("untrained", baseline("zero-motion"))
    with pytest.raises(ConfigError, match="did you mean 'untrained'"):
        baseline("untraind")


def test_subjects_without_parameters_are_named_by_a_word() -> None:
    for name in ("rgb", "zero-motion"):
        matcher, provenance = load_subject(name)
        assert not matcher.training
        assert provenance == {"checkpoint": name}
        assert run_of(name) is None
        floor = load_floor(name, matcher)
        assert tuple(floor) == floor_of(name)
        assert name not in floor
        assert "untrained" not in floor


def test_released_weights_are_named_by_project_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    by_gmrw = GMFlow(GMFlowConfig(**{**asdict(TINY), "input_range": "byte"}))
    monkeypatch.setattr(subjects, "load_released", lambda path: {file: by_gmrw}[path])
    matcher, provenance = load_subject(f"gmrw:{file}")
    assert matcher is by_gmrw
    assert provenance["checkpoint"] == str(file)
    assert len(provenance["sha256"]) == 64
    assert run_of(f"gmrw:{file}") is None
    floor = load_floor(f"gmrw:{file}", matcher)
    assert tuple(floor) == floor_of(f"gmrw:{file}") == ("untrained", "rgb", "zero-motion")
    assert floor["untrained"].config == by_gmrw.config
    with pytest.raises(BenchmarkError, match=f"holds weights of gmrw; write gmrw:{file}"):
        load_subject(f"gmflow:{file}")


def test_a_subject_that_is_not_there_is_refused_with_what_could_be() -> None:
    for text in ("runs/nowhere", "gmrw:", "rbg", "other:file"):
        with pytest.raises(BenchmarkError, match=rf"no run at {text}; .*rgb, zero-motion, gmrw:FILE, gmflow:FILE"):
            run_of(text)
    with pytest.raises(DataError, match="none"):
        load_subject("gmrw:none.pth")

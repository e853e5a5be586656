"""A run is measured beside its floor; what is measured already is recognised."""

import shutil
from pathlib import Path

import pytest
import yaml

from densewalk.cluster.measuring import (
    already_measured,
    describe_evaluation,
    measure,
    plan_evaluation,
    row_name,
)
from densewalk.datasets.errors import BenchmarkError, ConfigError, TrainingError
from densewalk.ssl.evaluate.evaluating import Listener

pytestmark = pytest.mark.usefixtures("small_benchmarks")


def test_all_benchmarks_and_all_baselines_are_planned(small_run: Path) -> None:
    plan = plan_evaluation({"ours": small_run})
    assert list(plan.benchmarks) == ["scenes-tracking", "scenes-flow", "scenes-propagation", "scenes-segmentation"]
    assert plan.subjects == ("ours", "untrained", "rgb", "zero-motion")
    assert plan.out == small_run / "scores"
    text = describe_evaluation(plan)
    assert "# 4 subjects by 4 benchmarks: 16 measurements" in text
    assert "step 2 of" in text
    shown = yaml.safe_load(text)
    assert list(shown["benchmarks"]) == list(plan.benchmarks)
    assert shown["benchmarks"]["scenes-tracking"]["tracker"]["mode"] == "chained"


def test_scores_of_a_checkpoint_go_into_its_run(small_run: Path) -> None:
    (checkpoint,) = (small_run / "checkpoints").glob("step-*")
    assert plan_evaluation({"ours": checkpoint}).out == small_run / "scores"


def test_measured_scores_are_recognised_until_the_network_or_the_list_changes(small_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(small_run, tmp_path / "run")
    plan = plan_evaluation({"ours": run}, ["scenes-tracking"])
    assert already_measured(plan) is None
    heard: list[str] = []
    scores = measure(plan, Listener(on_scores=lambda s: heard.append(s.subject)))["scenes-tracking"]
    assert tuple(heard) == plan.subjects == tuple(s.subject for s in scores)
    known = already_measured(plan)
    assert known is not None
    assert [s.scalars for s in known["scenes-tracking"]] == [dict(s.scalars) for s in scores]
    assert already_measured(plan_evaluation({"ours": run}, ["scenes-tracking", "scenes-propagation"])) is None
    assert already_measured(plan_evaluation({"other": run}, ["scenes-tracking"])) is None
    (run / "checkpoints" / "step-00000002").rename(run / "checkpoints" / "step-00000003")
    assert already_measured(plan) is None


def test_what_is_no_run_is_measured_beside_what_can_be_made_like_it(tmp_path: Path) -> None:
    plan = plan_evaluation({"rgb": "rgb"}, ["scenes-flow"], tmp_path, overrides=["num_pairs=2"])
    assert plan.subjects == ("rgb", "zero-motion")
    assert row_name("rgb") == "rgb"
    assert plan_evaluation({"zero-motion": "zero-motion"}).out == Path("scores")
    assert "# rgb: rgb" in describe_evaluation(plan)
    scores = measure(plan)["scenes-flow"]
    assert [s.subject for s in scores] == ["rgb", "zero-motion"]
    assert scores[0].protocol["num_pairs"] == 2
    assert already_measured(plan) is not None


def test_a_run_is_measured_under_any_settings(small_run: Path, tmp_path: Path) -> None:
    overrides = ["query_mode=strided", "tracker.mode=direct"]
    plan = plan_evaluation({"ours": small_run}, ["scenes-tracking"], tmp_path, overrides=overrides)
    protocol = measure(plan)["scenes-tracking"][0].protocol
    assert (protocol["query_mode"], protocol["tracker"]["mode"]) == ("strided", "direct")


def test_unknown_names_and_missing_runs_are_refused(small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown benchmark 'scenes-trackin'"):
        plan_evaluation({"ours": small_run}, ["scenes-trackin"])
    with pytest.raises(BenchmarkError, match="no run at"):
        plan_evaluation({"ours": tmp_path / "nowhere"})
    with pytest.raises(TrainingError, match="no complete checkpoint"):
        measure(plan_evaluation({"ours": tmp_path}))


def test_scores_under_other_settings_are_not_taken_for_those_asked_for(tmp_path: Path) -> None:
    two, three = (
        plan_evaluation({"rgb": "rgb"}, ["scenes-flow"], tmp_path, overrides=[f"num_pairs={count}"]) for count in (2, 3)
    )
    measure(two)
    assert already_measured(three) is None
    measure(three)
    for plan, count in ((two, 2), (three, 3)):
        known = already_measured(plan)
        assert known is not None
        assert known["scenes-flow"][0].protocol["num_pairs"] == count


def test_others_than_the_floor_can_stand_beside(small_run: Path, tmp_path: Path) -> None:
    beside = ["dis-flow", "untrained", "random:resnet18"]
    plan = plan_evaluation({"ours": small_run}, ["scenes-flow", "scenes-segmentation"], tmp_path, beside=beside)
    assert plan.subjects == ("ours", *beside)
    text = describe_evaluation(plan)
    assert "# 4 subjects by 2 benchmarks: 7 measurements" in text
    assert "# scenes-segmentation is without dis-flow" in text
    scores = measure(plan)
    assert [s.subject for s in scores["scenes-flow"]] == ["ours", *beside]
    assert [s.subject for s in scores["scenes-segmentation"]] == ["ours", "untrained", "random:resnet18"]
    assert plan_evaluation({"ours": small_run}, beside=[]).subjects == ("ours",)


def test_a_subject_that_a_benchmark_cannot_read_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    plan = plan_evaluation({"dis-flow": "dis-flow"}, ["scenes-flow", "scenes-segmentation"], tmp_path / "scores")
    with pytest.raises(BenchmarkError, match="dis-flow cannot be measured by scenes-segmentation: it offers displ"):
        measure(plan)
    assert not (tmp_path / "scores").exists()


def test_subjects_of_one_short_name_keep_all_of_theirs(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "run").mkdir(parents=True)
    beside = ["rgb", f"{tmp_path}/a/run", f"{tmp_path}/b/run", "rgb", "zero-motion"]
    plan = plan_evaluation({"rgb": "rgb"}, ["scenes-flow"], tmp_path, beside=beside)
    assert plan.subjects == ("rgb", "run", f"{tmp_path}/b/run", "zero-motion")

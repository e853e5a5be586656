"""Subjects are measured side by side; numbers, their protocol, their origin and their pictures are kept."""

import json
import re
from pathlib import Path

import pytest
import torch

from densewalk.datasets.scenes.config import SceneConfig
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate import evaluating
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.evaluating import Listener, evaluate
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagation, ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking, ScenesTrackingConfig
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.gmflow import GMFlow, GMFlowConfig
from densewalk.ssl.matchers.matcher import Matcher

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
        listener=Listener(on_scores=heard.append),
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
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", written[0]["provenance"]["date"])


def test_evaluating_twice_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "_measured_with", lambda: {})
    for folder in ("a", "b"):
        evaluate({"still": baseline("zero-motion")}, TRACKING, tmp_path / folder)
    first, second = ((tmp_path / folder / "scenes-tracking.json").read_bytes() for folder in ("a", "b"))
    assert first == second


def test_subjects_are_measured_in_evaluation_mode(tmp_path: Path) -> None:
    matcher = baseline("rgb").train()
    evaluate({"colours": matcher}, TRACKING, tmp_path)
    assert not matcher.training


def test_convolutions_are_exact_while_a_subject_is_measured_and_as_they_were_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    seen = []

    def look(*_: object) -> None:
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic))

    evaluate({"colours": baseline("rgb")}, TRACKING, tmp_path, listener=Listener(on_item=look))
    assert set(seen) == {(False, True)}
    assert torch.backends.cudnn.allow_tf32


class Sketching:
    """A benchmark that leaves a picture, a table and word of every item, each time another."""

    name = "scenes-flow"
    config = SCENE
    version = 0

    def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
        notebook.picture("what was seen", f"seen-{self.version}.png", b"picture")
        notebook.table("rows.csv", [{"pair": 0, "EPE": 1.5}])
        notebook.progress(1, 2, "pair 0")
        return Scores(name=self.name, subject=subject, headline="EPE", scalars={"EPE": 1.5}, protocol={"pairs": 2})


def test_pictures_and_tables_lie_beside_the_scores_and_replace_older_ones(tmp_path: Path) -> None:
    heard: list[tuple[object, ...]] = []
    benchmark = Sketching()
    for benchmark.version in (1, 2):
        listener = Listener(on_item=lambda *item: heard.append(item))
        results = evaluate({"raw: colours": baseline("rgb")}, {"scenes-flow": benchmark}, tmp_path, listener=listener)
    (scores,) = results["scenes-flow"]
    assert dict(scores.pictures) == {"what was seen": "scenes-flow/raw_colours/seen-2.png"}
    assert heard[0] == ("scenes-flow", "raw: colours", 1, 2, "pair 0")
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["scenes-flow.json", "scenes-flow/raw_colours/rows.csv", "scenes-flow/raw_colours/seen-2.png"]
    assert (tmp_path / files[1]).read_text() == "pair,EPE\n0,1.5\n"


def test_a_subject_that_offers_nothing_a_benchmark_reads_is_left_out(tmp_path: Path) -> None:
    subjects = {"flow": baseline("dis-flow"), "colours": baseline("rgb")}
    colours_only = baseline("rgb")
    colours_only.offers = frozenset(("features",))
    subjects["colours"] = colours_only
    results = evaluate(subjects, TRACKING, tmp_path)
    assert [s.subject for s in results["scenes-tracking"]] == ["flow"]


def test_a_measurement_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    class Failing(Sketching):
        def __call__(self, matcher: Matcher, *, subject: str, notebook: Notebook = FORGETFUL) -> Scores:
            super().__call__(matcher, subject=subject, notebook=notebook)
            raise ValueError

    with pytest.raises(ValueError):
        evaluate({"colours": baseline("rgb")}, {"scenes-flow": Failing()}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_baselines_of_two_strides_keep_both_rows(tmp_path: Path) -> None:
    for stride in (4, 8):
        like = CosineMatcher(RgbEncoder(stride=stride, patch=stride))
        evaluate(
            {"rgb": baseline("rgb", like)},
            {"scenes-flow": Sketching()},
            tmp_path,
            provenance={"rgb": {"subject": "rgb", "stride": stride}},
        )
    written = json.loads((tmp_path / "scenes-flow.json").read_text())
    assert [row["subject"] for row in written] == ["rgb", "rgb (stride 8)"]
    assert written[1]["pictures"] == {"what was seen": "scenes-flow/rgb_stride_8_/seen-0.png"}

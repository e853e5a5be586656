"""DAVIS from files to scores: oracle, chance, nothing, one item; the tables of the official tool; the worst objects."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.config import resolve
from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.davis import KINDS, Davis, DavisConfig
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.metrics.davis import mean_over_objects, score_sequence
from densewalk.ssl.propagate.config import PRESETS
from tests.video_mask_layouts import save_davis, save_davis_2016, save_masks, walking_squares

SEQUENCES = {"judo": walking_squares(2), "bear": walking_squares(1)}
Save = Callable[[dict[str, np.ndarray]], Scores]


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return save_davis(tmp_path / "davis", SEQUENCES)


@pytest.fixture
def finished(davis: Path, tmp_path: Path) -> Save:
    """Score masks that somebody made."""

    def score(masks: dict[str, np.ndarray], notebook: Notebook = FORGETFUL) -> Scores:
        for name, labels in masks.items():
            save_masks(tmp_path / "finished" / name, labels)
        subject = MaskFolder(tmp_path / "finished")
        return Davis(DavisConfig(data=davis))(subject, subject="finished", notebook=notebook)

    return score


def test_the_true_masks_score_a_hundred(davis: Path) -> None:
    scores = Davis(DavisConfig(data=davis))(MaskFolder(davis / "Annotations/480p"), subject="oracle")
    assert scores.scalars == {
        "J&F": 100, "J_mean": 100, "J_recall": 100, "J_decay": 0, "F_mean": 100, "F_recall": 100, "F_decay": 0
    }  # fmt: skip
    assert [row["item"] for row in scores.rows] == ["judo_1", "judo_2", "bear_1"]
    assert scores.protocol["num_objects"] == 3
    assert str(davis) not in str(scores.protocol)
    assert scores.provenance == {"data": str(davis)}


def test_empty_masks_score_nothing(finished: Save) -> None:
    scores = finished({name: np.zeros_like(labels) for name, labels in SEQUENCES.items()})
    assert scores.scalars["J&F"] == scores.scalars["J_recall"] == scores.scalars["F_decay"] == 0


def test_exchanged_objects_score_by_chance(finished: Save) -> None:
    swapped = np.array([0, 2, 1], np.uint8)[SEQUENCES["judo"]]
    scores = finished({"judo": swapped, "bear": SEQUENCES["bear"]})
    assert [row["J&F"] for row in scores.rows] == [0, 0, 100]
    assert scores.scalars["J&F"] == pytest.approx(100 / 3)


def test_numbers_are_those_of_the_metric(finished: Save) -> None:
    masks = {name: np.roll(labels, 1, 2) for name, labels in SEQUENCES.items()}
    expected = mean_over_objects([row for name in SEQUENCES for row in score_sequence(masks[name], SEQUENCES[name])])
    assert dict(finished(masks).scalars) == pytest.approx(expected)


def test_one_sequence_is_enough(tmp_path: Path) -> None:
    root = save_davis(tmp_path, {"bear": walking_squares(1, frames=3)})
    scores = Davis(DavisConfig(data=root))(MaskFolder(root / "Annotations/480p"), subject="oracle")
    assert scores.scalars["J&F"] == 100
    assert len(scores.rows) == 1


def test_a_propagated_mask_is_followed_better_by_colour_than_by_standing_still_and_twice_alike(davis: Path) -> None:
    benchmark = Davis(DavisConfig(data=davis))
    rgb = benchmark(baseline("rgb"), subject="rgb")
    assert rgb.scalars["J&F"] > 60
    assert rgb.scalars["J&F"] > benchmark(baseline("zero-motion"), subject="zero-motion").scalars["J&F"] + 20
    assert benchmark(baseline("rgb"), subject="rgb").rows == rgb.rows


def test_protocols_differ_by_propagation_by_labels_and_by_finished_masks(davis: Path) -> None:
    rgb = baseline("rgb")
    first = Davis(DavisConfig(data=davis))(rgb, subject="rgb")
    assert comparable(first, Davis(DavisConfig(data=davis))(baseline("zero-motion"), subject="still"))
    narrow = DavisConfig(data=davis, propagation=replace(DavisConfig().propagation, radius=2))
    assert not comparable(first, Davis(narrow)(rgb, subject="rgb"))
    assert not comparable(first, Davis(DavisConfig(data=davis))(MaskFolder(davis / "Annotations/480p"), subject="m"))
    save_masks(davis / "Annotations/480p/bear", np.roll(SEQUENCES["bear"], 1, 1))
    assert not comparable(first, Davis(DavisConfig(data=davis))(rgb, subject="rgb"))


def test_davis_2016_means_over_sequences_of_one_object(tmp_path: Path) -> None:
    root = save_davis_2016(tmp_path / "2016", SEQUENCES)
    benchmark = Davis(DavisConfig(year="2016", data=root))
    assert benchmark.name == "davis2016"
    scores = benchmark(MaskFolder(root / "Annotations/480p"), subject="oracle")
    assert scores.scalars["J&F"] == 100
    assert [row["item"] for row in scores.rows] == ["judo_1", "bear_1"]
    many_numbers = {name: np.where(labels, 200, 0).astype(np.uint8) for name, labels in SEQUENCES.items()}
    for name, labels in many_numbers.items():
        save_masks(tmp_path / "other" / name, labels)
    assert benchmark(MaskFolder(tmp_path / "other"), subject="other").scalars["J&F"] == 100


def test_the_tables_and_masks_of_the_official_tool_are_kept(finished: Save, tmp_path: Path) -> None:
    masks = {name: np.roll(labels, 1, 2) for name, labels in SEQUENCES.items()}
    heard = []
    notebook = Notebook(tmp_path / "kept", on_progress=lambda *news: heard.append(news))
    scores = finished(masks, notebook)
    assert heard == [(1, 2, "judo"), (2, 2, "bear")]
    lines = (tmp_path / "kept/global_results-val.csv").read_text().splitlines()
    assert lines[0] == "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay"
    assert float(lines[1].split(",")[0]) == pytest.approx(scores.scalars["J&F"] / 100, abs=5e-4)
    with (tmp_path / "kept/per-sequence_results-val.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["Sequence"] for row in rows] == ["judo_1", "judo_2", "bear_1"]
    assert rows[0]["J-Mean"] == f"{scores.rows[0]['J_mean'] / 100:.3f}"
    kept = Image.open(tmp_path / "kept/masks/judo/00003.png")
    assert kept.mode == "P"
    np.testing.assert_array_equal(np.asarray(kept), masks["judo"][3])


def test_pictures_show_sequences_and_the_worst_objects_with_a_reason(finished: Save, tmp_path: Path) -> None:
    lost = SEQUENCES["bear"].copy()
    lost[3:] = 0
    notebook = Notebook(tmp_path / "kept")
    finished({"judo": SEQUENCES["judo"], "bear": lost}, notebook)
    files = list(notebook.pictures.values())
    assert files == ["bear.jpg", "bear.mp4", "judo.jpg", "judo.mp4", "worst_objects.jpg"]
    assert all((tmp_path / "kept" / name).stat().st_size > 500 for name in files)
    first = (tmp_path / "kept/worst_objects.csv").read_text().splitlines()[1]
    assert first.startswith("bear_1,")
    assert "lost at frame 3 and never found again" in first


@pytest.mark.parametrize(("subject", "films"), [("rgb", 1), ("dis-flow", 0)])
def test_the_features_of_what_has_some_are_filmed(subject: str, films: int, davis: Path, tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "kept")
    Davis(DavisConfig(data=davis))(baseline(subject), subject=subject, notebook=notebook)
    assert len([name for name in notebook.pictures.values() if name.endswith("-features.mp4")]) == films


def test_masks_a_pixel_off_are_scored_and_told(finished: Save, tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "kept")
    scores = finished({"judo": SEQUENCES["judo"][:, :, :-1], "bear": SEQUENCES["bear"]}, notebook)
    assert scores.scalars["J&F"] > 90
    assert scores.provenance["resized_masks"] == 6
    assert (tmp_path / "kept/resized_masks.csv").read_text().count("judo") >= 6
    with pytest.raises(DataError, match=r"judo/00000.png has 32 x 40 pixels"):
        finished({"judo": SEQUENCES["judo"][:, :, :-8]})


def test_masks_that_cannot_be_scored_are_refused(finished: Save, davis: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="has no folder bear"):
        finished({"judo": SEQUENCES["judo"]})
    with pytest.raises(BenchmarkError, match=r"bear are binary .*davis2016"):
        finished({"judo": SEQUENCES["judo"], "bear": SEQUENCES["bear"] * 255})
    with pytest.raises(BenchmarkError, match="bear hold label 7; expected 0 to 1"):
        finished({"judo": SEQUENCES["judo"], "bear": SEQUENCES["bear"] * 7})
    finished({"judo": SEQUENCES["judo"], "bear": SEQUENCES["bear"]})
    for frame in (0, 5):
        (tmp_path / f"finished/judo/{frame:05d}.png").unlink()
    subject = MaskFolder(tmp_path / "finished")
    assert Davis(DavisConfig(data=davis))(subject, subject="m").scalars["J&F"] == 100  # neither frame is scored
    (tmp_path / "finished/judo/00002.png").unlink()
    with pytest.raises(BenchmarkError, match=r"judo lacks 00002.png, which are scored"):
        Davis(DavisConfig(data=davis))(subject, subject="m")


def test_sequences_left_out_stand_in_the_protocol(davis: Path) -> None:
    whole = Davis(DavisConfig(data=davis))(MaskFolder(davis / "Annotations/480p"), subject="m")
    (davis / "JPEGImages/480p/judo/00003.jpg").unlink()
    with pytest.raises(DataError, match=r"judo: lacks 00003\.jpg"):
        Davis(DavisConfig(data=davis))
    scores = Davis(DavisConfig(data=davis, sequences="present"))(MaskFolder(davis / "Annotations/480p"), subject="m")
    assert scores.protocol["left_out"] == ["judo"]
    assert not comparable(scores, whole)


def test_a_split_without_truth_is_kept_for_the_server_and_not_scored(tmp_path: Path) -> None:
    root = save_davis(tmp_path / "davis", {"judo": walking_squares(2)}, split="test-dev")
    for frame in range(1, 6):
        (root / f"Annotations/480p/judo/{frame:05d}.png").unlink()
    benchmark = Davis(DavisConfig(data=root, split="test-dev"))
    with pytest.raises(BenchmarkError, match="nothing can be scored here"):
        benchmark(baseline("rgb"), subject="rgb")
    scores = benchmark(baseline("rgb"), subject="rgb", notebook=Notebook(tmp_path / "kept"))
    assert (scores.headline, dict(scores.scalars), scores.rows) == ("masks", {"masks": 6.0}, [])
    assert len(list((tmp_path / "kept/masks/judo").glob("*.png"))) == 6


def test_a_first_mask_without_an_object_is_named(davis: Path) -> None:
    save_masks(davis / "Annotations/480p/bear", np.zeros_like(SEQUENCES["bear"]))
    with pytest.raises(DataError, match=r"first mask of bear, .*bear/00000.png, shows no object"):
        Davis(DavisConfig(data=davis))(baseline("rgb"), subject="rgb")


def test_binary_masks_among_numbered_ones_lead_to_the_other_benchmark(davis: Path) -> None:
    save_masks(davis / "Annotations/480p/bear", np.where(SEQUENCES["bear"] > 0, 255, 0).astype(np.uint8))
    with pytest.raises(DataError, match=r"first mask of bear, .* is binary \(0 and 255\).* davis2016"):
        Davis(DavisConfig(data=davis))(baseline("rgb"), subject="rgb")


def test_unknown_choices_are_all_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"(?s)sequences: .*'present'.*split: .*'test-dev'"):
        resolve(DavisConfig(), overrides=["sequences=some", "split=test"])


def test_without_data_it_says_where_to_get_it() -> None:
    with pytest.raises(BenchmarkError, match=r"davis2017 needs --data PATH: .*davischallenge.org"):
        Davis(DavisConfig())


def test_presets_are_whole_published_settings() -> None:
    kind = KINDS["davis2016"]
    assert {"dino", "crw", "dul", "vfs", "uvc"} <= set(kind.presets)
    assert kind.presets["crw"]() == DavisConfig(year="2016", propagation=PRESETS["crw"])
    assert kind.config() == DavisConfig(year="2016")
    assert kind.needs_data


@pytest.mark.real_data
@pytest.mark.slow
def test_the_true_masks_of_the_real_sequences_score_a_hundred(real_data: Path) -> None:
    root = real_data / "davis2016"
    benchmark = Davis(DavisConfig(year="2016", data=root, split="train"))
    assert benchmark(MaskFolder(root / "Annotations/480p"), subject="oracle").scalars["J&F"] == 100

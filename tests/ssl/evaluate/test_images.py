"""Classification of whole images from files to scores: oracle, chance, nothing seen, one image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.images import KINDS, ImageKnn, ImageKnnConfig, ImageLinear, ImageLinearConfig
from densewalk.ssl.evaluate.notebook import Notebook
from tests.colour_blocks import COLOURS, ColourReader

CLASSES = 8


def _write(root: Path, *, train: int = 3, val: int = 2, shuffled: bool = False) -> Path:
    """Write a folder for each class, whose images are of one colour each: its own, or any."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for number in range(CLASSES):
            folder = root / split / f"class {number}"
            folder.mkdir(parents=True)
            for image in range(count):
                colour = COLOURS[rng.integers(CLASSES) if shuffled else number]
                Image.fromarray(np.full((40, 56, 3), colour)).save(folder / f"{image}.png")
    return root


def _score(name: str, data: Path, *, blind: bool = False, notebook: Notebook | None = None, **settings: Any) -> Scores:
    config, build = {"image-knn": (ImageKnnConfig, ImageKnn), "image-linear": (ImageLinearConfig, ImageLinear)}[name]
    benchmark = build(config(data=data, side=32, **settings))
    return benchmark(ColourReader(blind=blind), subject="anyone", notebook=notebook or Notebook())


@pytest.fixture(params=["image-knn", "image-linear"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_an_oracle_is_perfect(name: str, tmp_path: Path) -> None:
    scores = _score(name, _write(tmp_path))
    assert scores.scalars["top1"] == scores.scalars["top5"] == 100
    assert [row["class"] for row in scores.rows] == [f"class {i}" for i in range(CLASSES)]
    assert {row["top1"] for row in scores.rows} == {100.0}
    assert {row["images"] for row in scores.rows} == {2}


def test_classes_that_have_nothing_to_do_with_images_give_chance(name: str, tmp_path: Path) -> None:
    scores = _score(name, _write(tmp_path, shuffled=True, train=8, val=12))
    assert scores.scalars["top1"] == pytest.approx(100 / CLASSES, abs=9)
    assert scores.scalars["top5"] == pytest.approx(500 / CLASSES, abs=15)


def test_a_subject_that_sees_nothing_says_one_class(name: str, tmp_path: Path) -> None:
    scores = _score(name, _write(tmp_path), blind=True)
    assert scores.scalars["top1"] == pytest.approx(100 / CLASSES)
    assert sorted(row["top1"] for row in scores.rows) == [0.0] * (CLASSES - 1) + [100.0]


def test_one_training_and_one_val_image_a_class_are_enough(name: str, tmp_path: Path) -> None:
    assert _score(name, _write(tmp_path, train=1, val=1)).scalars["top1"] == 100


def test_scores_repeat_bit_by_bit(name: str, tmp_path: Path) -> None:
    data = _write(tmp_path, shuffled=True)
    assert _score(name, data) == _score(name, data)


def test_either_back_end_gives_the_same_scores_under_one_protocol(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    data = _write(tmp_path, shuffled=True)
    with_faiss, with_torch = (_score("image-knn", data, backend=backend) for backend in ("faiss", "torch"))
    assert with_faiss.scalars == with_torch.scalars
    assert comparable(with_faiss, with_torch)


def test_the_first_number_of_neighbours_makes_the_headline(tmp_path: Path) -> None:
    data = _write(tmp_path, shuffled=True, train=6)
    both, swapped = _score("image-knn", data, neighbours=(1, 20)), _score("image-knn", data, neighbours=(20, 1))
    assert both.scalars["top1"] == swapped.scalars["top1_k1"]
    assert both.scalars["top1_k20"] == swapped.scalars["top1"]


def test_pictures_and_progress_are_kept(name: str, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *step: told.append(step))
    _score(name, _write(tmp_path / "data"), notebook=notebook)
    assert "confusion.svg" in notebook.pictures.values()
    assert ("retrieval.jpg" in notebook.pictures.values()) == (name == "image-knn")
    assert told[-1][:2] == (len(told), len(told)) == (CLASSES * 5, CLASSES * 5)


def test_absent_data_and_odd_settings_are_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=rf"{name} needs --data PATH"):
        KINDS[name].build(KINDS[name].config())
    (tmp_path / "train" / "a").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "train" / "a" / "0.png")
    with pytest.raises(DataError, match="has no folder val"):
        _score(name, tmp_path)
    with pytest.raises(ConfigError, match="side=0"):
        type(KINDS[name].config())(side=0)


def test_votes_of_no_neighbour_are_refused() -> None:
    for neighbours in ((), (20, 0)):
        with pytest.raises(ConfigError, match="neighbours"):
            ImageKnnConfig(neighbours=neighbours)

"""In-context segmentation from files to scores: oracle, chance, nothing seen, void, and the released numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.hummingbird import KINDS, Hummingbird, HummingbirdConfig
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.matchers.cosine import CosineMatcher
from tests.colour_blocks import ColourReader, write_blocks

SIDE = 64


def _score(data: Path, *, notebook: Notebook | None = None, blind: bool = False, **settings: Any) -> Scores:
    config = HummingbirdConfig(**{"dataset": "camvid", "data": data, "side": SIDE, "augment": False} | settings)
    return Hummingbird(config)(ColourReader(blind=blind), subject="anyone", notebook=notebook or Notebook())


@pytest.mark.parametrize("rules", ["corrected", "released"])
def test_an_oracle_is_right_but_for_the_borders_that_enlarging_blurs(rules: Any, tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), rules=rules, neighbours=3)
    assert scores.scalars["pixel_accuracy"] > 80
    assert len(scores.rows) == 11


def test_an_oracle_of_one_class_is_perfect_and_one_image_is_enough(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, train=1, val=1, classes=1))
    assert scores.scalars["mIoU"] == 100


def test_labels_that_have_nothing_to_do_with_the_image_give_chance(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, shuffled=True, train=4, val=4))
    assert scores.scalars["mIoU"] < 12


def test_a_subject_that_sees_nothing_predicts_one_class(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), blind=True)
    assert sum(row["iou"] > 0 for row in scores.rows) <= 1
    assert scores.scalars["mIoU"] < 3


def test_scores_repeat_bit_by_bit_with_crops_and_a_bounded_memory(tmp_path: Path) -> None:
    data = write_blocks(tmp_path)
    settings: dict[str, Any] = {"augment": True, "memory_size": 60, "epochs": 2}
    first, again, other = (_score(data, seed=seed, **settings) for seed in (0, 0, 1))
    assert first == again
    assert first.scalars != other.scalars
    assert first.provenance["memory_patches"] == 60


@pytest.mark.parametrize("backend", ["torch", "faiss"])
def test_who_searches_changes_neither_scores_nor_protocol(backend: Any, tmp_path: Path) -> None:
    if backend == "faiss":
        pytest.importorskip("faiss")
    data = write_blocks(tmp_path)
    scores, automatic = _score(data, backend=backend), _score(data)
    assert scores.scalars == automatic.scalars
    assert comparable(scores, automatic)


def test_pixels_without_a_class_are_neither_scored_nor_remembered(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, classes=1, void=0.3), memory_size=0)
    labelled = sum(int((np.asarray(Image.open(path)) != 11).sum()) for path in (tmp_path / "trainannot").iterdir())
    assert scores.scalars["mIoU"] == 100
    assert scores.provenance["memory_patches"] == labelled / 64 < 128
    assert _score(tmp_path, memory_size=0, rules="released").provenance["memory_patches"] == 128


def test_unlabelled_pixels_of_ade20k_are_a_class_to_the_released_code(tmp_path: Path) -> None:
    write_blocks(tmp_path / "blocks", void=0.5)
    for split, name in (("train", "training"), ("val", "validation")):
        for kind, folder, ending in (("", "images", "jpg"), ("annot", "annotations", "png")):
            out = tmp_path / "ADEChallengeData2016" / folder / name
            out.mkdir(parents=True)
            for path in (tmp_path / "blocks" / f"{split}{kind}").iterdir():
                array = np.asarray(Image.open(path))
                array = np.where(array == 11, 0, array + 1).astype(np.uint8) if kind else array
                Image.fromarray(array).save(out / f"ADE_{path.stem}.{ending}")
    released, corrected = (_score(tmp_path, dataset="ade20k", rules=rules) for rules in ("released", "corrected"))
    assert (released.protocol["classes"], corrected.protocol["classes"]) == (151, 150)
    assert released.scalars["mIoU"] < 12 / 151 * 100 < corrected.scalars["mIoU"]


def test_the_memory_is_bounded_for_every_image_alike_or_keeps_all(tmp_path: Path) -> None:
    data = write_blocks(tmp_path, train=3)
    assert _score(data, memory_size=100).provenance["memory_patches"] == 3 * 33
    assert _score(data, memory_size=0).provenance["memory_patches"] == 3 * 64
    assert _score(data, memory_size=0, num_train=1).provenance["memory_patches"] == 64


def test_the_protocol_tells_what_moves_numbers_and_not_where_data_lies(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path))
    assert {"data", "backend"}.isdisjoint(scores.protocol)
    assert scores.protocol["num_train"] == scores.protocol["num_test"] == 2
    relabelled = tmp_path / "valannot" / "000.png"
    label = np.asarray(Image.open(relabelled)).copy()
    label[0, 0] = (label[0, 0] + 1) % 11
    Image.fromarray(label).save(relabelled)
    assert not comparable(scores, _score(tmp_path))


def test_pictures_tables_and_progress_are_kept(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *step: told.append(step))
    _score(write_blocks(tmp_path / "data"), notebook=notebook)
    assert set(notebook.pictures.values()) == {"predictions.jpg", "confusion.svg", "retrieval.jpg"}
    assert (tmp_path / "notes" / "confusion.csv").is_file()
    assert [step[:2] for step in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_absent_data_and_odd_settings_are_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"hummingbird-camvid needs --data PATH.*SegNet"):
        Hummingbird(HummingbirdConfig(dataset="camvid"))
    with pytest.raises(DataError, match="nowhere"):
        Hummingbird(HummingbirdConfig(dataset="camvid", data=tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"(?s)dataset.*memory_size.*neighbours.*temperature"):
        HummingbirdConfig(dataset="no", memory_size=-1, neighbours=0, temperature=0)


def test_every_set_has_both_presets() -> None:
    for name, kind in KINDS.items():
        parity, corrected = kind.presets["parity"](), kind.presets["corrected"]()
        assert parity.rules == "released"
        assert corrected == kind.config()
        assert f"hummingbird-{corrected.dataset}" == name
        assert corrected.memory_size == 102_400


@pytest.mark.real_data
@pytest.mark.parametrize(("memory", "expected"), [(1024, 17.090497946574242), (0, 16.538281614878084)])
def test_camvid_scores_as_the_released_scorer_does(memory: int, expected: float, real_data: Path) -> None:
    """The released scorer's numbers on the same features, labels and draws, its search made exact."""
    config = HummingbirdConfig(
        dataset="camvid", data=real_data / "camvid", side=128, memory_size=memory, rules="released", augment=False,
        num_train=8, num_test=4,
    )  # fmt: skip
    matcher = CosineMatcher(RgbEncoder(stride=8, patch=8)).eval()
    assert Hummingbird(config)(matcher, subject="rgb").scalars["mIoU"] == pytest.approx(expected, abs=1e-6)

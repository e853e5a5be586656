"""Overclustering from files to scores: oracle, chance, nothing seen, one image, and the published presets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.overclustering import KINDS, Overclustering, OverclusteringConfig
from densewalk.ssl.probe.clusters import KMeansConfig
from tests.colour_blocks import ColourReader, write_blocks

EXACT: dict[str, Any] = {"side": 64, "raster": 64, "cluster": "nodes", "seeds": 2, "k_means": KMeansConfig(restarts=2)}
"""Nodes are blocks, so that an oracle has no blurred borders."""


def _score(data: Path, *, notebook: Notebook | None = None, blind: bool = False, **settings: Any) -> Scores:
    config = OverclusteringConfig(**{"dataset": "camvid", "data": data} | EXACT | settings)
    return Overclustering(config)(ColourReader(blind=blind), subject="anyone", notebook=notebook or Notebook())


def test_an_oracle_is_perfect_one_to_one(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), k_means=KMeansConfig(restarts=40))
    assert scores.scalars["mIoU"] == 100
    assert scores.scalars["mIoU_sd"] == 0
    assert [row["iou"] for row in scores.rows] == [100] * 11


def test_an_oracle_is_perfect_many_to_one_and_one_image_is_enough(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, val=1), clusters=40, matching="many-to-one")
    assert scores.scalars["mIoU"] == 100


@pytest.mark.parametrize("read_at", ["centre", "corner"])
def test_enlarged_features_find_what_nodes_find_but_for_borders(read_at: Any, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"cluster": "pixels", "clusters": 60, "matching": "many-to-one", "read_at": read_at}
    scores = _score(write_blocks(tmp_path), **settings)
    assert 75 < scores.scalars["pixel_accuracy"] < 100


def test_labels_that_have_nothing_to_do_with_the_image_give_chance(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, shuffled=True, val=6), k_means=KMeansConfig(restarts=40))
    assert scores.scalars["mIoU"] < 12


def test_a_subject_that_sees_nothing_has_one_cluster(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path), blind=True)
    assert sum(row["iou"] > 0 for row in scores.rows) == 1


def test_clusters_beyond_the_classes_are_class_0_one_to_one(tmp_path: Path) -> None:
    one, many = (
        _score(write_blocks(tmp_path / m, val=1), clusters=30, matching=m) for m in ("one-to-one", "many-to-one")
    )
    assert one.scalars["mIoU"] <= many.scalars["mIoU"]


def test_ignored_pixels_are_left_out(tmp_path: Path) -> None:
    scores = _score(write_blocks(tmp_path, void=0.4), clusters=40, matching="many-to-one")
    assert scores.scalars["mIoU"] == 100


@pytest.mark.parametrize("backend", ["torch", "faiss"])
def test_scores_repeat_bit_by_bit_with_either_back_end(backend: Any, tmp_path: Path) -> None:
    if backend == "faiss":
        pytest.importorskip("faiss")
    data = write_blocks(tmp_path, shuffled=True)
    scores, automatic = _score(data, backend=backend, cluster="pixels"), _score(data, cluster="pixels")
    assert scores.scalars == automatic.scalars
    assert scores.rows == automatic.rows
    assert comparable(scores, automatic)


def test_pictures_and_progress_are_kept(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *step: told.append(step))
    _score(write_blocks(tmp_path / "data"), notebook=notebook)
    assert set(notebook.pictures.values()) == {"predictions.jpg", "confusion.svg"}
    assert [step[:2] for step in told] == [(n, 6) for n in range(1, 7)]


def test_presets_are_the_released_scripts_and_the_evaluation_during_training() -> None:
    released = KINDS["cluster-voc12"].presets["neco-k21"]()
    assert (released.matching, released.cluster, released.k_means.iterations) == ("one-to-one", "nodes", 100)
    assert (released.side, released.raster, released.axes, released.seeds) == (448, 100, 50, 5)
    many = KINDS["cluster-voc12"].presets["k500"]()
    assert (many.clusters, many.matching, many.k_means) == (500, "many-to-one", KMeansConfig(iterations=50, restarts=5))
    assert KINDS["cluster-camvid"].presets["neco-k300"]().matching == "many-to-one"
    for kind in KINDS.values():
        assert all(np.isfinite(preset().clusters) for preset in kind.presets.values())


def test_absent_data_odd_settings_and_too_many_clusters_are_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cluster-camvid needs --data PATH"):
        Overclustering(OverclusteringConfig(dataset="camvid"))
    with pytest.raises(ConfigError, match=r"(?s)dataset.*clusters.*seeds"):
        OverclusteringConfig(dataset="no", clusters=-1, seeds=0)
    with pytest.raises(BenchmarkError, match=r"500 clusters.*64 points"):
        _score(write_blocks(tmp_path, val=1), clusters=500)

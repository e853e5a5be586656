"""BADJA from files to PCK, followed as points and carried on as labels."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.evaluate import badja
from densewalk.ssl.evaluate.badja import (
    KINDS,
    BadjaConfig,
    BadjaPropagation,
    BadjaPropagationConfig,
    BadjaTracking,
)
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.matchers.position import PositionMatcher
from tests.drifting_grid import BLOCK_PX, GridOracle, drifting_video

GRID_HW = (12, 16)
SIZE_HW = (12 * BLOCK_PX, 16 * BLOCK_PX)
ANNOTATED = (0, 3, 6)
USED = [8, 9, 10, 12, 13, 14, 15, 18, 19, 20, 22, 23, 24, 25, 28, 31, 32, 33, 35, 36]
BENCHMARKS = ["badja", "badja-propagation"]


def _entries(name: str, seed: int, order: Callable[[np.ndarray], np.ndarray]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    start_J2 = np.stack((rng.integers(1, 11, 20), rng.integers(1, 9, 20)), axis=1) * BLOCK_PX + BLOCK_PX // 2
    entries = []
    for frame in ANNOTATED:
        joints, visibility = np.zeros((37, 2), int), np.zeros(37, bool)
        place_J2 = start_J2 + np.array((0, frame * BLOCK_PX))
        joints[USED], visibility[USED] = order(place_J2) if frame else place_J2, True
        paths = {
            key: f"DAVIS/{kind}/Full-Resolution/{name}/{frame:05d}.{ending}"
            for key, kind, ending in (("image_path", "JPEGImages", "jpg"), ("segmentation_path", "Annotations", "png"))
        }
        entries.append(paths | {"joints": joints.tolist(), "visibility": visibility.tolist()})
    return entries


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., Path]:
    """Returns a maker of sequences whose picture drifts with the joints; the mask covers a quarter of it."""

    def make(
        *, names: tuple[str, ...] = ("bear", "dog"), order: Callable[[np.ndarray], np.ndarray] = lambda j: j
    ) -> Path:
        (tmp_path / "joint_annotations").mkdir()
        mask_HW = np.zeros(SIZE_HW, np.uint8)
        mask_HW[:48, :64] = 255
        for seed, name in enumerate(names):
            (tmp_path / f"joint_annotations/{name}.json").write_text(json.dumps(_entries(name, seed, order)))
            images, masks = (
                tmp_path / f"DAVIS/{kind}/Full-Resolution/{name}" for kind in ("JPEGImages", "Annotations")
            )
            images.mkdir(parents=True)
            masks.mkdir(parents=True)
            for frame, image in enumerate(drifting_video(ANNOTATED[-1] + 1, GRID_HW)):
                # JPEG would blur the places that the colours tell
                Image.fromarray(image).save(images / f"{frame:05d}.jpg", format="PNG")
                Image.fromarray(mask_HW).save(masks / f"{frame:05d}.png")
        return tmp_path

    return make


def _scores(name: str, data: Path, matcher: Any = None, *, notebook: Notebook = FORGETFUL, **settings: Any) -> Scores:
    config = replace(KINDS[name].config(), data=data, sequences="present", **{"raster_hw": SIZE_HW} | settings)
    benchmark = KINDS[name].build(config)
    return benchmark(matcher or GridOracle(), subject="anyone", notebook=notebook)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_oracle_follows_every_joint_and_zero_motion_does_not(name: str, make_data: Callable[..., Path]) -> None:
    data = make_data(names=("bear",))
    oracle = _scores(name, data)
    assert oracle.scalars["PCK@0.05"] == 100
    # the node of 8 px that contains a joint holds it in its middle
    assert oracle.scalars["accuracy_3px"] == 100
    still = _scores(name, data, PositionMatcher(stride=8))
    assert still.scalars["accuracy_3px"] == 0
    # joints drift by 24 and 48 px, the root of 48 x 64 px is about 55 px
    assert still.scalars["PCK@0.2"] == 0
    assert still.scalars["PCK@0.5"] <= 60


@pytest.mark.parametrize("name", BENCHMARKS)
def test_permuted_joints_are_found_by_chance_alone(name: str, make_data: Callable[..., Path]) -> None:
    assert _scores(name, make_data(order=lambda place_J2: np.roll(place_J2, 7, axis=0))).scalars["PCK@0.2"] < 35


def test_where_nothing_is_predicted_joints_stay_where_they_were(
    make_data: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Any, video_THWC: Any, first_JHW: torch.Tensor, __: Any) -> Any:
        return [first_JHW, *[torch.zeros_like(first_JHW)] * (len(video_THWC) - 1)]

    monkeypatch.setattr(badja, "propagate_maps", nothing)
    scalars = _scores("badja-propagation", make_data(names=("bear",))).scalars
    assert scalars["PCK@0.2"] == 0
    assert scalars["PCK@0.5"] == 50


def test_joints_hidden_at_the_start_are_asked_for_where_the_annotators_left_them(
    make_data: Callable[..., Path],
) -> None:
    """As published: (0, 0) is asked for instead of the joint, which then is not found where it comes into sight."""
    data = make_data(names=("bear",))
    path = data / "joint_annotations/bear.json"
    entries = json.loads(path.read_text())
    for slot in USED[:5]:
        entries[0]["joints"][slot], entries[0]["visibility"][slot] = [0, 0], False
    path.write_text(json.dumps(entries))
    assert _scores("badja", data).scalars["PCK@0.05"] == pytest.approx(100 * 15 / 20)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_same_bits_come_twice_and_the_protocol_tells_what_was_measured(
    name: str, make_data: Callable[..., Path]
) -> None:
    data = make_data()
    first = _scores(name, data)
    assert first == _scores(name, data)
    assert [row["video"] for row in first.rows] == ["bear", "dog"]
    assert first.headline == "PCK@0.2"
    assert first.protocol["davis"] == "Full-Resolution"
    assert first.protocol["num_videos"] == 2
    assert "data" not in first.protocol
    assert first.protocol["left_out"] == ["camel", "cows", "dog-agility", "horsejump-high", "horsejump-low"]
    assert comparable(first, _scores(name, data, PositionMatcher(stride=16)))
    assert not comparable(first, _scores(name, data, raster_hw=(80, 80)))


def test_pictures_and_progress_are_left_in_the_notebook(make_data: Callable[..., Path], tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "notes", on_progress=lambda *event: told.append(event))
    _scores("badja", make_data(), notebook=notebook)
    assert told == [(1, 2, "bear"), (2, 2, "dog")]
    assert set(notebook.pictures.values()) == {"strip-0.jpg", "strip-1.jpg", "film.mp4", "worst.jpg", "pck.svg"}


def test_published_rasters_are_presets_and_wrong_settings_are_told() -> None:
    assert KINDS["badja"].presets["pips"]().raster_hw == (320, 512)
    assert KINDS["badja"].presets["cotracker"]().raster_hw == (384, 512)
    dino = KINDS["badja-propagation"].presets["dino"]().propagation
    assert (dino.radius, dino.context, dino.top_k, dino.temperature) == (None, 7, 5, 0.1)
    assert dino.network_hw((320, 512)) == (320, 512)
    for benchmark in (lambda: BadjaTracking(BadjaConfig()), lambda: BadjaPropagation(BadjaPropagationConfig())):
        with pytest.raises(BenchmarkError, match=r"needs --data PATH.*joint_annotations.*davischallenge"):
            benchmark()
    with pytest.raises(ConfigError, match="raster_hw"):
        BadjaConfig(raster_hw=(0, 512))


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "expected"), [("badja", 19.3), ("badja-propagation", 16.2)])
def test_real_joints_are_followed_by_a_network_that_stands_still(name: str, expected: float, real_data: Path) -> None:
    scores = _scores(name, real_data, PositionMatcher(stride=16), raster_hw=(320, 512))
    assert scores.scalars["PCK@0.2"] == pytest.approx(expected, abs=1)
    assert scores.protocol["davis"] == "480p"

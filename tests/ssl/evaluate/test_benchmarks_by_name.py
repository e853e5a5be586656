"""Benchmarks by name: every one can be set from the command line, and only with settings it has."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.ssl.evaluate import BENCHMARKS, build_benchmarks, configure_benchmarks

SCENES = ["scenes-tracking", "scenes-flow", "scenes-propagation", "scenes-segmentation"]
FILES = ["tapvid-davis", "tapvid-kinetics", "tapvid-kubric", "tapvid-rgb-stacking", "tapvid-robotap"]


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """A file of one tiny video, under a name that suits all data sets."""
    item = {"video": np.zeros((2, 8, 8, 3), np.uint8), "points": np.ones((1, 2, 2)) / 2, "occluded": np.zeros((1, 2))}
    path = tmp_path / "robotap_0_of_1.pkl"
    path.write_bytes(pickle.dumps({"a": item}))
    return path


def test_benchmarks_carry_the_names_they_are_found_by(davis: Path) -> None:
    assert list(BENCHMARKS)[:9] == [*SCENES, *FILES]
    assert {name: built.name for name, built in build_benchmarks(configure_benchmarks()).items()} == {
        name: name for name in SCENES
    }
    for name in FILES:
        config = configure_benchmarks([name], data=davis)[name]
        assert build_benchmarks({name: config})[name].name == name


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_says_what_it_reads_and_shows(name: str) -> None:
    kind = BENCHMARKS[name]
    config = kind.config()
    assert kind.reads
    assert kind.columns
    assert kind.text.endswith(".")
    assert all(type(make()) is type(config) for make in kind.presets.values())
    for preset in kind.presets:
        assert configure_benchmarks([name], overrides=[f"preset={preset}"])[name] == kind.presets[preset]()


@pytest.mark.parametrize("name", [name for name, kind in BENCHMARKS.items() if kind.needs_data])
def test_absent_data_is_named_with_what_is_expected_and_where_it_is_from(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=rf"{name} needs --data .*expected|{name} needs --data PATH"):
        build_benchmarks(configure_benchmarks([name]))
    with pytest.raises((DataError, BenchmarkError)) as found:
        build_benchmarks(configure_benchmarks([name], data=tmp_path / "nowhere"))
    assert "nowhere" in str(found.value)
    assert re.search(r"expected", str(found.value))


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown preset of davis2017 'dyno'; known: crw, dino, .*did you mean 'dino'"
    ):
        configure_benchmarks(["davis2017"], overrides=["preset=dyno"])


def test_settings_are_laid_over_a_preset() -> None:
    config = configure_benchmarks(["davis2017"], overrides=["propagation.top_k=7", "preset=crw"])["davis2017"]
    assert (config.propagation.top_k, config.propagation.context) == (7, 20)


def test_only_benchmarks_that_make_their_own_data_run_by_default() -> None:
    assert list(configure_benchmarks()) == SCENES
    assert list(configure_benchmarks(["scenes-flow", "scenes-flow"])) == ["scenes-flow"]


def test_any_setting_of_a_benchmark_can_be_overridden(davis: Path) -> None:
    overrides = ["query_mode=strided", "tracker.mode=direct", "tracker.upsample=2", "num_videos=2"]
    configs = configure_benchmarks(["scenes-tracking", "tapvid-davis"], data=davis, overrides=overrides)
    for config in configs.values():
        assert config.query_mode == "strided"
        assert (config.tracker.mode, config.tracker.upsample) == ("direct", 2)
        assert config.num_videos == 2
    assert configs["tapvid-davis"].data == davis
    named = configure_benchmarks(["tapvid-davis"], overrides=[f"data={davis}"])
    assert named["tapvid-davis"].data == davis


def test_a_setting_that_one_of_several_does_not_know_is_refused_with_its_name() -> None:
    with pytest.raises(ConfigError, match="scenes-flow: unknown option 'query_mode'"):
        configure_benchmarks(["scenes-tracking", "scenes-flow"], overrides=["query_mode=strided"])
    with pytest.raises(ConfigError, match=r"(?s)scenes-tracking: .*query_mode.*scenes-tracking: .*num_vides"):
        configure_benchmarks(["scenes-tracking"], overrides=["query_mode=last", "num_vides=3"])
    with pytest.raises(ConfigError, match="did you mean 'tapvid-davis'"):
        configure_benchmarks(["tapvid-davs"])


def test_data_belongs_to_a_named_benchmark_that_reads_it(davis: Path) -> None:
    for names in ([], ["scenes-flow"]):
        with pytest.raises(BenchmarkError, match=r"read by no benchmark asked for; .*tapvid-davis"):
            configure_benchmarks(names, data=davis)
    with pytest.raises(BenchmarkError, match="tapvid-davis needs --data PATH"):
        build_benchmarks(configure_benchmarks(["tapvid-davis"]))


def test_settings_of_another_data_set_are_refused(davis: Path) -> None:
    configs = configure_benchmarks(["tapvid-davis"], data=davis, overrides=["dataset=robotap"])
    with pytest.raises(ConfigError, match="tapvid-davis: these settings are of tapvid-robotap"):
        build_benchmarks(configs)


def test_scenes_names_all_on_generated_scenes_and_is_the_default() -> None:
    configs = configure_benchmarks(["scenes"])
    assert list(configs) == list(configure_benchmarks()) == [name for name in BENCHMARKS if name.startswith("scenes-")]
    assert next(iter(configure_benchmarks(["scenes-flow", "scenes"]))) == "scenes-flow"

"""The recipe: every setting counts, and a difference is shown by name."""

from pathlib import Path

import pytest

from densewalk.datasets.config import resolve, to_yaml
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.recipe import PrepareConfig, check_config, check_recipe, read_config, recipe_hash

VERSIONS = {"shots": 1, "clips": 1}


def test_every_setting_and_stage_version_changes_the_hash() -> None:
    settings = [
        "licence=CC0",
        "decode.short_side_px=128",
        "shots.threshold=0.4",
        "encode.gop=8",
        "probe.limits.max_frames=9",
    ]
    hashes = {recipe_hash(PrepareConfig(), VERSIONS)} | {
        recipe_hash(resolve(PrepareConfig(), overrides=[setting]), VERSIONS) for setting in settings
    }
    assert len(hashes | {recipe_hash(PrepareConfig(), VERSIONS | {"clips": 99})}) == len(settings) + 2


def test_where_videos_come_from_and_how_shards_are_filled_may_change(tmp_path: Path) -> None:
    config = PrepareConfig()
    other = resolve(config, overrides=["sources=[videos]", "fetch.attempts=9", "pack.shard_clips=9"])
    assert recipe_hash(other, VERSIONS) == recipe_hash(config, VERSIONS)
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    check_config(tmp_path / "config.yaml", other)


def test_the_written_configuration_is_the_same_configuration(tmp_path: Path) -> None:
    config = resolve(PrepareConfig(), overrides=["clips.max_fps=23.976", "probe.limits.max_frames=5"])
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    check_config(tmp_path / "config.yaml", config)
    assert read_config(tmp_path / "config.yaml") == config
    check_config(tmp_path / "absent.yaml", config)


def test_a_configuration_that_is_absent_or_of_a_later_densewalk_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.yaml.*put a copy of it back"):
        read_config(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text("quality: {grain: 3}")
    with pytest.raises(DataError, match=r"config\.yaml.*quality\.grain.*upgrade"):
        read_config(tmp_path / "config.yaml")


def test_a_difference_is_named_setting_by_setting(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(to_yaml(PrepareConfig()).replace("crf: 20", "crf: 30"))
    with pytest.raises(ConfigError, match=r"encode\.crf: 30 in the dataset, 20 now"):
        check_config(tmp_path / "config.yaml", PrepareConfig())


@pytest.mark.parametrize("text", ["[1, 2", "just a text", ""])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(DataError, match=r"config\.yaml"):
        check_config(tmp_path / "config.yaml", PrepareConfig())
    with pytest.raises(DataError, match=r"config\.yaml"):
        read_config(tmp_path / "config.yaml")


def test_other_stage_versions_are_refused_by_name() -> None:
    config = PrepareConfig()
    written = recipe_hash(config, VERSIONS)
    check_recipe(Path("D"), written, config, VERSIONS)
    with pytest.raises(ConfigError, match="shots v2"):
        check_recipe(Path("D"), written, config, VERSIONS | {"shots": 2})

"""The recipe: every setting counts, and a difference is shown by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from densewalk.datasets.config import resolve, to_yaml
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines import recipe
from densewalk.pipelines.recipe import PrepareConfig, check_config, check_recipe, recipe_hash


def test_every_setting_and_stage_version_changes_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [
        "licence=CC0",
        "decode.short_side_px=128",
        "shots.threshold=0.4",
        "clips.encode.gop=8",
        "pack.shard_clips=9",
    ]
    hashes = {recipe_hash(PrepareConfig())} | {
        recipe_hash(resolve(PrepareConfig(), overrides=[setting])) for setting in settings
    }
    monkeypatch.setitem(recipe.STAGE_VERSIONS, "clips", 99)
    assert len(hashes | {recipe_hash(PrepareConfig())}) == len(settings) + 2


def test_the_written_configuration_is_the_same_configuration(tmp_path: Path) -> None:
    config = resolve(PrepareConfig(), overrides=["clips.max_fps=23.976", "decode.limits.max_frames=5"])
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    check_config(tmp_path / "config.yaml", config)
    assert resolve(PrepareConfig(), file=tmp_path / "config.yaml") == config
    check_config(tmp_path / "absent.yaml", config)


def test_a_difference_is_named_setting_by_setting(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(to_yaml(PrepareConfig()).replace("crf: 20", "crf: 30"))
    with pytest.raises(ConfigError, match=r"clips\.encode\.crf: 30 in the dataset, 20 now"):
        check_config(tmp_path / "config.yaml", PrepareConfig())


@pytest.mark.parametrize("text", ["[1, 2", "just a text", ""])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        check_config(tmp_path / "config.yaml", PrepareConfig())


def test_other_stage_versions_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    config = PrepareConfig()
    written = recipe_hash(config)
    check_recipe(Path("D"), written, config)
    check_recipe(Path("D"), "", config)
    monkeypatch.setitem(recipe.STAGE_VERSIONS, "shots", 2)
    with pytest.raises(ConfigError, match="shots v2"):
        check_recipe(Path("D"), written, replace(config))

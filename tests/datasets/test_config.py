from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.config import config_hash, from_mapping, require, resolve, to_mapping, to_yaml
from densewalk.datasets.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    lr: float = 3e-4
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        require(self.lr <= 0 and f"optimiser.lr={self.lr} must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    steps: int = 100
    name: str = "run"
    mode: Literal["chained", "direct"] = "chained"
    dataset: Path | None = None
    flip: bool = False
    sizes: tuple[int, ...] = (64, 128)
    optimiser: Optimiser = field(default_factory=Optimiser)

    def __post_init__(self) -> None:
        require(self.steps < 1 and f"steps={self.steps} must be at least 1")


def test_overrides_reach_nested_fields_with_their_types() -> None:
    overrides = ["optimiser.lr=0.1", "optimiser.betas=[0.5, 0.6]", "dataset=a/b", "flip=true", "sizes=[1,2,3]"]
    config = resolve(Recipe(), overrides=overrides)
    assert config == Recipe(
        optimiser=Optimiser(lr=0.1, betas=(0.5, 0.6)), dataset=Path("a/b"), flip=True, sizes=(1, 2, 3)
    )


def test_recipe_values_survive_where_nothing_is_overridden() -> None:
    recipe = Recipe(steps=7, optimiser=Optimiser(lr=0.5))
    assert resolve(recipe, overrides=["name=x"]) == replace(recipe, name="x")
    assert recipe.name == "run"


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("steps: 5\noptimiser:\n  lr: 0.25\n")
    config = resolve(Recipe(), overrides=["steps=6"], file=file)
    assert (config.steps, config.optimiser.lr) == (6, 0.25)


def test_all_mistakes_are_reported_at_once_with_the_closest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(Recipe(), overrides=["stepz=3", "optimiser.lr=fast", "nonsense", "optimiser.beta=1", "optimiser=1"])
    text = str(caught.value)
    assert "unknown option 'stepz'" in text
    assert "did you mean 'steps'?" in text
    assert "optimiser.lr: " in text
    assert "cannot read override 'nonsense'; write section.field=value" in text
    assert "did you mean 'betas'?" in text
    assert "optimiser is a section; set one of its fields: lr, betas" in text


@pytest.mark.parametrize("value", [".nan", "nan", ".inf", "-inf"])
def test_numbers_that_no_check_could_compare_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"optimiser\.lr=-?(nan|inf) must be a finite number"):
        resolve(Recipe(), overrides=[f"optimiser.lr={value}"])


def test_broken_constraints_of_several_sections_and_unknown_names_come_in_one_message() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(Recipe(), overrides=["optimiser.lr=-1", "steps=0", "stepz=3"])
    text = str(caught.value)
    assert "optimiser.lr=-1.0 must be positive" in text
    assert "steps=0 must be at least 1" in text
    assert "unknown option 'stepz'" in text


@pytest.mark.parametrize(
    "override", ["steps=1.5", "steps=many", "flip=perhaps", "name.first=x", "optimiser.lr.x=1", "steps=[1]", "=3"]
)
def test_value_of_a_wrong_kind_never_passes(override: str) -> None:
    with pytest.raises(ConfigError):
        resolve(Recipe(), overrides=[override])


@pytest.mark.parametrize("override", ["mode=sideways", "optimiser.betas=[0.1]", "sizes=[a]"])
def test_value_outside_a_choice_or_shape_never_passes(override: str) -> None:
    with pytest.raises(ConfigError):
        resolve(Recipe(), overrides=[override])


def test_file_that_is_absent_or_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file at"):
        resolve(Recipe(), file=tmp_path / "none.yaml")
    for content, reason in [("a: [1", "is not YAML"), ("- 1\n- 2\n", "holds a list")]:
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(ConfigError, match=reason):
            resolve(Recipe(), file=tmp_path / "bad.yaml")


def test_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert resolve(Recipe(), file=tmp_path / "empty.yaml") == Recipe()


@given(
    steps=st.integers(1, 10**9),
    name=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    lr=st.floats(1e-12, 1e6),
    sizes=st.lists(st.integers(), max_size=4).map(tuple),
    dataset=st.sampled_from([None, Path("a"), Path("a/b.c")]),
)
def test_mapping_and_yaml_give_the_configuration_back(
    steps: int, name: str, lr: float, sizes: tuple[int, ...], dataset: Path | None
) -> None:
    config = Recipe(steps=steps, name=name, optimiser=Optimiser(lr=lr), sizes=sizes, dataset=dataset)
    assert from_mapping(Recipe(), to_mapping(config)) == config
    assert from_mapping(Recipe(), yaml.safe_load(to_yaml(config))) == config


def test_yaml_keeps_the_order_of_fields() -> None:
    assert list(yaml.safe_load(to_yaml(Recipe()))) == list(Recipe.__slots__)


def test_unknown_field_in_a_mapping_never_passes() -> None:
    with pytest.raises(ConfigError, match=r"unknown option 'optimiser\.momentum'"):
        from_mapping(Recipe(), {"optimiser": {"momentum": 0.9}})


def test_hash_changes_with_every_field_and_with_nothing_else() -> None:
    changes = [Recipe(steps=1), Recipe(name="x"), Recipe(flip=True), Recipe(optimiser=Optimiser(lr=1.0))]
    hashes = {config_hash(config) for config in [Recipe(), *changes]}
    assert len(hashes) == len(changes) + 1
    assert config_hash(Recipe()) == config_hash(Recipe(steps=100))


def test_require_collects_only_texts() -> None:
    require(False, None, True)
    with pytest.raises(ConfigError, match="first\nsecond"):
        require("first", False, "second", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum(Optimiser):
    momentum: float = 0.9


def test_a_section_is_rebuilt_as_the_class_it_has_in_the_defaults() -> None:
    config = Recipe(optimiser=Momentum(momentum=0.5))
    assert resolve(config, overrides=["optimiser.momentum=0.7"]).optimiser == Momentum(momentum=0.7)
    assert from_mapping(Recipe(optimiser=Momentum()), to_mapping(config)) == config

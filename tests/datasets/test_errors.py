import pytest

from densewalk.datasets.errors import (
    BenchmarkError,
    ConfigError,
    DataError,
    DensewalkError,
    TrainingError,
    known_name,
)


@pytest.mark.parametrize("kind", [BenchmarkError, ConfigError, DataError, TrainingError])
def test_every_user_error_is_caught_by_its_root_alone(kind: type[Exception]) -> None:
    assert issubclass(kind, DensewalkError)
    assert not issubclass(kind, OSError | ValueError)


def test_known_name_passes() -> None:
    assert known_name("gmrw", {"gmrw": 1, "crw": 2}, "objective") == "gmrw"


def test_unknown_name_lists_the_known_and_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"unknown objective 'gmrv'; known: crw, gmrw; did you mean 'gmrw'\?"):
        known_name("gmrv", ["gmrw", "crw"], "objective")


def test_name_like_no_other_gets_no_guess() -> None:
    with pytest.raises(ConfigError) as caught:
        known_name("zzz", ["gmrw"], "objective")
    assert "did you mean" not in str(caught.value)

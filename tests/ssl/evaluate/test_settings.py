"""Settings that move no number stay out of the protocol, and data that nobody named is asked for."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.images import ImageKnnConfig
from densewalk.ssl.evaluate.settings import data_for, settings_of


def test_where_the_data_lies_and_who_searches_is_no_part_of_the_protocol() -> None:
    here = settings_of(ImageKnnConfig(data=Path("here"), backend="torch"))
    assert here == settings_of(ImageKnnConfig(data=Path("there"), backend="auto"))
    assert here == {"side": 224, "neighbours": [20, 10, 100, 200], "temperature": 0.07}


def test_data_that_nobody_named_is_asked_for() -> None:
    assert data_for("any", Path("here"), "a list") == Path("here")
    with pytest.raises(BenchmarkError, match="any needs --data PATH: a list"):
        data_for("any", None, "a list")

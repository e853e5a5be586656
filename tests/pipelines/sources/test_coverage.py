from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.coverage import Share, coverage, present_names

A, B, C, D = "-3B32lodo2M", "_dbcJuKJQNs", "---QUuC4vJs", "--GkrdYZ9Tc"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    rows = [
        f"x,{A},1,11,train",
        f"x,{B},2,12,train",
        f"y,{C},3,13,train",
        "y,broken,3,13,train",
        f"y,{D},4,14,validate",
    ]
    (tmp_path / "all.csv").write_text("\n".join(["label,youtube_id,time_start,time_end,split", *rows]))
    files = [f"train/{A}_000001_000011.mp4", f"train/{C}_000003_000013.mp4", "train/unknown.mp4", "test/other.mp4",
             "loose.mp4", f"replacement_for_corrupted_k400/{C}_000003_000013.mp4",
             "replacement_for_corrupted_k400/another.mp4"]  # fmt: skip
    for name in files:
        (tmp_path / "k400" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "k400" / name).touch()
    return f"kinetics:{tmp_path}/all.csv@videos={tmp_path}/k400"


def test_coverage_counts_by_split_and_label(spec: str) -> None:
    found = coverage(spec)
    assert found.shares == {
        ("train", "x"): Share(present=1, absent=1),
        ("train", "y"): Share(replaced=1),
        ("val", "y"): Share(absent=1),
    }
    assert found.of(split="train") == Share(present=1, replaced=1, absent=1)
    assert found.of(label="y") == Share(replaced=1, absent=1)
    assert found.of().total == 4
    assert found.broken == 1
    assert found.extra == {"": 1, "train": 1}


def test_the_report_has_a_line_a_split_and_the_labels_of_which_least_is_there(spec: str) -> None:
    lines = [line.split() for line in coverage(spec).report().splitlines()]
    assert ["train", "1", "1", "1", "1", "66.7%"] in lines
    assert ["val", "0", "0", "1", "0", "0.0%"] in lines
    assert ["(none)", "0", "0", "0", "1", "100.0%"] in lines
    assert ["x", "1", "0", "1", "50.0%"] in lines
    assert ["1", "rows", "could", "not", "be", "read"] in lines


def test_present_names_are_what_two_papers_can_compare(spec: str) -> None:
    assert list(present_names(spec)) == [f"{C}_000003_000013", f"{A}_000001_000011"]


def test_coverage_is_of_kinetics_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="coverage is known of kinetics"):
        coverage(str(tmp_path))

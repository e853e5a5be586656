"""What people wrote of shots is read as they meant it."""

import json
from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines.shots.truth import Truth, read_truth


def test_a_truth_file_is_read_with_its_extra_knowledge(tmp_path: Path) -> None:
    content = {
        "convention": "first frames of new shots, hard_cuts",
        "a.mp4": {"hard_cuts": [3, 9], "ambiguous": [5], "gradual_approx(start,end)": [[20, 30, "fade"]]},
        "b.mp4": {"gradual": [[1, 2, "fade"]]},
        "c.mp4": {"fades_from_repo(scene starts)": [0, 201], "fade_table": "IN 35, OUT 185, IN 217, OUT 364"},
        "d.mp4": {"upstream_test_expectation(threshold detector scene starts)": [0, 84, 167]},
        "e.mp4": {"note": "nobody looked"},
    }
    (tmp_path / "shots.json").write_text(json.dumps(content))
    assert read_truth(tmp_path / "shots.json") == {
        "a.mp4": Truth(hard_cuts=(3, 9), ambiguous=(5,), gradual=((20, 30),)),
        "b.mp4": Truth(gradual=((1, 2),)),
        "c.mp4": Truth(gradual=((185, 217),), all_gradual=False),
        "d.mp4": Truth(gradual=((84, 85), (167, 168)), all_gradual=False),
    }


@pytest.mark.parametrize("content", ["no json", "[]", '{"a.mp4": {"hard_cuts": ["x"]}}', '{"a.mp4": 3}'])
def test_another_file_is_refused_with_what_was_expected(tmp_path: Path, content: str) -> None:
    (tmp_path / "shots.json").write_text(content)
    with pytest.raises(DataError, match="hard_cuts"):
        read_truth(tmp_path / "shots.json")
    with pytest.raises(DataError, match="absent"):
        read_truth(tmp_path / "absent.json")


@pytest.mark.real_data
def test_what_is_known_of_the_real_videos_is_readable(real_data: Path) -> None:
    truths = read_truth(real_data / "shots" / "shots.json")
    assert truths["bikes.mp4"].hard_cuts == (30, 76, 137, 187, 242)
    assert len(truths["sintel_trailer-720p.mp4"].gradual) == 15
    assert truths["testvideo.mp4"].gradual == ((185, 217), (364, 400))
    assert truths["fades.mp4"].hard_cuts is None

"""The cut report: found, missed and invented cuts, each counted once."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.pipelines.shot_report import CutScore, Truth, compare_cuts, read_truth, report_cuts, total_score

CUTS = st.lists(st.integers(1, 200), unique=True, max_size=12).map(sorted)


def test_cuts_are_compared_to_the_frame() -> None:
    score = compare_cuts([30, 77, 150], Truth(hard_cuts=(30, 76, 137)))
    assert score == CutScore(found=(30,), missed=(76, 137), invented=(77, 150))
    assert (score.precision, score.recall) == (1 / 3, 1 / 3)


def test_a_tolerance_matches_the_closest_pairs_once() -> None:
    score = compare_cuts([10, 11, 13], Truth(hard_cuts=(11, 12)), tolerance_frames=1)
    assert (score.found, score.missed, score.invented) == ((11, 12), (), (10,))


def test_ambiguous_frames_and_gradual_transitions_count_neither_way() -> None:
    truth = Truth(hard_cuts=(50,), ambiguous=(70,), gradual=((100, 120),))
    assert compare_cuts([50, 70, 95, 126, 127], truth) == CutScore(found=(50,), missed=(), invented=(127,))


@given(cuts=CUTS, truth=CUTS, tolerance=st.integers(0, 5))
def test_every_cut_is_counted_once(cuts: list[int], truth: list[int], tolerance: int) -> None:
    score = compare_cuts(cuts, Truth(hard_cuts=tuple(truth)), tolerance_frames=tolerance)
    assert sorted(score.found + score.missed) == truth
    assert len(score.found) + len(score.invented) == len(cuts)
    assert set(cuts) & set(truth) <= set(score.found)
    assert 0 <= score.f1 <= 1


@given(cuts=CUTS)
def test_the_truth_itself_is_perfect(cuts: list[int]) -> None:
    assert compare_cuts(cuts, Truth(hard_cuts=tuple(cuts))).f1 == 1


def test_a_truth_file_is_read_with_its_extra_knowledge(tmp_path: Path) -> None:
    content = {
        "convention": "first frames of new shots, hard_cuts",
        "a.mp4": {"hard_cuts": [3, 9], "ambiguous": [5], "gradual_approx(start,end)": [[20, 30, "fade"]]},
        "b.mp4": {"gradual": [[1, 2, "fade"]]},
    }
    (tmp_path / "shots.json").write_text(json.dumps(content))
    assert read_truth(tmp_path / "shots.json") == {
        "a.mp4": Truth(hard_cuts=(3, 9), ambiguous=(5,), gradual=((20, 30),))
    }


@pytest.mark.parametrize("content", ["no json", "[]", '{"a.mp4": {"hard_cuts": ["x"]}}', '{"a.mp4": 3}'])
def test_another_file_is_refused_with_what_was_expected(tmp_path: Path, content: str) -> None:
    (tmp_path / "shots.json").write_text(content)
    with pytest.raises(DataError, match="hard_cuts"):
        read_truth(tmp_path / "shots.json")
    with pytest.raises(DataError, match="absent"):
        read_truth(tmp_path / "absent.json")


def test_sources_are_found_by_name_and_scores_add_up() -> None:
    from densewalk.pipelines.records import SourceRow

    def row(uri: str, cuts: tuple[int, ...]) -> SourceRow:
        values = dict.fromkeys(SourceRow.__slots__, 0)
        texts = dict.fromkeys(("id", "sha256", "licence", "container", "codec", "pixel_format", "fault"), "")
        numbers = {"fps": 25.0, "sample_aspect": 1.0, "start_seconds": 0.0, "seconds": 1.0, "variable_rate": False}
        lists = {"cuts": cuts, "transition_starts": (), "transition_ends": ()}
        return SourceRow(**{**values, **texts, **numbers, **lists, "uri": uri})

    truths = {"a.mp4": Truth(hard_cuts=(3,)), "b.mp4": Truth(hard_cuts=(7,))}
    scores = report_cuts([row("/v/repo__a.mp4", (3, 4)), row("/v/b.mp4", ()), row("/v/c.mp4", (1,))], truths)
    assert list(scores) == ["b.mp4", "repo__a.mp4"]
    assert total_score(scores) == CutScore(found=(3,), missed=(7,), invented=(4,))


@pytest.mark.real_data
def test_the_known_cuts_of_the_real_videos_are_readable(real_data: Path) -> None:
    truths = read_truth(real_data / "shots" / "shots.json")
    assert truths["bikes.mp4"].hard_cuts == (30, 76, 137, 187, 242)
    assert len(truths["sintel_trailer-720p.mp4"].gradual) == 15

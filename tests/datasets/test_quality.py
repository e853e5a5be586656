from dataclasses import fields

from densewalk.datasets.quality import ClipQuality, describe_quality


def test_a_line_names_the_scores_that_are_known() -> None:
    quality = ClipQuality(black=0.0, frozen_seconds=0.5, motion=12.25, motion_by_vectors=1.0)
    assert describe_quality(quality) == "black 0, frozen 0.5 s, motion 12.25 %/s"
    assert describe_quality(ClipQuality()) == "nothing measured"


def test_every_score_may_be_unknown_and_none_is_twice_in_the_line() -> None:
    assert all(field.default is None for field in fields(ClipQuality))
    everything = ClipQuality(**{field.name: 0.5 for field in fields(ClipQuality)})
    words = [part.split()[0] for part in describe_quality(everything).split(", ")]
    assert len(set(words)) == len(words) == len(fields(ClipQuality)) - 1

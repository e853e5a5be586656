"""Decisions on disk: all stay until told otherwise."""

from contextlib import closing
from pathlib import Path

from densewalk.pipelines.dedup.decisions import Decision, Decisions


def test_decisions_are_kept_by_rank(tmp_path: Path) -> None:
    with closing(Decisions(tmp_path / "decisions", 10)) as decisions:
        assert all(decisions.stays(rank) for rank in range(10))
        near = Decision(exact=False, of=3, similarity=0.8123456789, offset_seconds=-1.125)
        decisions.decide(7, near)
        decisions.decide(9, Decision(exact=True, of=0, similarity=1.0, offset_seconds=0.0))
        assert decisions.of(7) == near
        assert decisions.of(6) is None
        assert list(decisions.giving_way(at_once=4)) == [7, 9]
        assert decisions.staying(6, 10).tolist() == [True, False, True, False]

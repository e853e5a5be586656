"""Sorting on disk: the order of sorting in memory, files that go, few of them open."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.pipelines.dedup import external_sort
from densewalk.pipelines.dedup.external_sort import sorted_lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    lines=st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=60),
    memory_bytes=st.integers(1, 2000),
)
def test_lines_come_in_order_whatever_the_memory(tmp_path: Path, lines: list[bytes], memory_bytes: int) -> None:
    assert list(sorted_lines(lines, tmp_path, memory_bytes=memory_bytes)) == sorted(lines)
    assert not list(tmp_path.iterdir())


def test_many_runs_are_merged_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_sort, "_MAX_RUNS", 4)
    lines = [b"%05d\n" % (k * 7919 % 10007) for k in range(500)]
    ordered = sorted_lines(lines, tmp_path, memory_bytes=300)
    assert next(ordered) == min(lines)
    assert len(list(tmp_path.glob("sort-*/*"))) < 5
    assert [min(lines), *ordered] == sorted(lines)


def test_files_go_when_the_iterator_is_closed(tmp_path: Path) -> None:
    ordered = sorted_lines([b"b\n", b"a\n"], tmp_path, memory_bytes=1)
    assert next(ordered) == b"a\n"
    ordered.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())

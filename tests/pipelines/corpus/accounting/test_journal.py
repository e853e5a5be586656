"""The journal: what was told outlives its process, a line that was cut off does not spoil others."""

from pathlib import Path

from densewalk.datasets.ledger import name_verdict
from densewalk.pipelines.corpus.accounting.journal import Journal

GONE = [name_verdict(f"https://host/{number}", "failed", "gone", "404; terminal") for number in range(3)]


def test_verdicts_come_back_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "staged" / "names.jsonl"
    for number, verdict in enumerate(GONE):
        with Journal(path) as journal:
            journal.put(f"{number}", verdict)
            assert len(list(journal.read())) == number + 1, "at once, should the process be killed"
    with Journal(path) as journal:
        assert list(journal.read()) == [(f"{number}", verdict) for number, verdict in enumerate(GONE)]


def test_a_line_that_was_cut_off_is_passed_over_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "names.jsonl"
    with Journal(path) as journal:
        journal.put("a", GONE[0])
        journal.put("b", GONE[1])
    path.write_bytes(path.read_bytes()[:-9])
    with Journal(path) as journal:
        assert [name for name, _ in journal.read()] == ["a"]
        journal.put("c", GONE[2])
        assert [name for name, _ in journal.read()] == ["a", "c"]


def test_without_a_file_nothing_was_told_and_none_is_made(tmp_path: Path) -> None:
    with Journal(tmp_path / "names.jsonl") as journal:
        assert not list(journal.read())
    assert not list(tmp_path.iterdir())

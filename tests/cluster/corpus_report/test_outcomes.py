"""Funnels lose what the ledger says, no more and no less, whatever the order and size of its groups of rows."""

from pathlib import Path

import pytest

from densewalk.cluster.corpus_report import survey
from densewalk.cluster.corpus_report.outcomes import Reason, candidate_steps, read_outcomes, source_steps
from densewalk.datasets.ledger import Verdict, ledger_order, name_verdict, source_verdict, write_ledger
from densewalk.pipelines.corpus.tables import LEDGER
from tests.corpus_rows import a_clip, a_clip_verdict, a_source
from tests.made_datasets import copy_verdict


def _ledger() -> list[Verdict]:
    sources = [a_source(f"/v/{number}.mp4", str(number)) for number in range(6)]
    rows = [source_verdict(source, "written") for source in sources[:3]]
    rows.append(source_verdict(sources[3], "rejected", "no usable clip", "2 candidates"))
    rows += [source_verdict(source, "failed", "audio only", "streams: audio") for source in sources[4:]]
    rows += [name_verdict(f"http://h/{number}", "failed", "HTTP 404", "gone") for number in range(4)]
    rows.append(copy_verdict("/v/copy.mp4", sources[0]))
    reasons = ["", "", "too short", "near-duplicate", "frozen", "too short"]
    rows += [
        a_clip_verdict(a_clip(source, place), source.uri, reason)
        for source in sources[:4]
        for place, reason in enumerate(reasons)
    ]
    return sorted(rows, key=ledger_order)


@pytest.mark.parametrize("rows_at_once", [1, 7, 65536])
def test_funnels_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    monkeypatch.setattr(survey, "_ROWS_AT_ONCE", rows_at_once)
    write_ledger(tmp_path / LEDGER, _ledger())
    outcomes = read_outcomes(tmp_path)
    sources, candidates = source_steps(outcomes), candidate_steps(outcomes)
    assert [step.count for step in sources] == [11, 7, 6, 4, 3]
    assert [step.lost for step in sources] == [
        (("HTTP 404", 4),),
        (("duplicate content", 1),),
        (("audio only", 2),),
        (("no usable clip", 1),),
        (),
    ]
    assert [step.count for step in candidates] == [24, 12, 8]
    assert [step.lost for step in candidates] == [(("too short", 8), ("frozen", 4)), (("near-duplicate", 4),), ()]
    assert outcomes.sources_with_candidates == 4


def test_reasons_come_with_their_first_examples(tmp_path: Path) -> None:
    write_ledger(tmp_path / LEDGER, _ledger())
    outcomes = read_outcomes(tmp_path)
    failed = Reason("source", "failed", "HTTP 404")
    assert outcomes.reasons[failed] == 4
    assert outcomes.examples[failed] == [(f"http://h/{number}", "gone") for number in range(3)]


def test_an_empty_ledger_is_no_fault(tmp_path: Path) -> None:
    write_ledger(tmp_path / LEDGER, [])
    outcomes = read_outcomes(tmp_path)
    assert (outcomes.sources, outcomes.candidates, len(outcomes.reasons)) == (0, 0, 0)

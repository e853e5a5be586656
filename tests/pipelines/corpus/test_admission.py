"""Admission: of equal content the first name is made, whatever the order of arrival."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.corpus.admission import DUPLICATE, Admission, write_known
from densewalk.pipelines.corpus.staging import Staging
from tests.corpus_rows import a_source, stage_clips


def _admission(folder: Path, *known: str) -> Admission:
    write_known(folder / "known.bin", sorted(a_source(content=content).id for content in known))
    return Admission(folder / "known.bin", folder / "claims", Staging(folder / "staged"))


def _reason(verdict: Verdict | None) -> str | None:
    return None if verdict is None else verdict.reason or verdict.outcome


@pytest.mark.parametrize("order", list(itertools.permutations(["/a", "/b", "/c"])))
def test_the_first_name_is_made_in_whatever_order_copies_arrive(tmp_path: Path, order: tuple[str, ...]) -> None:
    admission = _admission(tmp_path)
    verdicts = {uri: admission.verdict_on(a_source(uri)) for uri in order}
    assert verdicts["/a"] is None
    for place, uri in enumerate(order):
        is_first_so_far = uri == min(order[: place + 1])
        assert _reason(verdicts[uri]) == (None if is_first_so_far else DUPLICATE)


def test_workers_at_once_never_refuse_the_first_name(tmp_path: Path) -> None:
    admission = _admission(tmp_path)
    uris = [f"/{number:03d}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        verdicts = dict(zip(uris, pool.map(lambda uri: admission.verdict_on(a_source(uri)), uris), strict=True))
    assert verdicts["/000"] is None


def test_content_of_the_dataset_is_not_made_again(tmp_path: Path) -> None:
    admission = _admission(tmp_path, *"bdfh")
    found = {content: _reason(admission.verdict_on(a_source(f"/{content}", content))) for content in "abcdefghi"}
    assert {content for content, reason in found.items() if reason == DUPLICATE} == set("bdfh")
    assert {reason for content, reason in found.items() if content not in "bdfh"} == {None}


def test_what_is_staged_counts_as_written(tmp_path: Path) -> None:
    admission = _admission(tmp_path)
    stage_clips(admission.staging, a_source(), [b"one"])
    verdict = admission.verdict_on(a_source())
    assert verdict is not None
    assert (verdict.outcome, verdict.id) == ("written", a_source().id)


def test_a_claim_that_nobody_lived_to_use_is_forgotten(tmp_path: Path) -> None:
    admission = _admission(tmp_path)
    assert admission.verdict_on(a_source("/a")) is None
    assert _reason(admission.verdict_on(a_source("/b"))) == DUPLICATE
    admission.forget(a_source().id)
    assert admission.verdict_on(a_source("/b")) is None

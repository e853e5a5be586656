"""Duplicates as refusals."""

import pytest

from densewalk.pipelines.dedup.signed import Duplicate, DuplicateKind


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("exact", "exact duplicate"), ("near", "near-duplicate"), ("held-out", "overlaps held-out video")],
)
def test_a_refusal_says_what_a_clip_is_a_copy_of(kind: DuplicateKind, reason: str) -> None:
    found = Duplicate(key="k", of="other", similarity=0.91, offset_seconds=-0.125, kind=kind)
    refusal = found.refusal()
    assert (refusal.outcome, refusal.reason) == ("rejected", reason)
    assert refusal.detail == "of other at -0.12 s, similarity 0.910"

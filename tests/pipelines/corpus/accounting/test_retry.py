"""Retrying: which rows are chosen, and what is said when there are none."""

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import Outcome, name_verdict
from densewalk.pipelines.corpus.accounting.retry import Retry


@pytest.mark.parametrize(
    ("text", "outcome", "reason", "matches"),
    [
        ("failed", "failed", "gone", True),
        ("failed", "rejected", "gone", False),
        ("failed", "purged", "purged", False),
        ("failed:gone", "failed", "gone", True),
        ("failed: host ", "failed", "host busy", True),
        ("failed:gone", "failed", "not gone", False),
    ],
)
def test_failed_sources_are_chosen_by_the_beginning_of_their_reason(
    text: str, outcome: Outcome, reason: str, matches: bool
) -> None:
    assert Retry.parse(text).matches(name_verdict("/a", outcome, reason, "")) is matches


@pytest.mark.parametrize("text", ["", "rejected", "gone", "failing:x", "failed:", "failed: "])
def test_only_failures_can_be_tried_again(text: str) -> None:
    with pytest.raises(ConfigError, match="--retry failed:REASON"):
        Retry.parse(text)


def test_a_reason_that_nobody_failed_for_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'host bussy'.*'gone' \(3\), 'host busy' \(1\)"):
        Retry.parse("failed:host bussy").check({"host busy": 1, "gone": 3})
    with pytest.raises(ConfigError, match="none"):
        Retry.parse("failed:gone").check({})
    Retry.parse("failed").check({})

"""Faults: every reason has exactly one class, and details fit in a table."""

from densewalk.pipelines.fetch.faults import REJECTED, RETRYABLE, TERMINAL, FetchFault


def test_a_reason_is_terminal_or_retryable() -> None:
    assert not RETRYABLE & TERMINAL
    assert REJECTED < TERMINAL
    assert all(len(reason) <= 32 and reason == reason.strip() for reason in RETRYABLE | TERMINAL)


def test_details_are_one_printable_line() -> None:
    detail = FetchFault("gone", "a\r\nb\0\x1b[31m \udcff" + "x" * 1000).detail
    assert detail.isprintable()
    assert detail.encode()
    assert len(detail) == 400
    assert detail.startswith("a b [31m ?" if "?" in detail else "a b [31m xxx")

"""Why a video could not be fetched: fixed reasons, each of which a later command may try again or must not.

A terminal reason is the host's last word (gone, refused, not a video): asking again would be impolite and vain. A
retryable one lies with the moment: the network, a busy or paused host. `rejected` are videos that could be had and are
not wanted; everything else is `failed`.
"""

from densewalk.datasets.ledger import Outcome

__all__ = ["REJECTED", "RETRYABLE", "TERMINAL", "FetchFault"]

REJECTED = frozenset({"too large", "declined by X-Robots-Tag"})
"""Reasons whose outcome is `rejected`."""

TERMINAL = REJECTED | {
    "age or sign-in needed",
    "bad address",
    "bad redirect",
    "certificate not trusted",
    "gone",
    "name not readable",
    "not a video answer",
    "not offered here",
    "private or removed",
    "refused by host",
    "unknown encoding",
}
"""Reasons that another attempt would meet again."""

RETRYABLE = frozenset(
    {
        "blocked by host",
        "changed while read",
        "deadline passed",
        "empty answer",
        "fetched elsewhere",
        "host busy",
        "host error",
        "host paused",
        "lookup not readable",
        "network fault",
        "no usable format",
        "not broadcast yet",
        "not readable",
        "stalled",
        "youtube fault",
    }
)
"""Reasons that a later command may not meet again."""

_LONGEST_DETAIL = 400


class FetchFault(Exception):  # noqa: N818 - a fault of the data, not an error of the program
    """A video cannot be had; `again` says that another attempt may follow at once."""

    def __init__(self, reason: str, detail: str, *, again: bool = False) -> None:
        assert reason in TERMINAL | RETRYABLE, reason
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = _printable(detail)
        self.again = again

    @property
    def outcome(self) -> Outcome:
        """What the ledger calls it."""
        return "rejected" if self.reason in REJECTED else "failed"

    @property
    def is_retryable(self) -> bool:
        """Whether a later command may have more luck."""
        return self.reason in RETRYABLE


def _printable(text: str) -> str:
    """Return what a host or a program said as one line that a table can hold."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split()).encode(errors="replace").decode()
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 3] + "..."

"""Which sources are tried again: those whose ledger row says that they failed, all or for one reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import Verdict

__all__ = ["Retry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A choice of ledger rows."""

    reason: str = ""
    """Reason of the rows, whole or its beginning; empty for any."""

    @classmethod
    def parse(cls, text: str) -> "Retry":
        """Read `failed` or `failed:REASON`; raises `ConfigError` for anything else."""
        outcome, colon, reason = text.partition(":")
        if outcome.strip() != "failed" or (colon and not reason.strip()):
            raise ConfigError(f"cannot retry {text!r}; expected --retry failed or --retry failed:REASON")
        return cls(reason=reason.strip())

    def matches(self, verdict: Verdict) -> bool:
        """Return whether the row of a source is chosen."""
        return verdict.outcome == "failed" and verdict.reason.startswith(self.reason)

    def check(self, reasons: Mapping[str, int]) -> None:
        """Raise `ConfigError` when no source failed for the reason; `reasons` counts those that did by theirs."""
        if self.reason and not any(reason.startswith(self.reason) for reason in reasons):
            there = ", ".join(f"{reason!r} ({count})" for reason, count in sorted(reasons.items()))
            raise ConfigError(f"no source failed for {self.reason!r} (--retry); reasons there are: {there or 'none'}")

"""What every benchmark of optical flow reports: scalars for tables, and one row a pair."""

from collections.abc import Mapping, Sequence
from typing import Any

from densewalk.ssl.metrics.flow import Share
from densewalk.ssl.report.table import Column

__all__ = ["FLOW_COLUMNS", "pair_rows"]

FLOW_COLUMNS: Mapping[str, Column] = {
    "EPE": Column(title="endpoint error", better="lower", unit="px", digits=2),
    "Fl-all": Column(title="Fl-all", better="lower", unit="%"),
    "Fl-bg": Column(title="Fl-bg", better="lower", unit="%"),
    "Fl-fg": Column(title="Fl-fg", better="lower", unit="%"),
    "1px": Column(title="> 1 px off", better="lower", unit="%"),
    "3px": Column(title="> 3 px off", better="lower", unit="%"),
    "5px": Column(title="> 5 px off", better="lower", unit="%"),
    "s0-10": Column(title="s0-10", better="lower", unit="px", digits=2),
    "s10-40": Column(title="s10-40", better="lower", unit="px", digits=2),
    "s40+": Column(title="s40+", better="lower", unit="px", digits=2),
    "EPE-matched": Column(title="matched", better="lower", unit="px", digits=2),
    "EPE-unmatched": Column(title="unmatched", better="lower", unit="px", digits=2),
    "warp_error": Column(title="warp error", better="lower", unit="levels"),
}
"""What tables show of optical flow, in order."""


def pair_rows(pairs: Sequence[str | int], shares: Sequence[Mapping[str, Share]]) -> list[dict[str, Any]]:
    """Return a row a pair with its means, all with the same fields; None where a pair has no pixel for one."""
    names = list(dict.fromkeys(name for of_pair in shares for name in of_pair))
    return [
        {"pair": pair} | {name: of_pair[name].mean if name in of_pair else None for name in names}
        for pair, of_pair in zip(pairs, shares, strict=True)
    ]

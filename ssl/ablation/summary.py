"""The table of an ablation: mean and standard deviation over seeds, and what each row gains over the one it changes.

Gains are differences of runs that share a seed, so what the seed brings to both rows cancels.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from densewalk.ssl.ablation.ablation import Ablation, AblationRow
from densewalk.ssl.report.table import Column, Measured, Row, Table, Value

__all__ = ["ablation_table", "paired_gain", "spread"]

_AJ = Column(title="AJ", better="higher")
_COLUMNS = {
    "delta_avg": Column(title="delta_avg", better="higher"),
    "OA": Column(title="OA", better="higher"),
    "endpoint_error_px": Column(title="track error", better="lower", unit="px of 256"),
    "EPE": Column(title="flow error", better="lower", unit="px", digits=2),
    "predicted_px": Column(title="motion seen", unit="px", digits=2),
    "shortcut": Column(title="shortcut", unit="%"),
}
_PERCENT = {"shortcut": 100.0}

Scores = Sequence[Mapping[str, float]]


def ablation_table(
    ablation: Ablation, scores: Mapping[str, Scores], floor: Mapping[str, Mapping[str, float]], *, group: str
) -> Table:
    """Return the rows of one group, those of other groups they are measured against, and the floor's below.

    `scores` holds the scalars of every seed by row, `floor` those of what learns nothing by name.
    """
    own = [row for row in ablation.rows if row.group == group]
    needed = {row.name for row in own} | {row.against for row in own}
    rows = [
        Row(values=_values(row, scores), role="plain" if row.group == group else "baseline")
        for row in ablation.rows
        if row.name in needed and scores.get(row.name)
    ]
    rows += [
        Row(values=(name, _measured([values], "AJ"), None, "", None, *_rest([values])), role="baseline")
        for name, values in floor.items()
    ]
    gain = (Column(title="gain in AJ"), Column(title="against"), Column(title="paper's AJ"))
    return Table(columns=(Column(title="Row"), _AJ, *gain, *_COLUMNS.values()), rows=tuple(rows))


def paired_gain(rows: Scores, others: Scores, key: str) -> Measured:
    """Return the mean and standard deviation of the differences of runs with the same seed."""
    return spread([row[key] - other[key] for row, other in zip(rows, others, strict=False)])


def spread(values: Sequence[float]) -> Measured:
    """Return mean and sample standard deviation; not a number where there is nothing to take them of."""
    mean = float(np.mean(values)) if values else math.nan
    return Measured(mean=mean, sd=float(np.std(values, ddof=1)) if len(values) > 1 else math.nan)


def _values(row: AblationRow, scores: Mapping[str, Scores]) -> tuple[Value, ...]:
    own, others = scores[row.name], scores.get(row.against, ())
    gain = paired_gain(own, others, "AJ") if row.against and others else None
    return (row.name, _measured(own, "AJ"), gain, row.against, row.published, *_rest(own))


def _rest(rows: Scores) -> list[Value]:
    return [_measured(rows, key) for key in _COLUMNS]


def _measured(rows: Scores, key: str) -> Measured | None:
    values = [row[key] * _PERCENT.get(key, 1.0) for row in rows if key in row]
    return spread(values) if values else None

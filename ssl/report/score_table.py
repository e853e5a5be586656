"""The scores of several subjects under one benchmark as a table with the best marked."""

from collections.abc import Mapping, Sequence

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.report.protocols import differing
from densewalk.ssl.report.table import Column, Role, Row, Table

__all__ = ["score_table"]


def score_table(
    scores: Sequence[Scores],
    columns: Mapping[str, Column],
    *,
    roles: Mapping[str, Role],
    caption: str = "",
) -> Table:
    """Return a row per subject and a column per scalar named in `columns`.

    `roles` says of a subject whether it is `ours`, a `baseline` or an `ablation`; others are plain. Raises
    `BenchmarkError` when the scores were made under different protocols: such numbers share no table.
    """
    for other in scores[1:]:
        if not comparable(scores[0], other):
            raise BenchmarkError(_difference(scores[0], other))
    rows = tuple(
        Row(values=(s.subject, *(s.scalars.get(key) for key in columns)), role=roles.get(s.subject, "plain"))
        for s in scores
    )
    return Table(columns=(Column(title="Subject"), *columns.values()), rows=rows, caption=caption)


def _difference(first: Scores, second: Scores) -> str:
    head = f"{first.subject!r} on {first.name} and {second.subject!r} on {second.name} cannot share a table"
    settings = differing([first.protocol, second.protocol]).items()
    changed = ", ".join(f"{name}: {one} against {other}" for name, (one, other) in settings)
    return f"{head}; protocols differ in {changed or 'the benchmark'}; evaluate both under one protocol"

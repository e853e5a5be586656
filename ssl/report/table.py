"""Tables whose numbers speak: the direction of better in the header, the best value of each column marked.

Values are compared as they are printed, so two that read the same are marked together. A column in which all rows read
the same has no best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = ["Cell", "Column", "Measured", "Role", "Row", "Table", "Value"]

Role = Literal["ours", "baseline", "ablation", "published", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A mean over repetitions with their standard deviation, which is not a number for a single one."""

    mean: float
    sd: float


Value = float | int | str | Measured | None
"""What a cell may hold; `None` and not-a-number mean not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    better: Literal["higher", "lower"] | None = None
    """Which values are better; `None` for columns that are not compared."""
    unit: str = ""
    digits: int = 1
    """Decimals of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table."""

    values: tuple[Value, ...]
    role: Role = "plain"
    """`ours` is set off in colour; `baseline`, `ablation` and `published` are quiet and say what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as it is shown."""

    text: str
    number: float | None = None
    """What the text rounds; none for words and gaps."""
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table block of a page."""

    kind: ClassVar[str] = "table"

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    title: str = ""
    """What sets the table apart from others of its section."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(f"row {row.values} has {len(row.values)} cells, the table {len(self.columns)} columns")

    @property
    def is_compared(self) -> bool:
        """Whether any column has a direction of better."""
        return any(column.better for column in self.columns)

    def numeric(self, position: int) -> bool:
        """Return whether the column at `position` holds numbers, or nothing but gaps under a direction of better."""
        values = [row.values[position] for row in self.rows]
        return any(isinstance(value, float | int | Measured) for value in values) or bool(self.columns[position].better)

    def shown(self) -> list[tuple[str, list[Cell]]]:
        """Return every row's role and cells."""
        columns = [
            _cells([row.values[position] for row in self.rows], column) for position, column in enumerate(self.columns)
        ]
        return [(row.role, [cells[number] for cells in columns]) for number, row in enumerate(self.rows)]


def _cells(values: Sequence[Value], column: Column) -> list[Cell]:
    numbers = [_number(value) for value in values]
    shown = [None if number is None else _as_printed(number, column.digits) for number in numbers]
    known = {number for number in shown if number is not None}
    best = None
    if column.better and len(known) > 1:
        best = max(known) if column.better == "higher" else min(known)
    return [
        Cell(text=_text(value, column.digits), number=number, is_best=best is not None and printed == best)
        for value, number, printed in zip(values, numbers, shown, strict=True)
    ]


def _number(value: Value) -> float | None:
    if isinstance(value, Measured):
        value = value.mean
    return None if value is None or isinstance(value, str) or math.isnan(value) else float(value)


def _as_printed(number: float, digits: int) -> float:
    return round(number, digits) if math.isfinite(number) else number


def _text(value: Value, digits: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Measured):
        spread = "" if math.isnan(value.sd) else f" \N{PLUS-MINUS SIGN} {_text(value.sd, digits)}"
        return _text(value.mean, digits) + spread
    if value is None or math.isnan(value):
        return "\N{EN DASH}"
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    text = f"{round(value, digits) + 0.0:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return text.replace("-", "\N{MINUS SIGN}")

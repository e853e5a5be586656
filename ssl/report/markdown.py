"""A table as Markdown, best values in bold, for issues, papers and READMEs."""

from densewalk.ssl.report.table import Cell, Column, Table

__all__ = ["table_markdown"]

_ESCAPES = str.maketrans({**{letter: f"\\{letter}" for letter in "\\|*`<"}, "\n": " "})
_ARROWS = {"higher": " \N{UPWARDS ARROW}", "lower": " \N{DOWNWARDS ARROW}", None: ""}


def table_markdown(table: Table) -> str:
    """Return the table as lines of Markdown, numbers aligned to the right."""
    heads = [_heading(column) for column in table.columns]
    rules = ["---:" if table.numeric(position) else "---" for position in range(len(heads))]
    rows = [[_cell(cell) for cell in cells] for _, cells in table.shown()]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *rows)) + "\n"


def _heading(column: Column) -> str:
    unit = f", {column.unit}" if column.unit else ""
    return f"{column.title}{unit}".translate(_ESCAPES) + _ARROWS[column.better]


def _cell(cell: Cell) -> str:
    text = cell.text.translate(_ESCAPES)
    return f"**{text}**" if cell.is_best else text

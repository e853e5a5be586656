"""Tables of a report on the terminal, best values set off."""

from typing import Any

__all__ = ["show_table"]

_UNBOUNDED = 10_000
"""Columns of an output that is no terminal; a table takes what it needs of them."""
_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


def show_table(title: str, table: Any) -> None:
    """Print a `ssl.report.table.Table`; the best value of a column carries a star.

    Names are never cut, and nothing is where the output goes into a file or another program.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(table.columns):
        unit = f" {column.unit}" if column.unit else ""
        heading = Text(f"{column.title}{unit}{_ARROWS[column.better]}")
        is_name = not table.numeric(position)
        shown.add_column(heading, justify="left" if is_name else "right", overflow="fold", no_wrap=is_name)
    for _, cells in table.shown():
        shown.add_row(*(Text(f"{cell.text} *" if cell.is_best else cell.text) for cell in cells))
    if any(cell.is_best for _, cells in table.shown() for cell in cells):
        shown.caption, shown.caption_justify = Text("* best of its column"), "left"
    console = Console()
    if not console.is_terminal:
        console.width = _UNBOUNDED
    console.print(shown)

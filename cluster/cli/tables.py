"""Tables of a report on the terminal, best values set off."""

from typing import Any

__all__ = ["show_table"]

_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


def show_table(title: str, table: Any) -> None:
    """Print a `ssl.report.table.Table`; the best value of a column carries a star."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(table.columns):
        unit = f" {column.unit}" if column.unit else ""
        heading = Text(f"{column.title}{unit}{_ARROWS[column.better]}")
        shown.add_column(heading, justify="right" if table.numeric(position) else "left")
    for _, cells in table.shown():
        shown.add_row(*(Text(f"{cell.text} *" if cell.is_best else cell.text) for cell in cells))
    Console().print(shown)

"""A table as LaTeX for a paper: booktabs rules, best values in bold, everything escaped."""

from densewalk.ssl.report.table import Cell, Column, Table

__all__ = ["table_latex"]

_ESCAPES = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "\n": " ",
        "\N{MINUS SIGN}": "$-$",
        "\N{PLUS-MINUS SIGN}": r"$\pm$",
        "\N{INFINITY}": r"$\infty$",
        "\N{EN DASH}": "--",
        "\N{NARROW NO-BREAK SPACE}": r"\,",
    }
)
_ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", None: ""}


def table_latex(table: Table) -> str:
    """Return a `tabular` that needs the package booktabs, numbers aligned to the right."""
    alignment = "".join("r" if table.numeric(position) else "l" for position in range(len(table.columns)))
    rows = [[_cell(cell) for cell in cells] for _, cells in table.shown()]
    lines = [
        f"\\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        _line([_heading(column) for column in table.columns]),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _heading(column: Column) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return f"{(column.title + unit).translate(_ESCAPES)}{_ARROWS[column.better]}"


def _cell(cell: Cell) -> str:
    text = cell.text.translate(_ESCAPES)
    return f"\\textbf{{{text}}}" if cell.is_best else text

"""Tables as Markdown."""

from densewalk.ssl.report.markdown import table_markdown
from densewalk.ssl.report.table import Column, Measured, Row, Table


def test_table_becomes_aligned_lines_with_best_values_in_bold() -> None:
    table = Table(
        columns=(Column(title="Row"), Column(title="error", better="lower", unit="px")),
        rows=(Row(values=("a|b*`<i>\n", 2.0)), Row(values=("c", Measured(mean=1.0, sd=0.25))), Row(values=("d", None))),
    )
    assert table_markdown(table).splitlines() == [
        "| Row | error, px ↓ |",
        "| --- | ---: |",
        "| a\\|b\\*\\`\\<i>  | 2.0 |",
        "| c | **1.0 ± 0.2** |",
        "| d | – |",
    ]

"""Tables as LaTeX that compiles whatever a subject is called."""

from densewalk.ssl.report.latex import table_latex
from densewalk.ssl.report.table import Column, Measured, Row, Table


def test_table_becomes_a_tabular_with_rules_and_best_values_in_bold() -> None:
    table = Table(
        columns=(Column(title="Row"), Column(title="error", better="lower", unit="px"), Column(title="n", digits=0)),
        rows=(
            Row(values=("a", 2.0, 12345)),
            Row(values=("c", Measured(mean=1.0, sd=0.25), -3)),
            Row(values=("d", None, None)),
        ),
    )
    assert table_latex(table).splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Row & error (px) $\downarrow$ & n \\",
        r"\midrule",
        r"a & 2.0 & 12\,345 \\",
        r"c & \textbf{1.0 $\pm$ 0.2} & $-$3 \\",
        r"d & -- & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_every_special_letter_is_escaped_once() -> None:
    table = Table(columns=(Column(title="J&F_100%"),), rows=(Row(values=("\\a{b}~^#$<>|\n",)),))
    heading, cell = (table_latex(table).splitlines()[line] for line in (2, 4))
    assert heading == r"J\&F\_100\% \\"
    assert cell == (
        r"\textbackslash{}a\{b\}\textasciitilde{}\textasciicircum{}\#\$\textless{}\textgreater{}\textbar{}  \\"
    )

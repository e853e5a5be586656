"""The page and the Markdown of an ablation: what each ingredient is worth, whether it helps or not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from densewalk.datasets.atomic import write_json, write_text
from densewalk.datasets.config import to_mapping, to_yaml
from densewalk.ssl.ablation.ablation import Ablation
from densewalk.ssl.ablation.measure import measure_matcher, row_scores
from densewalk.ssl.ablation.summary import Scores, ablation_table, paired_gain, spread
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.report.blocks import Chart, Code
from densewalk.ssl.report.markdown import table_markdown
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.table import Table
from densewalk.ssl.show.curves import bars

__all__ = ["write_ablation_report"]

_FLOOR = ("zero-motion", "rgb")
"""What learns nothing, measured beside the rows."""
_IN_SHORT = (
    "Every row changes one thing of another row and is trained from the same seeds. Rows that do not help are shown "
    "all the same."
)
_COLUMNS = (
    "AJ, delta_avg, OA and the track error are of point tracking on held-out generated scenes, in the 256 raster; "
    "the flow error is of two frames at the training crop, and motion seen is the mean length of the displacement "
    "predicted there. The shortcut is the share of walkers that come home although they left through another clip's "
    "frame: near chance is honest. Gains are differences of runs that share a seed. The paper's AJ is Kubric's at full "
    "size: it is there for the order of the rows, not for the values."
)


def write_ablation_report(ablation: Ablation, out: Path) -> Path:
    """Write `ablation.md`, `ablation.json` and `report.html` about what has been measured; return the page."""
    scores = row_scores(ablation, out)
    floor = {name: measure_matcher(ablation, ablation.rows[0], baseline(name)) for name in _FLOOR}
    tables = {group: ablation_table(ablation, scores, floor, group=group) for group in _groups(ablation)}
    lead = f"{len(ablation.rows)} rows, {ablation.seeds} seeds each, mean \N{PLUS-MINUS SIGN} standard deviation."
    write_text(out / "ablation.md", _markdown(ablation.name, lead, tables))
    write_json(out / "ablation.json", {"scores": scores, "floor": floor, "settings": to_mapping(ablation)})
    page = Page(f"Ablation {ablation.name}", lead)
    page.section("In short", _IN_SHORT, *_charts(ablation, scores, floor))
    for group, table in tables.items():
        page.section(group.capitalize(), _COLUMNS if group == _groups(ablation)[0] else "", table)
    page.section("Settings", "Those of the first row; the others change one thing.", Code(text=_settings(ablation)))
    page.write(out / "report.html")
    return out / "report.html"


def _groups(ablation: Ablation) -> list[str]:
    return list(dict.fromkeys(row.group for row in ablation.rows))


def _markdown(name: str, lead: str, tables: Mapping[str, Table]) -> str:
    parts = [f"# Ablation {name}", lead, _COLUMNS]
    parts += [f"## {group.capitalize()}\n\n{table_markdown(table).rstrip()}" for group, table in tables.items()]
    return "\n\n".join(parts) + "\n"


def _charts(ablation: Ablation, scores: Mapping[str, Scores], floor: Mapping[str, Mapping[str, float]]) -> list[Chart]:
    """Return the bars of every row's AJ, and of what each gained over the row it changes, largest first."""
    means = {name: spread([row["AJ"] for row in rows]).mean for name, rows in scores.items() if rows}
    gains = {
        row.name: paired_gain(scores[row.name], scores[row.against], "AJ").mean
        for row in ablation.rows
        if row.against and scores[row.name] and scores[row.against]
    }
    ordered = dict(sorted(gains.items(), key=lambda item: -item[1]))
    levels = means | {name: values["AJ"] for name, values in floor.items()}
    charts = [Chart(svg=bars(levels, label="AJ, higher is better", ours=means))]
    return (
        [*charts, Chart(svg=bars(ordered, label="gain in AJ over the row it changes", ours=ordered))]
        if ordered
        else charts
    )


def _settings(ablation: Ablation) -> str:
    sections: Sequence[tuple[str, object]] = (
        ("train", ablation.rows[0].train),
        ("tracking", ablation.tracking),
        ("flow", ablation.flow),
    )
    return "\n".join(f"# {name}\n{to_yaml(config).rstrip()}" for name, config in sections)

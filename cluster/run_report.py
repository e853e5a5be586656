"""The report of one run: what it was, how the loss fell, what the network saw, how it scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densewalk.cluster.benchmark_blocks import Entry, benchmark_blocks, benchmark_text
from densewalk.cluster.scoreboard import board, read_scoreboard
from densewalk.datasets.config import to_yaml
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Block, Chart, Code, Facts, Note, Picture
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.score_pictures import PictureBudget
from densewalk.ssl.show.curves import loss_curve
from densewalk.ssl.train.run_log import read_metrics
from densewalk.ssl.train.subject import load_train_config

__all__ = ["curve_charts", "score_blocks", "write_run_report"]

_CURVES = {
    "loss": ("loss", "How surprised the network is by where walkers should come home; lower is better."),
    "return_error_px": ("pixels from home", "Between where walkers end and where they should; lower is better."),
    "returned": ("share at home", "Walkers that end within one node of home; higher is better."),
    "shortcut": (
        "share at home by shortcut",
        "Walkers that come home although they left through another clip's frame; above chance, they go by position.",
    ),
}


def write_run_report(run: Path) -> Path:
    """Write RUN/report.html and return its path; raises `TrainingError` when `run` is no run folder."""
    config = load_train_config(run)
    metrics = read_metrics(run)
    name = run.absolute().name
    done = metrics[-1]["step"] if metrics else 0
    page = Page(f"Run {name}", f"{done} of {config.steps} training steps are done.")
    if metrics:
        about = "The thin line is every step, the thick one a running median."
        page.section("Training", about, _facts(metrics[-1], config.steps), *curve_charts({name: run}))
    if pictures := _newest_panels(run):
        page.section("What the network saw", "Pictures of the newest checkpoint's step.", *pictures)
    _add_scores(page, run)
    page.section("Configuration", "Everything that makes this run.", Code(text=to_yaml(config)))
    page.write(run / "report.html")
    return run / "report.html"


def curve_charts(runs: Mapping[str, Path]) -> list[Block]:
    """Return the curves of one or more runs in one chart a quantity; quantities that no run reports are left out."""
    metrics = {name: read_metrics(run) for name, run in runs.items()}
    charts: list[Block] = []
    for quantity, (label, caption) in _CURVES.items():
        logged = {name: [row for row in rows if quantity in row] for name, rows in metrics.items()}
        curves = {
            name: ([row["step"] for row in rows], [_number(row[quantity]) for row in rows])
            for name, rows in logged.items()
            if rows
        }
        if curves:
            charts.append(Chart(svg=loss_curve(curves, y_label=label, log_y=quantity == "loss"), caption=caption))
    return charts


def score_blocks(scores: Mapping[str, Sequence[Scores]]) -> list[Block]:
    """Return a table a benchmark."""
    return [board(rows, caption=benchmark_text(name) or name) for name, rows in scores.items()]


def _add_scores(page: Page, run: Path) -> None:
    """Add a section a benchmark."""
    folder, budget = run / "scores", PictureBudget()
    found: dict[str, list[Entry]] = {}
    for rows in read_scoreboard(folder).values():
        for scores in rows:
            found.setdefault(scores.name, []).append(Entry(scores=scores, label=scores.subject, folder=folder))
    if not found:
        page.section("Scores", "", Note(text=f"Not measured yet: `densewalk evaluate {run}` does it."))
    for name, entries in found.items():
        page.section(name, benchmark_text(name), *benchmark_blocks(entries, budget=budget))


def _facts(last: Mapping[str, Any], num_steps: int) -> Facts:
    return Facts(
        facts=(
            (f"{last['step']:,}", f"of {num_steps:,} steps"),
            (f"{_number(last['loss']):.3f}", "loss of the last step"),
            (f"{last['clips_per_second']:.1f}", "clips a second"),
        )
    )


def _newest_panels(run: Path) -> list[Block]:
    paths = sorted((run / "panels").glob("step-*.png"))
    newest = [path for path in paths if path.name[:13] == paths[-1].name[:13]]
    return [_panel(path) for path in newest]


def _panel(path: Path) -> Picture:
    _, step, name = path.stem.split("-", 2)
    return Picture(content=path.read_bytes(), alt=name, caption=f"{name}, step {int(step):,}")


def _number(value: float | None) -> float:
    """Return a logged value; null stands for one that was not finite."""
    return float("nan") if value is None else value

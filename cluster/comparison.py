"""The page that compares runs: every benchmark with all subjects, learning curves and configurations beside each other.

A source is a run, or any folder with scores in it. Rows of our own networks go by the name of their source; a baseline
that scored the same in several sources is one row, one that scored otherwise says whose it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from densewalk.cluster.benchmark_blocks import Entry, benchmark_blocks, benchmark_text
from densewalk.cluster.run_report import curve_charts
from densewalk.cluster.scoreboard import OURS, read_scoreboard
from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.report.blocks import Note
from densewalk.ssl.report.page import Page
from densewalk.ssl.report.protocols import differing
from densewalk.ssl.report.score_pictures import PictureBudget
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.train.run_log import read_metrics
from densewalk.ssl.train.subject import load_train_config

__all__ = ["Source", "is_run", "read_sources", "write_comparison"]

_LEAD = (
    "Numbers share a table only when they were made under the same protocol; the best value of each column is marked. "
    "Tables can be sorted by their heads and copied for a text."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A run or a folder of scores that is compared."""

    name: str
    """What it goes by on the page: as much of its path as tells it from the others."""
    folder: Path
    scores_folder: Path
    scores: Mapping[str, Sequence[Scores]]
    """By file; empty for a run that was never measured."""
    is_run: bool


def write_comparison(sources: Sequence[Source], out: Path) -> Path:
    """Write the page about some sources and return its path; raises `BenchmarkError` when none of them has scores."""
    if not any(source.scores for source in sources):
        names = ", ".join(str(source.folder) for source in sources)
        raise BenchmarkError(f"no scores in {names}; measure first: densewalk evaluate {sources[0].folder}")
    page = Page("Comparison of " + _listed([source.name for source in sources]), _LEAD)
    _add_sources(page, sources)
    budget = PictureBudget()
    for name, entries in _by_benchmark(sources).items():
        page.section(name, benchmark_text(name), *benchmark_blocks(_labelled(entries), budget=budget))
    runs = [source for source in sources if source.is_run]
    if charts := curve_charts({run.name: run.folder for run in runs}):
        page.section("Learning curves", "Thin lines are single steps, thick ones a running median.", *charts)
    if len(runs) > 1:
        _add_configurations(page, runs)
    page.write(out)
    return out


def read_sources(folders: Sequence[Path]) -> list[Source]:
    """Return what lies in some folders; raises `BenchmarkError` on one that is neither a run nor a folder of scores,
    and on one that is given twice.
    """
    resolved = [folder.resolve() for folder in folders]
    names = _distinct_names([path.parent if path.name == "scores" else path for path in resolved])
    sources = []
    for number, (folder, name) in enumerate(zip(folders, names, strict=True)):
        if resolved[number] in resolved[:number]:
            raise BenchmarkError(f"{folder} is given twice; name each run once")
        inside = folder / "scores" if (folder / "scores").is_dir() else folder
        scores = read_scoreboard(inside) if inside != folder or not is_run(folder) else {}
        if not scores and not is_run(folder):
            found = "no scores in it" if folder.is_dir() else "no such folder"
            raise BenchmarkError(
                f"{folder}: {found}; expected a run made by densewalk pretrain, or a folder that densewalk evaluate "
                "wrote scores into"
            )
        sources.append(Source(name=name, folder=folder, scores_folder=inside, scores=scores, is_run=is_run(folder)))
    return sources


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a training run."""
    return (folder / "config.yaml").is_file()


def _distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return for every path the shortest end of it, of whole folders, that no other path has."""
    return [_distinct_end(path, [other for other in paths if other != path]) for path in paths]


def _distinct_end(path: Path, others: Sequence[Path]) -> str:
    ends = (path.parts[-count:] for count in range(1, len(path.parts)))
    distinct = (end for end in ends if all(other.parts[-len(end) :] != end for other in others))
    return "/".join(next(distinct, path.parts))


def _by_benchmark(sources: Sequence[Source]) -> dict[str, list[tuple[Source, Scores]]]:
    """Return all scores by benchmark, in the order of the sources' own boards; our networks before the others."""
    found: dict[str, list[tuple[Source, Scores]]] = {}
    for source in sources:
        for rows in source.scores.values():
            for scores in rows:
                found.setdefault(scores.name, []).append((source, scores))
    return {name: sorted(pairs, key=lambda pair: pair[1].subject != OURS) for name, pairs in found.items()}


def _labelled(pairs: Sequence[tuple[Source, Scores]]) -> list[Entry]:
    """Return the rows under names of their own; what scored the same twice is one row."""
    entries: list[Entry] = []
    for number, (source, scores) in enumerate(pairs):
        if scores.subject == OURS:
            entries.append(Entry(scores=scores, label=source.name, folder=source.scores_folder))
            continue
        alike = [other for _, other in pairs if other.subject == scores.subject and comparable(scores, other)]
        if any(_same(scores, other) for _, other in pairs[:number]):
            continue
        label = scores.subject if all(_same(scores, other) for other in alike) else f"{scores.subject} ({source.name})"
        entries.append(Entry(scores=scores, label=label, folder=source.scores_folder))
    return entries


def _same(first: Scores, second: Scores) -> bool:
    is_one = first.subject == second.subject and comparable(first, second)
    # As text, because a number that is not one differs from itself.
    return is_one and repr(sorted(first.scalars.items())) == repr(sorted(second.scalars.items()))


def _add_sources(page: Page, sources: Sequence[Source]) -> None:
    columns = [Column(title=title, digits=0) for title in ("Source", "Training steps", "Benchmarks", "Folder")]
    rows = [
        Row(
            values=(
                source.name,
                _steps(source),
                len({rows[0].name for rows in source.scores.values()}),
                str(source.folder),
            )
        )
        for source in sources
    ]
    unmeasured = [source for source in sources if not source.scores]
    notes = [
        Note(text=f"{source.name} has no scores: `densewalk evaluate {source.folder}` measures it.", tone="warning")
        for source in unmeasured
    ]
    page.section("What is compared", "", Table(columns=tuple(columns), rows=tuple(rows)), *notes)


def _steps(source: Source) -> int | None:
    metrics = read_metrics(source.folder)
    return metrics[-1]["step"] if metrics else None


def _add_configurations(page: Page, runs: Sequence[Source]) -> None:
    settings = differing([to_mapping(load_train_config(run.folder)) for run in runs])
    if not settings:
        page.section("Configurations", "", Note(text="The runs were started with equal configurations."))
        return
    columns = (Column(title="Setting"), *(Column(title=run.name) for run in runs))
    rows = tuple(Row(values=(name, *values)) for name, values in settings.items())
    page.section("Configurations", "Only what differs is listed.", Table(columns=columns, rows=rows))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""densewalk report: one page about a run, a dataset, or several runs beside each other."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError

__all__ = ["report"]

_PAGE = ".html"


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|DATASET...", help="Runs made by pretrain, folders of scores, or one dataset."),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Page of a comparison, such as page.html.")] = None,
) -> None:
    """Write a page about a run or a dataset, or one that compares several runs.

    One run: RUN/report.html shows what lies in the run folder: curves, pictures, scores, configuration.
    One dataset: DATASET/report.html shows its clips, what was rejected and why, scores, flow, and what it cost.
    Several runs or folders of scores: the page named by --out holds one table a benchmark and protocol with all
    subjects of all runs, published results, curves overlaid, and how the configurations differ.

    \b
    Examples:
      densewalk report runs/first
      densewalk report data/corpus
      densewalk report runs/first runs/second scores --out page.html
    """
    from densewalk.cluster.comparison import is_run, read_sources, write_comparison
    from densewalk.cluster.run_report import write_run_report
    from densewalk.datasets.dataset_card import CARD

    if remote := [run for run in runs if ":/" in str(run) and not run.exists()]:
        raise ConfigError(
            f"report reads folders, not {remote[0]}; prepare lays report.html beside a dataset in a bucket"
        )
    if datasets := [run for run in runs if (run / CARD).is_file()]:
        if len(runs) > 1 or out is not None:
            raise ConfigError(f"a dataset has a page of its own: densewalk report {datasets[0]}, without --out")
        from densewalk.cluster.corpus_report.page import write_corpus_report

        say(f"report written to {write_corpus_report(datasets[0])}")
        return
    if len(runs) == 1 and is_run(runs[0]):
        if out is not None:
            raise ConfigError(f"the page of one run is {runs[0] / 'report.html'}; --out is for several: name more runs")
        say(f"report written to {write_run_report(runs[0])}")
        return
    sources = read_sources(runs)
    if out is None:
        raise ConfigError(
            "a page about several runs, or about a folder of scores, belongs to none: name it, --out page.html"
        )
    say(f"comparison written to {write_comparison(sources, _page(out))}")


def _page(out: Path) -> Path:
    """Return the page's path; its folder is made if need be."""
    if out.is_dir() or out.suffix != _PAGE:
        found = "is a folder" if out.is_dir() else "is not named like a page"
        raise ConfigError(f"--out {out} {found}; expected a file that ends in {_PAGE}, such as page.html")
    return output_folder(out.parent) / out.name

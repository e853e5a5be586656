"""Preparing a corpus on the engine that was asked for, with its plan before, its books and its costs after."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from densewalk.cluster.engine.lanes import describe_lanes
from densewalk.cluster.engine.ray_engine import RayEngine
from densewalk.cluster.history import append_run
from densewalk.cluster.preparation_view import PreparationView
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import DataError
from densewalk.pipelines.chain import Folders, corpus_stages
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.admission import Admission
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import WORK, Home
from densewalk.pipelines.corpus.prepare import PrepareResult, plan_corpus, prepare
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.sources import SourceSpec, coverage, describe_spec
from densewalk.pipelines.stage import Stage

__all__ = ["describe_corpus", "describe_result", "prepare_corpus"]

_log = logging.getLogger("densewalk")


def prepare_corpus(
    specs: Sequence[str],
    home: Home,
    config: PrepareConfig,
    *,
    on_ray: bool,
    view: PreparationView,
    retry: Retry | None = None,
) -> PrepareResult:
    """Make or extend a dataset; Ray is started only when there is work and ended afterwards.

    Leaves the cost of the preparation, of a broken-off one too, in runs.jsonl, and a report beside the dataset.
    """
    started, began = datetime.now(UTC), time.monotonic()
    result: PrepareResult | None = None
    with _engine(config, on_ray=on_ray) as engine:
        view.follow([stage.name for stage in _stages(config)], engine)
        try:
            result = prepare(specs, home, config, engine, view.tell, retry=retry)
        finally:
            if view.has_begun:
                append_run(
                    home.folder,
                    started=started,
                    seconds=time.monotonic() - began,
                    command=["densewalk", *sys.argv[1:]],
                    engine="ray" if on_ray else "local",
                    cpus=_cpus(config, on_ray=on_ray),
                    tallies=engine.tallies,
                    result=result,
                )
    _write_report(home)
    return result


def describe_corpus(specs: Sequence[str], home: Home, config: PrepareConfig, *, on_ray: bool) -> str:
    """Return the configuration as YAML, headed by what would be worked on, where, and by whom."""
    plan = plan_corpus(specs, home, config)
    place = home.name if isinstance(home, FolderHome) else f"{home.name}, by way of {home.folder}"
    facts = [
        *(line for text in (*specs, *config.sources) for line in _about(text)),
        f"{plan.num_sources} sources, {plan.num_refused} of which are not looked at",
        f"{plan.num_clips_before} clips in {place} so far",
        f"work in {home.folder / WORK}, which every machine that takes part must see",
        f"stages {', '.join(plan.stages)}; recipe {plan.recipe_hash}",
        *_about_engine(config, on_ray=on_ray),
    ]
    return "\n".join([*(f"# {fact}" for fact in facts), to_yaml(config).rstrip()])


def describe_result(result: PrepareResult, place: str) -> str:
    """Return what became of every file, and how much is in the dataset at `place`, in a few lines."""
    lines = [
        f"{result.sources} sources = {result.written} written + {result.rejected} rejected + {result.failed} failed"
        + (f" + {result.purged} purged" if result.purged else ""),
        *(
            f"  {count:4d} {reason}"
            for reason, count in sorted(result.reasons.items(), key=lambda item: (-item[1], item[0]))
        ),
        f"{result.new_clips} new clips, {result.clips} in {place}",
    ]
    return "\n".join(lines)


def _about(text: str) -> Iterator[str]:
    yield describe_spec(text)
    if SourceSpec.parse(text).kind == "kinetics":
        yield from coverage(text).report().splitlines()


def _about_engine(config: PrepareConfig, *, on_ray: bool) -> Iterator[str]:
    if not on_ray:
        yield "engine local: one source after another in one process"
        return
    cluster = os.environ.get("RAY_ADDRESS")
    cpus = f"{config.engine.cpus} CPUs" if config.engine.cpus else "every CPU"
    where = f"the cluster at {cluster}" if cluster else "this machine"
    yield f"engine ray: {cpus} of {where}; workers of these kinds, each for the stages in its line:"
    for line in describe_lanes(_stages(config)):
        yield f"  {line}"


def _stages(config: PrepareConfig) -> tuple[Stage[Any, Any], ...]:
    """Return the chain of a corpus for looking at it only."""
    nowhere = Path()
    return corpus_stages(config, Folders(nowhere, nowhere), Admission(nowhere, nowhere, Staging(nowhere)))


def _cpus(config: PrepareConfig, *, on_ray: bool) -> int:
    return (config.engine.cpus or len(os.sched_getaffinity(0))) if on_ray else 1


def _write_report(home: Home) -> None:
    """Leave a report beside the dataset; one that cannot be made costs a warning, never the preparation."""
    from densewalk.cluster.corpus_report.page import write_corpus_report

    try:
        write_corpus_report(home.folder, name=PurePath(home.name).name)
        home.publish_notes()
    except (DataError, OSError) as error:
        _log.warning("the dataset is finished, its report is not: %s", error)


@contextmanager
def _engine(config: PrepareConfig, *, on_ray: bool) -> Iterator[Engine]:
    if not on_ray:
        yield InProcessEngine(config.engine)
        return
    with RayEngine(config.engine) as engine:
        yield engine

"""Measuring: every subject by every benchmark that it can be measured by, one file of scores a benchmark.

Scores are written as soon as a subject is measured, with where it came from, what measured it and when.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import torch

from densewalk.datasets.atomic import PARTIAL
from densewalk.datasets.config import config_hash
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Benchmark, Scores
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.score_files import merge_scores, name_in, score_file
from densewalk.ssl.evaluate.subjects import Subject
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.versions import commit, versions

__all__ = ["Listener", "evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who hears how a measurement comes on."""

    on_item: Callable[[str, str, int, int, str], None] = lambda *_: None
    """Benchmark, subject, items done and in all, and the newest item's name."""
    on_scores: Callable[[Scores], None] = lambda _: None
    """Each result as it is made."""


def evaluate(
    subjects: Mapping[str, Subject],
    benchmarks: Mapping[str, Benchmark],
    out: Path,
    *,
    provenance: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    listener: Listener = Listener(),
) -> dict[str, list[Scores]]:
    """Measure every subject by every benchmark that reads something it offers, and write the scores into `out`.

    Subjects are put into evaluation mode. `provenance` says, by subject, where it came from; the benchmark's own, the
    versions, the commit and the day are added.
    """
    results: dict[str, list[Scores]] = {}
    measured_with = _measured_with()
    for name, benchmark in benchmarks.items():
        results[name] = []
        for title, subject in subjects.items():
            if not BENCHMARKS[name].reads & subject.offers:
                continue
            with _empty_notebook(out, name, title, listener) as notebook:
                with _exact_convolutions():
                    scores = benchmark(cast(Matcher, subject.eval()), subject=title, notebook=notebook)
                settings = {"settings_hash": config_hash(benchmark.config)}
                origin = {**provenance.get(title, {}), **scores.provenance, **settings, **measured_with}
                scores = replace(scores, provenance=origin)
                scores = _with_notes(replace(scores, subject=name_in(out, scores)), notebook, out)
            results[name].append(scores)
            merge_scores(scores, out)
            listener.on_scores(scores)
    return results


def _exact_convolutions() -> AbstractContextManager[None]:
    """Return a context in which a GPU convolves in float32 by fixed kernels; left alone it rounds to TF32's 10 bits."""
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


@contextmanager
def _empty_notebook(out: Path, benchmark: str, title: str, listener: Listener) -> Iterator[Notebook]:
    """Yield a notebook whose folder is gone afterwards unless somebody has moved it."""
    folder = out / f"{benchmark}-{_as_file(title)}{PARTIAL}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield Notebook(
            folder, on_progress=lambda done, total, what: listener.on_item(benchmark, title, done, total, what)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_notes(scores: Scores, notebook: Notebook, out: Path) -> Scores:
    """Put what the notebook took beside the file of scores, in place of what an earlier measurement left."""
    assert notebook.folder is not None
    target = score_file(scores.name, scores.protocol, out).with_suffix("") / _as_file(scores.subject)
    shutil.rmtree(target, ignore_errors=True)
    if notebook.folder.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        notebook.folder.replace(target)
    place = target.relative_to(out)
    return replace(scores, pictures={text: (place / file).as_posix() for text, file in notebook.pictures.items()})


def _as_file(title: str) -> str:
    return re.sub(r"[^\w.=+-]+", "_", title)


def _measured_with() -> dict[str, Any]:
    return {"evaluated_with": versions(), "evaluated_at": commit(), "date": datetime.now(UTC).date().isoformat()}

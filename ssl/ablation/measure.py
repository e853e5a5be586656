"""One run of an ablation: trained, then read out by every row that shares it.

    OUT/runs/<first row>/seed-0/                 the run
    OUT/runs/<first row>/seed-0/scores/<row>.json    its scores, one file a row

Repeating continues the training and measures only what is missing or was made from other weights or settings.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_json
from densewalk.datasets.config import to_mapping
from densewalk.ssl.ablation.ablation import Ablation, AblationRow, Training, slug
from densewalk.ssl.evaluate.scenes_flow import ScenesFlow
from densewalk.ssl.evaluate.scenes_tracking import ScenesTracking
from densewalk.ssl.evaluate.subjects import load_network
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.train.loop import pretrain
from densewalk.ssl.train.run_log import read_metrics

__all__ = ["measure_matcher", "run_training", "row_scores"]


def run_training(ablation: Ablation, training: Training, out: Path) -> None:
    """Train one run of the table and score its rows."""
    run = pretrain(training.config, out / "runs" / training.folder)
    matcher, provenance = load_network(str(run))
    for row in training.rows:
        path = run / "scores" / f"{slug(row.name)}.json"
        stamp = _stamp(ablation, row, provenance)
        if path.is_file() and _read(path).get("stamp") == stamp:
            continue
        scalars = measure_matcher(ablation, row, matcher) | _last_logged(run)
        write_json(path, {"row": row.name, "scalars": scalars, "stamp": stamp})


def measure_matcher(ablation: Ablation, row: AblationRow, matcher: Matcher) -> dict[str, float]:
    """Return tracking scores under the row's tracker and the displacement error at the training crop."""
    tracking = ScenesTracking(replace(ablation.tracking, tracker=row.tracker))(matcher, subject=row.name)
    flow = ScenesFlow(replace(ablation.flow, upsample=row.tracker.upsample))(matcher, subject=row.name)
    return {**tracking.scalars, **flow.scalars}


def row_scores(ablation: Ablation, out: Path) -> dict[str, list[dict[str, float]]]:
    """Return the scalars measured so far, one mapping a seed, by row in the table's order."""
    scores: dict[str, list[dict[str, float]]] = {row.name: [] for row in ablation.rows}
    for training in ablation.trainings():
        for row in training.rows:
            path = out / "runs" / training.folder / "scores" / f"{slug(row.name)}.json"
            if path.is_file():
                scores[row.name].append(_read(path)["scalars"])
    return scores


def _stamp(ablation: Ablation, row: AblationRow, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides a row's scores."""
    settings = {"tracking": ablation.tracking, "flow": ablation.flow, "tracker": row.tracker}
    identity = {key: provenance[key] for key in ("step", "seed", "config_hash")}
    return identity | {name: to_mapping(config) for name, config in settings.items()}


def _last_logged(run: Path) -> dict[str, float]:
    """Return the newest values of what only training can tell."""
    rows = read_metrics(run)
    found = {name: [row[name] for row in rows if row.get(name) is not None] for name in ("shortcut", "chance")}
    return {name: float(values[-1]) for name, values in found.items() if values}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())

"""Scores on disk: a file holds the subjects measured by one benchmark under one protocol.

    FOLDER/davis2016.json             the first protocol under which the benchmark was run
    FOLDER/davis2016@1c0ffee5.json    another one, named by its hash
    FOLDER/davis2016/rgb/...          pictures and tables of one subject

A subject that is measured again takes its old place; the others of the same protocol stay. One that is another than the
subject of its name in the file, such as raw colours at another stride, gets a name that tells them apart.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_json
from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores

__all__ = ["merge_scores", "name_in", "protocol_hash", "read_score_folder", "read_scores", "score_file"]

_IDENTITY = ("sha256", "config_hash")
"""What of provenance says that two subjects are one wherever they lie; without any, their names on the command line."""


def merge_scores(scores: Scores, folder: Path) -> Path:
    """Write one subject's scores among those of the same benchmark and protocol; return the file."""
    path = score_file(scores.name, scores.protocol, folder)
    known = read_scores(path) if path.is_file() else []
    rows = {row.subject: row for row in known} | {scores.subject: scores}
    write_json(path, [to_mapping(row) for row in rows.values()])
    return path


def name_in(folder: Path, scores: Scores) -> str:
    """Return the name under which a subject's scores go into a folder: its own unless another subject has it there."""
    path = score_file(scores.name, scores.protocol, folder)
    namesake = (
        next((row for row in read_scores(path) if row.subject == scores.subject), None) if path.is_file() else None
    )
    if namesake is None:
        return scores.subject
    own, other = scores.provenance, namesake.provenance
    told_by = [key for key in _IDENTITY if key in own or key in other] or ["subject"]
    if any(own.get(key) != other.get(key) for key in told_by):
        return f"{scores.subject} ({own.get('subject')})"
    return scores.subject if own.get("stride") == other.get("stride") else f"{scores.subject} (stride {own['stride']})"


def score_file(name: str, protocol: Mapping[str, Any], folder: Path) -> Path:
    """Return the file of a benchmark's scores under a protocol, which need not exist yet."""
    plain = folder / f"{name}.json"
    written = [dict(row.protocol) for row in read_scores(plain)] if plain.is_file() else []
    if not written or written[0] == json.loads(_text(protocol)):
        return plain
    return folder / f"{name}@{protocol_hash(protocol)}.json"


def protocol_hash(protocol: Mapping[str, Any]) -> str:
    """Return 8 hex digits that change with any setting."""
    return hashlib.sha256(_text(protocol).encode()).hexdigest()[:8]


def read_score_folder(folder: Path) -> dict[str, list[Scores]]:
    """Return the scores in a folder by the names of their files; empty when there are none."""
    found = {path.stem: read_scores(path) for path in sorted(folder.glob("*.json"))}
    return {name: scores for name, scores in found.items() if scores}


def read_scores(path: Path) -> list[Scores]:
    """Read a file of scores; raises `BenchmarkError` when it is something else."""
    try:
        return [Scores(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise BenchmarkError(f"cannot read scores from {path}: {error}; repeat densewalk evaluate") from error


def _text(protocol: Mapping[str, Any]) -> str:
    """Return a protocol as it is written: tuples as lists, keys in order."""
    return json.dumps(dict(protocol), sort_keys=True, default=str)

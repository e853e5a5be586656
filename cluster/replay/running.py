"""Running one stage again on what was saved for it, and comparing what comes out with what came out before.

The stage runs in this process, in a folder that goes afterwards and whose inputs are links: nothing it does can harm
the saved ones. A saved folder may come from anybody, so its records are taken only if they are records of a pipeline
whose names and paths stay within it.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path
from typing import Any

from densewalk.cluster.engine.wire import from_text, to_text
from densewalk.cluster.replay.differences import FILES, OUTPUTS, differences
from densewalk.cluster.replay.saving import ABOUT, CONFIG, HERE, INPUTS, RECORDS, SCHEMA, WITHIN, chain_in, relocated
from densewalk.datasets.atomic import disk_faults, write_json, write_text
from densewalk.datasets.config import resolve
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.chain import place_of
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Entry, Fetched, Held, Reel
from densewalk.pipelines.stages.fetch import is_remote

__all__ = ["Replayed", "replay"]

_MADE, _GOLDEN, _VERSION = "outputs", "golden", "version.json"
_KINDS = re.compile(r"densewalk\.(pipelines\.records|datasets\.(records|quality|ledger)):\w+")
_NAMES = re.compile(r"[\w-]*")
"""Ids of sources and keys of clips, which become names of files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a stage made of its saved inputs."""

    stage: str
    version: int
    outputs: Path
    records: int
    files: int
    seconds: float
    golden: Path | None
    """What it was compared with; None where there was nothing yet."""
    golden_version: int | None
    differences: tuple[str, ...]


def replay(
    folder: Path,
    *,
    golden: Path | None = None,
    update: bool = False,
    tolerance: float = 0.0,
    overrides: Sequence[str] = (),
) -> Replayed:
    """Run the stage that `folder` was saved for and compare with `golden`, else with its own golden outputs.

    With `update` what came out becomes the golden outputs. `overrides` change the saved configuration. Raises
    `ConfigError` for options that contradict each other, `DataError` for a folder that is not a saved stage.
    """
    if update and golden is not None:
        raise ConfigError("--update writes the folder's own golden outputs; leave out --golden, or --update")
    name = _stage_name(folder)
    config = resolve(PrepareConfig(), overrides=overrides, file=folder / CONFIG)
    engine = InProcessEngine()
    with _laid_out(folder) as root:
        chain = chain_in(root, config)
        stage = chain[place_of(name, chain)]
        results = [to_text(result) for result in engine.run([stage], _records(folder, root))]
        lines = [json.dumps(relocated(json.loads(text), str(root), HERE)) for text in results]
        with disk_faults(folder / _MADE):
            num_files = _keep(root, lines, folder / _MADE)
            write_json(folder / _MADE / _VERSION, stage.version)
            if update:
                shutil.rmtree(folder / _GOLDEN, ignore_errors=True)
                shutil.copytree(folder / _MADE, folder / _GOLDEN)
    against = golden or (folder / _GOLDEN if (folder / _GOLDEN).is_dir() else None)
    if golden is not None and not (golden / OUTPUTS).is_file():
        raise ConfigError(f"no {OUTPUTS} in {golden}; --golden names a folder of outputs, such as DIR/{_GOLDEN}")
    return Replayed(
        stage=name,
        version=stage.version,
        outputs=folder / _MADE,
        records=len(lines),
        files=num_files,
        seconds=engine.tallies[name].seconds,
        golden=against,
        golden_version=json.loads((against / _VERSION).read_text()) if against else None,
        differences=tuple(differences(against, folder / _MADE, tolerance=tolerance)) if against else (),
    )


def _stage_name(folder: Path) -> str:
    try:
        about = json.loads((folder / ABOUT).read_text())
        schema, name = about["schema_version"], about["stage"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        advice = "densewalk prepare VIDEO --until STAGE --save DIR makes one"
        raise DataError(f"{folder} holds no saved stage (no {ABOUT} that can be read); {advice}") from error
    if schema != SCHEMA:
        raise DataError(f"{folder} was saved in form {schema}; this densewalk reads form {SCHEMA}; save it again")
    return str(name)


@contextmanager
def _laid_out(folder: Path) -> Iterator[Path]:
    """Make a folder for one run, with links to all saved files."""
    with tempfile.TemporaryDirectory(prefix="densewalk-") as temporary:
        root = Path(temporary).resolve()
        saved = folder.resolve()
        for place, _, files in os.walk(saved / INPUTS):
            own = root / Path(place).relative_to(saved)
            own.mkdir(parents=True)
            for file in files:
                (own / file).symlink_to(Path(place) / file)
        yield root


def _records(folder: Path, root: Path) -> Iterator[Any]:
    for number, line in enumerate((folder / RECORDS).read_text().splitlines(), start=1):
        where = f"line {number} of {folder / RECORDS}"
        try:
            content = relocated(json.loads(line), HERE, str(root))
            _check(content, where)
            record = from_text(json.dumps(content))
            path = _path_of(record)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise DataError(f"{where} is no record of this densewalk ({error}); save the stage again") from error
        if path is not None and not Path(os.path.normpath(path)).is_relative_to(root / INPUTS):
            raise DataError(f"{where} points to {path}, outside of {folder / INPUTS}; do not use this folder")
        yield record


def _check(content: Any, where: str) -> None:
    """Raise `DataError` for a class that is no record and for a name that could lead out of the folder."""
    if isinstance(content, dict):
        kind = content.get("class")
        if kind is not None and not _KINDS.fullmatch(str(kind)):
            raise DataError(f"{where} holds a {kind}, which is no record; do not use this folder")
        for name in ("id", "key"):
            if not _NAMES.fullmatch(str(content.get(name, ""))):
                raise DataError(f"{where} holds the {name} {content[name]!r}; expected letters and digits")
    for item in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _check(item, where)


def _path_of(record: Any) -> str | None:
    """Return where the files of a record lie, None when it has none."""
    while inner := WITHIN.get(type(record)):
        record = getattr(record, inner)
    match record:
        case Reel():
            return record.folder
        case Held() | Fetched():
            return record.path
        case Entry():
            return None if is_remote(record.uri) or record.refusal is not None else record.uri
    raise TypeError(f"a {type(record).__name__} is not what stages are given")


def _keep(root: Path, lines: Sequence[str], outputs: Path) -> int:
    """Move what a stage made into the folder `outputs`; return how many files there are."""
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    write_text(outputs / OUTPUTS, "".join(f"{line}\n" for line in lines))
    places = (root / INPUTS, root / "fetched", root / "scratch", root / "staged")
    made = [path for path in joined.from_iterable(place.rglob("*") for place in places) if _is_made(path, root)]
    for path in made:
        kept = outputs / FILES / path.relative_to(root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, kept)
    return len(made)


def _is_made(path: Path, root: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.is_relative_to(root / "fetched" / "hosts")

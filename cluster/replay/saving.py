"""Saving what a stage is given: records, and the files they point to, in a folder that can be moved anywhere.

    DIR/replay.json      name of the stage, versions of the stages
    DIR/config.yaml      the whole configuration
    DIR/inputs.jsonl     a record a line (see cluster/engine/wire.py); paths begin with `{here}`, which is DIR
    DIR/inputs/0000/     the video, or the folder of the reel, of the first record, and so on
    DIR/outputs/         what the stage made of them last (see running.py)
    DIR/golden/          what it is to make of them

A record that was saved is the whole truth of what a stage sees, so a fault of one stage on one video can be looked at
without the video's way there, by anybody who is given the folder.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from densewalk import __version__
from densewalk.cluster.engine.wire import to_text
from densewalk.datasets.atomic import disk_faults, write_json, write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.pipelines.chain import Folders, corpus_stages, place_of, stage_versions
from densewalk.pipelines.corpus.admission import Admission, write_known
from densewalk.pipelines.corpus.staging import Staging
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Cutting, Entry, Fetched, Held, Probed, Reel, ShotList
from densewalk.pipelines.sources import read_entries
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.fetch import is_remote

__all__ = [
    "ABOUT",
    "CONFIG",
    "HERE",
    "INPUTS",
    "RECORDS",
    "SCHEMA",
    "WITHIN",
    "Saved",
    "chain_in",
    "relocated",
    "save_inputs",
]

ABOUT, CONFIG, INPUTS, RECORDS = "replay.json", "config.yaml", "inputs", "inputs.jsonl"
SCHEMA = 1
HERE = "{here}"
WITHIN: dict[type, str] = {Cutting: "shots", ShotList: "reel", Probed: "held"}
"""Records whose files are those of another record, and their field for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What `save_inputs` left."""

    records: int
    bytes: int
    """Of all files."""
    ended: tuple[Verdict, ...]
    """Sources that never reached the stage."""


def save_inputs(specs: Sequence[str], config: PrepareConfig, name: str, folder: Path) -> Saved:
    """Run the stages before the one called `name` over sources, in this process, and keep what they give.

    Raises `ConfigError` for a stage that is not there or a folder in use, `DataError` when nothing reaches the stage.
    """
    with disk_faults(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is in use; choose an empty or new --save")
        work = folder.absolute() / ".work"
        lines: list[str] = []
        ended: list[Verdict] = []
        try:
            chain = chain_in(work, config)
            before = chain[: place_of(name, chain)]
            entries = read_entries((*specs, *config.sources), config.fetch.storage)
            for record in InProcessEngine().run(before, entries) if before else entries:
                if isinstance(record, Verdict):
                    ended.append(record)
                    continue
                kept = _kept(record, folder.absolute() / INPUTS / f"{len(lines):04d}")
                lines.append(json.dumps(relocated(json.loads(to_text(kept)), str(folder.absolute()), HERE)))
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if not lines:
            ways = "; ".join(f"{v.uri}: {v.outcome}: {v.reason} ({v.detail})" for v in ended[:3])
            raise DataError(f"nothing reached the stage {name}{f': {ways}' if ways else ''}; choose an earlier one")
        write_text(folder / CONFIG, to_yaml(config))
        write_text(folder / RECORDS, "\n".join(lines) + "\n")
        about = {"schema_version": SCHEMA, "densewalk": __version__, "stage": name, "versions": stage_versions(config)}
        write_json(folder / ABOUT, about)
    size = sum(path.stat().st_size for path in (folder / INPUTS).rglob("*") if path.is_file())
    return Saved(records=len(lines), bytes=size, ended=tuple(ended))


def chain_in(root: Path, config: PrepareConfig) -> tuple[Stage[Any, Any], ...]:
    """Return the whole chain of a corpus, which keeps everything below `root`."""
    root = root.absolute()
    admission = Admission(root / "known.bin", root / "claims", Staging(root / "staged"))
    write_known(admission.known, ())
    return corpus_stages(config, Folders(root / "fetched", root / "scratch"), admission)


def relocated(value: Any, old: str, new: str) -> Any:
    """Return JSON in which every path below the folder `old` lies below `new`."""
    match value:
        case str():
            return new + value[len(old) :] if value.startswith(f"{old}/") else value
        case list():
            return [relocated(item, old, new) for item in value]
        case dict():
            return {name: relocated(item, old, new) for name, item in value.items()}
    return value


def _kept(record: Any, own: Path) -> Any:
    """Bring the files of a record into the folder `own`; return it as it is there."""
    if inner := WITHIN.get(type(record)):
        return replace(record, **{inner: _kept(getattr(record, inner), own)})
    match record:
        case Reel():
            shutil.move(record.folder, own)
            return replace(record, folder=str(own))
        case Held() | Fetched():
            return replace(record, path=_brought(Path(record.path), own, is_ours=record.temporary))
        case Entry() if record.refusal is None and not is_remote(record.uri) and Path(record.uri).is_file():
            return replace(record, uri=_brought(Path(record.uri), own, is_ours=False))
    return record


def _brought(file: Path, own: Path, *, is_ours: bool) -> str:
    own.mkdir(parents=True)
    path = own / file.name
    if is_ours:
        shutil.move(file, path)
    else:
        shutil.copyfile(file, path)
    return str(path)

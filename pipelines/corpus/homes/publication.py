"""The change of the tables in a bucket, in one step as far as a store allows.

New tables are laid ready below `.work/commit`, then a plan that names them and what is to go declares them complete.
From that moment the change happens, by whoever comes next: they are copied into place inside the store, the card last.
Without the plan they are thrown away. Those who read while it happens read what the plan names where it was laid.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from densewalk.datasets.atomic import write_json
from densewalk.datasets.dataset_card import CARD
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.homes.bucket import Bucket, Stored
from densewalk.pipelines.corpus.homes.content import Content
from densewalk.pipelines.corpus.homes.home import WORK

__all__ = ["fetch_published", "finish_publication", "is_published", "publish_files"]

_LAID = f"{WORK}/commit/"
_PLAN = f"{_LAID}READY"
_EXTRA = "purges"
_GLANCES = 10
_NOTHING: dict[str, Any] = {"copy": {}, "remove": []}


def is_published(name: str) -> bool:
    """Return whether a file of a dataset folder, named relative to it, is published with the tables."""
    folder, _, file = name.rpartition("/")
    return folder in ("", _EXTRA) and not file.startswith(".")


def publish_files(bucket: Bucket, files: Mapping[str, Path], gone: Iterable[str]) -> None:
    """Replace the objects of these names by files and remove those that are gone, all or none."""
    contents = {name: asdict(bucket.put(path, _LAID + name)) for name, path in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.json"
        write_json(plan, {"copy": contents, "remove": sorted(gone)})
        bucket.put(plan, _PLAN)
    finish_publication(bucket)


def finish_publication(bucket: Bucket) -> None:
    """Carry out the plan that lies in the bucket, if any; throw away what was laid ready without one."""
    laid = bucket.listing(_LAID)
    plan = _plan(bucket) if _PLAN in laid else _NOTHING
    for name in sorted(plan["copy"], key=lambda name: (name == CARD, name)):
        bucket.copy(_LAID + name, name, plan["copy"][name])
    for name in plan["remove"]:
        bucket.remove(name)
    for name in sorted(laid, key=lambda name: name != _PLAN):
        bucket.remove(name)


def fetch_published(bucket: Bucket, folder: Path) -> None:
    """Bring the published tables to `folder`, all of one state.

    Raises `DataError` when there are none, or when they change faster than they can be read.
    """
    for _ in range(_GLANCES):
        seen, plan = bucket.listing(), _plan(bucket)
        names = {name for name in {*seen, *plan["copy"]} - set(plan["remove"]) if is_published(name)}
        if CARD not in names:
            raise DataError(f"{bucket.url} is not a finished dataset made by prepare; expected one with a {CARD}")
        try:
            for name in sorted(names):
                bucket.get(_LAID + name if name in plan["copy"] else name, folder / name)
        except FileNotFoundError:
            continue
        if _tables(bucket.listing()) == _tables(seen):
            return
    raise DataError(f"{bucket.url} is being changed all the time; read it when its writer has ended")


def _plan(bucket: Bucket) -> dict[str, Any]:
    content = bucket.read(_PLAN)
    if content is None:
        return _NOTHING
    try:
        plan = json.loads(content)
        return {"copy": {name: Content(**of) for name, of in plan["copy"].items()}, "remove": plan["remove"]}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{bucket.url}/{_PLAN} is not a plan made by prepare ({error!r}); delete it") from error


def _tables(listing: Mapping[str, Stored]) -> dict[str, Stored]:
    return {name: stored for name, stored in listing.items() if is_published(name) or name == _PLAN}

"""Records of a pipeline as lines of JSON, so that nobody has to pickle them.

The JSON names the types JSON lacks (dataclass, tuple, path), so a record comes back equal, whatever its annotations
say.
"""

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

__all__ = ["from_text", "to_text"]


def to_text(record: Any) -> str:
    """Return a record (of strings, numbers, paths, tuples, lists, dictionaries and dataclasses) as one line of JSON.

    Raises `TypeError` when it holds anything else.
    """
    return json.dumps(_plain(record))


def from_text(text: str) -> Any:
    """Return the record of a line that `to_text` made."""
    return _revive(json.loads(text))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
        return {"class": _name(type(value)), "fields": fields}
    raise TypeError(f"a {type(value).__name__} cannot travel between stages; records hold numbers, text and paths")


def _revive(value: Any) -> Any:
    match value:
        case {"class": name, "fields": fields}:
            return _class(name)(**{field: _revive(item) for field, item in fields.items()})
        case {"path": text}:
            return Path(text)
        case {"tuple": items}:
            return tuple(_revive(item) for item in items)
        case {"dict": items}:
            return {_revive(key): _revive(item) for key, item in items}
        case list():
            return [_revive(item) for item in value]
    return value


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found

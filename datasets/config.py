"""Configuration: frozen dataclasses, overridden as `section.field=value`, written into every run as YAML.

A recipe is a function that returns a complete dataclass. `resolve` lays a YAML file and command-line overrides over it
and reports every mistake in one message, each with the closest known name. Unknown names never pass silently.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from densewalk.datasets.errors import ConfigError

__all__ = ["config_hash", "from_mapping", "leaves", "require", "resolve", "to_mapping", "to_yaml"]

_Config = TypeVar("_Config")


def resolve(recipe: _Config, *, overrides: Sequence[str] = (), file: Path | None = None) -> _Config:
    """Return `recipe` with a YAML file's values and then `overrides` (`section.field=value`) laid over it.

    Raises `ConfigError` that lists every unknown name, value of a wrong type and broken constraint.
    """
    return _lay_over(recipe, [*_file_assignments(file), *map(_parse_override, overrides)])


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a dataclass as plain dictionaries, lists and scalars."""
    return json.loads(json.dumps(dataclasses.asdict(config), default=str))


def to_yaml(config: Any) -> str:
    """Return a dataclass as YAML in field order."""
    return yaml.safe_dump(to_mapping(config), sort_keys=False, allow_unicode=True)


def from_mapping(defaults: _Config, mapping: Mapping[str, Any]) -> _Config:
    """Rebuild a dataclass from `to_mapping`'s result; fields that are absent keep the values of `defaults`.

    A section is rebuilt as the class it has in `defaults`. Raises `ConfigError` on unknown or ill-typed fields.
    """
    return _lay_over(defaults, [*leaves(mapping)])


def leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of nested sections under its dotted name."""
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def require(*problems: str | bool | None) -> None:
    """Raise one `ConfigError` with every problem that is a text; a configuration calls it at the end of
    `__post_init__`.

    Written `require(size < 1 and "size must be at least 1", ...)`: a false condition is no problem.
    """
    texts = [problem for problem in problems if isinstance(problem, str)]
    if texts:
        raise ConfigError("\n".join(texts))


def config_hash(config: Any) -> str:
    """Return 16 hex digits that change when any field of the configuration does."""
    text = json.dumps(to_mapping(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lay_over(recipe: _Config, assignments: Sequence[tuple[str | None, Any]]) -> _Config:
    problems = [value for path, value in assignments if path is None]
    merged = _writable(recipe)
    for path, value in assignments:
        if path is not None and (problem := _assign(merged, path, value)):
            problems.append(problem)
    rebuilt: _Config = recipe
    try:
        rebuilt = _rebuild(recipe, OmegaConf.to_container(merged, resolve=True))
    except ConfigError as error:
        problems.append(str(error))
    require(*problems)
    return rebuilt


def _file_assignments(file: Path | None) -> list[tuple[str | None, Any]]:
    if file is None:
        return []
    if not file.is_file():
        raise ConfigError(f"no configuration file at {file} (--config)")
    try:
        content = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not YAML: {error}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file} holds a {type(content).__name__}, expected sections of name: value")
    return [*leaves(content)]


def _parse_override(text: str) -> tuple[str | None, Any]:
    path, separator, value = text.partition("=")
    if not separator or not path.strip():
        return None, f"cannot read override {text!r}; write section.field=value"
    try:
        return path.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        return None, f"cannot read the value of override {text!r}"


def _writable(recipe: Any) -> DictConfig:
    config = OmegaConf.structured(recipe)
    _set_writable(config)
    return config


def _set_writable(node: Any) -> None:
    OmegaConf.set_readonly(node, False)
    for child in (node._get_node(key) for key in node):
        if isinstance(child, DictConfig):
            _set_writable(child)


def _assign(config: DictConfig, path: str, value: Any) -> str | None:
    """Set one field; return what is wrong with the assignment, if anything."""
    node: Any = config
    *sections, field = path.split(".")
    for depth, name in enumerate([*sections, field]):
        if not isinstance(node, DictConfig):
            return f"{'.'.join(path.split('.')[:depth])} has no fields; cannot set {path}"
        if name not in node:
            return _unknown(name, path, list(map(str, node)))
        if depth < len(sections):
            node = node[name]
    if isinstance(node[field], DictConfig):
        return f"{path} is a section; set one of its fields: {', '.join(map(str, node[field]))}"
    try:
        OmegaConf.update(node, field, value)
    except OmegaConfBaseException as error:
        return f"{path}: {str(error).splitlines()[0]}"
    if isinstance(node[field], float) and not math.isfinite(node[field]):
        return f"{path}={value} must be a finite number"
    return None


def _unknown(name: str, path: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown option {path!r}; known here: {', '.join(known)}{hint}"


def _rebuild(section: Any, value: Any) -> Any:
    """Construct a dataclass like `section` again, inner ones first, so that every `__post_init__` sees final values."""
    hints = get_type_hints(type(section))
    parts: dict[str, Any] = {}
    problems: list[str] = []
    for name, item in value.items():
        try:
            inner = getattr(section, name)
            parts[name] = _rebuild(inner, item) if dataclasses.is_dataclass(inner) else _retuple(hints[name], item)
        except ConfigError as error:
            problems.append(str(error))
    try:
        # A section that failed keeps what it was here, so that the checks of the whole are heard too.
        built = dataclasses.replace(section, **parts)
    except ConfigError as error:
        problems.append(str(error))
    require(*problems)
    return built


def _retuple(kind: Any, value: Any) -> Any:
    """Return lists as the tuples that the field's annotation asks for."""
    if get_origin(kind) is tuple and isinstance(value, list):
        kinds = get_args(kind)
        each = kinds[:1] * len(value) if len(kinds) == 2 and kinds[1] is ... else kinds
        return tuple(_retuple(k, v) for k, v in zip(each, value, strict=True))
    return value

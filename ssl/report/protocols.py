"""Protocols compared: which settings differ among scores, in words, and which scores may share a table.

A protocol is a tree of settings; `scene.height` names one inside another. A setting that one protocol does not state
differs from every value. Where one protocol has a value and another has settings, that alone is the difference: what is
inside is compared among those that have it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["differing", "flattened", "setting_words"]

_ABSENT = "not stated"
_INSIDE = "settings of its own"


def flattened(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return every setting of a tree as text under its dotted name."""
    flat: dict[str, str] = {}
    for name, value in mapping.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = _text(value)
    return flat


def differing(mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the settings on which trees do not agree, with the value of each tree in order."""
    flat = [flattened(mapping) for mapping in mappings]
    names = list(dict.fromkeys(name for settings in flat for name in settings))
    values = {name: [_value(settings, name) for settings in flat] for name in names}
    compared = {
        name: {value for settings, value in zip(flat, found, strict=True) if not _stated_above(settings, name)}
        for name, found in values.items()
    }
    return {name: found for name, found in values.items() if len(compared[name]) > 1}


def setting_words(name: str) -> str:
    """Return a setting's dotted name as words."""
    return name.replace("_", " ").replace(".", ", ")


def _value(settings: Mapping[str, str], name: str) -> str:
    is_branch = any(other.startswith(f"{name}.") for other in settings)
    return settings.get(name, _INSIDE if is_branch else _ABSENT)


def _stated_above(settings: Mapping[str, str], name: str) -> bool:
    """Return whether something that `name` lies in is a plain value here."""
    parts = name.split(".")
    return any(".".join(parts[:depth]) in settings for depth in range(1, len(parts)))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "none" if value is None else str(value)

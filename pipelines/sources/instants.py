"""Times and parts as lists write them: seconds, h:mm:ss, or whole lists of parts in one cell.

Panda-70M keeps all parts of a video in one row: a cell of `[['0:00:24.858', '0:00:34.868'], ...]` beside a cell of as
many captions. Such cells are read by a small parser of flat literals; nothing is evaluated.
"""

import ast
import json
import math
import re
from collections.abc import Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

__all__ = ["parse_seconds", "parse_span", "parse_spans", "parse_texts"]

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CLOCK = re.compile(r"(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>\d{1,2})(?:[.,](?P<fraction>\d+))?")
_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[\[\](),])|(?P<word>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?[\d.]+(?:[eE][+-]?\d+)?|None))\s*"""
)
_MAX_DEPTH = 3


def parse_seconds(value: object) -> float | None:
    """Return a time in seconds, from a number or from a text such as `12.5`, `1:02` or `0:01:02.500`.

    Nothing (None, NaN, an empty text) gives None. Raises `ValueError` on anything else and on negative times.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    seconds = _seconds_of(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"time {value!r} is not a number of seconds from 0")
    return seconds


def parse_span(start: object, end: object) -> tuple[float, float | None] | None:
    """Return start and end in seconds; None when both are empty or the part is the whole video."""
    first, last = parse_seconds(start), parse_seconds(end)
    if last is not None and last <= (first or 0.0):
        raise ValueError(f"end {end!r} is not behind start {start!r}")
    return None if not first and last is None else (first or 0.0, last)


def parse_spans(value: object) -> list[tuple[float, float | None]]:
    """Return the parts in a cell of [start, end] pairs, or of mappings that hold one as `span` (HD-VILA)."""
    spans: list[tuple[float, float | None]] = []
    for item in _items(value):
        pair = item.get("span") if isinstance(item, dict) else item
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"part {_short(item)} is no pair of start and end")
        start, end = parse_seconds(pair[0]), parse_seconds(pair[1])
        if start is None or end is None or end <= start:
            raise ValueError(f"part {_short(item)} does not end behind its start")
        spans.append((start, end))
    if not spans:
        raise ValueError("no part in the list of parts")
    return spans


def parse_texts(value: object) -> list[Any]:
    """Return the items of a cell that holds a list of texts."""
    return _items(value)


def _seconds_of(value: object) -> float:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    text = value.strip() if isinstance(value, str) else ""
    if _NUMBER.fullmatch(text):
        return float(text)
    clock = _CLOCK.fullmatch(text)
    if clock is None or int(clock["s"]) >= 60 or (clock["h"] and int(clock["m"]) >= 60):
        raise ValueError(f"time {_short(value)} is neither seconds nor h:mm:ss")
    whole = int(clock["h"] or 0) * 3600 + int(clock["m"]) * 60 + int(clock["s"])
    return float(f"{whole}.{clock['fraction'] or 0}")


def _items(value: object) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} where a list was expected")
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = _literal(value)
    if not isinstance(found, list):
        raise ValueError(f"{_short(value)} is no list")
    return found


def _literal(text: str) -> list[Any] | None:
    """Return nested lists of Python literals, at most three deep; None for anything else."""
    stack: list[list[Any]] = [[]]
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"{_short(text[place:])} cannot be read in a list")
        place = token.end()
        if token["word"]:
            stack[-1].append(ast.literal_eval(token["word"]))
        elif token["mark"] in "[(" and len(stack) <= _MAX_DEPTH:
            stack.append([])
        elif token["mark"] in "])" and len(stack) > 1:
            inner = stack.pop()
            stack[-1].append(inner)
        elif token["mark"] != ",":
            raise ValueError(f"brackets of {_short(text)} do not match")
    return stack[0][0] if len(stack) == 1 and len(stack[0]) == 1 else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

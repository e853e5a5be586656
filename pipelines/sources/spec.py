"""How sources are named: one word for each, in a command and in a recipe's YAML alike.

    videos/  a.mp4  "videos/**/*.mp4"             a folder, a file, a quoted pattern
    list:clips.csv@path=file+root=videos          rows of paths or URLs (txt, csv, tsv, parquet, jsonl)
    kinetics:train.csv@videos=k400                Kinetics annotations and the files there are of them
    youtube:dQw4w9WgXcQ  youtube:ids.txt          YouTube ids or URLs
    yt8m:train.json                               YouTube-8M ids (text, JSON, TFRecord)
    https://host/a.mp4  s3://bucket/prefix/       a URL; an object, a prefix or a pattern (s3, gs, hf)

Settings follow an `@` and are joined by `+`: `videos/@licence=CC-BY-4.0+limit=100`. In a value `%25`, `%2B` and `%40`
stand for `%`, `+` and `@`. What exists as a path is that path, whatever it reads like; `path:` says so explicitly, and
an `@` at the very end ends a name that contains one.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError, known_name
from densewalk.pipelines.sources.instants import parse_span
from densewalk.pipelines.sources.mention import clean_text

__all__ = ["KINDS", "TABLE_SUFFIXES", "SourceKind", "SourceSpec", "describe_spec"]

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")
"""Endings of lists that have columns."""
_SETTINGS = re.compile(r"(?P<subject>.+)@(?P<settings>|[a-z_]+=[^@]*)", re.DOTALL)
_PREFIX = re.compile(r"(?P<kind>[A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPES = {"%": "%25", "+": "%2B", "@": "%40"}
_COMMON = ("licence", "label", "limit")
_URLS = ("http", "https", "s3", "gs", "hf")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """What may be said of one kind of source."""

    form: str
    """How it is written."""
    meaning: str
    options: tuple[str, ...] = (*_COMMON, "start", "end")
    """Names of its settings."""


_URL = SourceKind(form="http://...", meaning="a video behind a URL")
_OBJECTS = SourceKind(
    form="s3://..., gs://..., hf://...", meaning="an object, a prefix or a pattern of an object store"
)
KINDS: Mapping[str, SourceKind] = {
    "path": SourceKind(form="PATH", meaning="a video file, a folder with all below it, or a quoted pattern"),
    "list": SourceKind(
        form="list:FILE",
        meaning="rows of paths, URLs or YouTube ids in a txt, csv, tsv, parquet or jsonl file",
        options=(*_COMMON, "start", "end", "path", "licence_column", "root"),
    ),
    "kinetics": SourceKind(
        form="kinetics:CSV@videos=DIR",
        meaning="Kinetics annotations and the files there are of them",
        options=(*_COMMON, "videos", "replacement"),
    ),
    "youtube": SourceKind(form="youtube:ID, youtube:FILE", meaning="a YouTube id or URL, or a text file of them"),
    "yt8m": SourceKind(form="yt8m:FILE", meaning="YouTube-8M ids in a txt, json or tfrecord file"),
    "http": _URL,
    "https": _URL,
    "s3": _OBJECTS,
    "gs": _OBJECTS,
    "hf": _OBJECTS,
}
"""Every kind of source by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source of a corpus, taken apart; `parse(str(spec)) == spec`."""

    kind: str
    """One of `KINDS`."""
    subject: str
    """Path, file, id, or the whole URL."""
    options: tuple[tuple[str, str], ...] = ()
    """Settings in the order they were written."""

    def __post_init__(self) -> None:
        known_name(self.kind, KINDS, "kind of source")
        require(*self._unknown_options(), *self._wrong_values())

    @classmethod
    def parse(cls, text: str) -> "SourceSpec":
        """Return what `text` stands for.

        Raises `ConfigError` naming every mistake: an unknown kind or setting with the closest known one, a value that
        cannot be, a missing `videos=`.
        """
        if os.path.lexists(text):
            return cls(kind="path", subject=text)
        found = _SETTINGS.fullmatch(text)
        subject, settings = (found["subject"], found["settings"]) if found else (text, "")
        prefix = _PREFIX.match(subject)
        options = _parse_options(settings)
        if prefix is None or os.path.lexists(subject):
            return cls(kind="path", subject=subject, options=options)
        kind, rest = prefix["kind"].lower(), subject[prefix.end() :]
        known_name(kind, KINDS, f"kind in source {text!r} (nor is there such a file):")
        return cls(kind=kind, subject=f"{kind}:{rest}" if kind in _URLS else rest, options=options)

    def option(self, name: str, default: str = "") -> str:
        """Return the value of a setting, or `default` when it is not given."""
        return dict(self.options).get(name, default)

    @property
    def path(self) -> Path:
        """The subject as an absolute path; links are kept as they are written."""
        return Path(os.path.abspath(self.subject))  # noqa: PTH100 - Path.resolve would follow links

    @property
    def has_columns(self) -> bool:
        """Whether `path`, `start`, `end` and `label` name columns of a table."""
        return self.kind == "list" and self.path.suffix.lower() in TABLE_SUFFIXES

    @property
    def limit(self) -> int | None:
        """How many entries are wanted, the first in order of their names; None for all."""
        return int(text) if (text := self.option("limit")) else None

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        base = self.subject if self.kind in _URLS else f"{self.kind}:{self.subject}"
        if self.kind == "path" and not _PREFIX.match(self.subject):
            base = self.subject
        settings = "+".join(f"{name}={_escaped(value)}" for name, value in self.options)
        return f"{base}@{settings}" if settings or _SETTINGS.fullmatch(base) else base

    def _unknown_options(self) -> list[str]:
        problems = []
        for name, count in Counter(name for name, _ in self.options).items():
            try:
                known_name(name, KINDS[self.kind].options, f"setting of {KINDS[self.kind].form}:")
            except ConfigError as error:
                problems.append(str(error))
            if count > 1:
                problems.append(f"{self}: {name}= is given {count} times")
        return problems

    def _wrong_values(self) -> list[str | bool]:
        limit = self.option("limit", "1")
        return [
            not self.subject.strip() and f"{self}: nothing behind the colon; expected {KINDS[self.kind].form}",
            "\0" in self.subject and f"{self.subject!a}: a NUL in a name",
            self.kind in _URLS
            and not self.subject.startswith(f"{self.kind}://")
            and f"{self.subject}: expected {self.kind}://...",
            self.kind == "kinetics" and not self.option("videos") and f"{self}: say where the files are: @videos=DIR",
            not (limit.isdecimal() and int(limit) > 0) and f"{self}: limit={limit} must be a whole number from 1",
            *(f"{self}: {name}= has no value" for name, value in self.options if not value.strip()),
            *([] if self.has_columns else self._wrong_texts()),
        ]

    def _wrong_texts(self) -> list[str]:
        problems = []
        try:
            parse_span(self.option("start"), self.option("end"))
        except ValueError as error:
            problems.append(f"{self}: start=, end=: {error}")
        for name in ("label", "licence"):
            try:
                clean_text(self.option(name))
            except ValueError as error:
                problems.append(f"{self}: {name}=: {error}")
        return problems


def describe_spec(text: str) -> str:
    """Return one line that says what a specification stands for; raises `ConfigError` like `SourceSpec.parse`."""
    spec = SourceSpec.parse(text)
    settings = ", ".join(f"{name} {value}" for name, value in spec.options)
    return f"{spec.subject}: {KINDS[spec.kind].meaning}" + (f" ({settings})" if settings else "")


def _parse_options(settings: str) -> tuple[tuple[str, str], ...]:
    parts = re.split(r"\+(?=[a-z_]+=)", settings) if settings else []
    return tuple((name, _unescaped(value)) for name, _, value in (part.partition("=") for part in parts))


def _escaped(value: str) -> str:
    return re.sub(r"[%+@]", lambda found: _ESCAPES[found[0]], value)


def _unescaped(value: str) -> str:
    return re.sub(r"%(25|2B|40)", lambda found: chr(int(found[1], 16)), value, flags=re.IGNORECASE)

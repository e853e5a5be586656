"""`list:FILE`: rows that name paths, URLs or YouTube ids, and perhaps the part, label and licence of each.

A text file has one item a line; `#` begins a line of comment. A table is read by the usual names of its columns, or by
those that the specification gives. A row may hold one part (start and end) or a list of parts with as many captions,
as Panda-70M and HD-VILA write them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.instants import parse_span, parse_spans, parse_texts
from densewalk.pipelines.sources.lines import read_lines
from densewalk.pipelines.sources.locate import is_youtube_id, locate
from densewalk.pipelines.sources.mention import Mention, broken_row, clean_text
from densewalk.pipelines.sources.spec import TABLE_SUFFIXES, SourceSpec
from densewalk.pipelines.sources.tables import Row, column_names, read_rows

__all__ = ["COLUMNS", "Columns", "list_mentions", "recognise"]

COLUMNS = {
    "path": (
        *("path", "videopath", "filepath", "file", "filename", "uri", "url", "videourl", "contenturl", "videoloc"),
        *("video", "link", "src", "source", "youtubeid", "ytid", "videoid"),
    ),
    "start": ("start", "starttime", "timestart", "startseconds", "startsec", "starttimestamp", "clipstart", "begin"),
    "end": ("end", "endtime", "timeend", "endseconds", "endsec", "endtimestamp", "clipend", "stop"),
    "spans": ("timestamp", "timestamps", "spans", "segments", "clips", "clip"),
    "label": ("label", "class", "classname", "category", "caption", "text", "description", "action"),
    "licence": ("licence", "license", "rights"),
}
"""Names by which each field is found, the likeliest first; case, blanks, `_` and `-` do not count."""
_ID_COLUMNS = frozenset({"youtubeid", "ytid", "videoid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column holds which field; empty where none does."""

    path: str
    holds_ids: bool = False
    """Whether the path column can hold nothing but YouTube ids."""
    start: str = ""
    end: str = ""
    spans: str = ""
    """Lists of [start, end]; a cell that holds none says nothing."""
    label: str = ""
    licence: str = ""

    @property
    def names(self) -> list[str]:
        """All columns that are read."""
        found = (self.path, self.start, self.end, self.spans, self.label, self.licence)
        return list(dict.fromkeys(name for name in found if name))


def list_mentions(spec: SourceSpec) -> Iterator[Mention]:
    """Return a mention for each row.

    Raises `ConfigError` at once when there is no such file, it is of no known kind, or no column says where videos lie.
    """
    path = spec.path
    if not path.is_file():
        raise ConfigError(f"{spec}: no file {path}")
    root = Path(spec.option("root")).absolute() if spec.option("root") else path.parent
    if spec.has_columns:
        columns = recognise(spec, column_names(path))
        return (mention for row in read_rows(path, columns.names) for mention in _mentions(row, columns, path, root))
    if path.suffix.lower() != ".txt":
        known = ", ".join((".txt", *TABLE_SUFFIXES))
        raise ConfigError(f"{spec}: cannot read {path.suffix or 'a file without ending'}; expected one of {known}")
    unused = [
        f"{spec}: {name}= has no meaning in a .txt list" for name in ("path", "licence_column") if spec.option(name)
    ]
    require(*unused)
    return _text_mentions(path, root)


def recognise(spec: SourceSpec, names: tuple[str, ...]) -> Columns:
    """Return which of a table's columns hold what.

    Raises `ConfigError` that lists the columns when none holds paths, a named one is absent, or a name stands twice.
    """
    options = {"path": "path", "start": "start", "end": "end", "label": "label", "licence": "licence_column"}
    found, problems = dict[str, str](), []
    for field, known in COLUMNS.items():
        asked = spec.option(options.get(field, ""))
        if asked and asked not in names:
            problems.append(f"{spec}: no column {asked!r} ({options[field]}=)")
        found[field] = asked or _usual(known, names)
    if not found["path"]:
        problems.append(f"{spec}: no column is known to hold paths or URLs; name it: path=COLUMN")
    problems += [f"{spec}: column {n!r} stands twice" for n in set(found.values()) if n and names.count(n) > 1]
    if found["start"] or found["end"]:
        found["spans"] = ""
    if problems:
        problems.append(f"columns of {spec.path}: {', '.join(names) or 'none'}")
    require(*problems)
    return Columns(holds_ids=_plain(found["path"]) in _ID_COLUMNS and not spec.option("path"), **found)


def _mentions(row: Row, columns: Columns, file: Path, root: Path) -> list[Mention]:
    try:
        if row.fault:
            raise ValueError(row.fault)
        uri = _place(row.values.get(columns.path), columns, root)
        licence = clean_text(row.values.get(columns.licence))
        parts = _parts(row.values, columns)
    except ValueError as error:
        return [broken_row("list", file, row.line, str(error))]
    return [Mention(uri=uri, span=span, label=label, licence=licence) for span, label in parts]


def _place(value: object, columns: Columns, root: Path) -> str:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} in column {columns.path!r}, expected a path or URL")
    if columns.holds_ids:
        if not is_youtube_id(value or ""):
            raise ValueError(
                f"{value!r} in column {columns.path!r} is no YouTube id; name a column of paths: path=COLUMN"
            )
        return f"youtube:{value}"
    return locate(value or "", root)


def _parts(values: dict[str, Any], columns: Columns) -> list[tuple[tuple[float, float | None] | None, str]]:
    label, spans = values.get(columns.label), values.get(columns.spans)
    if not _is_list(spans):
        return [(parse_span(values.get(columns.start), values.get(columns.end)), clean_text(label))]
    parsed = parse_spans(spans)
    labels = parse_texts(label) if _is_list(label) else [label] * len(parsed)
    if len(labels) != len(parsed):
        raise ValueError(f"{len(labels)} labels for {len(parsed)} parts")
    return [(span, clean_text(text)) for span, text in zip(parsed, labels, strict=True)]


def _is_list(value: object) -> bool:
    """Return whether a cell holds a list; a column called timestamp may as well hold the day of an upload."""
    return isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("["))


def _text_mentions(path: Path, root: Path) -> Iterator[Mention]:
    for line, text, fault in read_lines(path):
        if not fault and (not text.strip() or text.lstrip().startswith("#")):
            continue
        try:
            if fault:
                raise ValueError(fault)
            yield Mention(uri=locate(text, root))
        except ValueError as error:
            yield broken_row("list", path, line, str(error))


def _usual(known: tuple[str, ...], names: tuple[str, ...]) -> str:
    by_plain = {_plain(name): name for name in reversed(names)}
    return next((by_plain[name] for name in known if name in by_plain), "")


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c not in " _-")

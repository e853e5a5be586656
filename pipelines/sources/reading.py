"""From specifications to entries: everything is checked and read once, sorted on disk, and streamed.

Mistakes of all specifications are reported together, before anything long begins. Reading costs one pass over each list
and folder; the entries come afterwards, one at a time, in an order that depends on the names alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.records import Entry, Refusal
from densewalk.pipelines.sources.folders import path_mentions
from densewalk.pipelines.sources.gather import Gathering, first_mentions
from densewalk.pipelines.sources.instants import parse_span
from densewalk.pipelines.sources.kinetics import kinetics_mentions
from densewalk.pipelines.sources.lists import list_mentions
from densewalk.pipelines.sources.locate import locate
from densewalk.pipelines.sources.mention import Mention, clean_text
from densewalk.pipelines.sources.objects import object_mentions
from densewalk.pipelines.sources.spec import SourceSpec
from densewalk.pipelines.sources.youtube import youtube8m_mentions, youtube_mentions

__all__ = ["read_entries"]

_USUAL_STORAGE = StorageConfig()
_Result = TypeVar("_Result")


def read_entries(specs: Sequence[str], storage: StorageConfig = _USUAL_STORAGE) -> Iterator[Entry]:
    """Return the entries of all specifications: those of the first by name, then what the second adds, and so on.

    A video that is named again, by any of them, is one entry that unites what was said of it. Lists are read, folders
    walked and object stores listed (reached as `storage` says) before this returns; raises `ConfigError` with every
    mistake of every specification, and `DataError` when the disk has no room to sort on.
    """
    problems: list[str] = []
    parsed = [spec for text in specs if (spec := _tried(problems, SourceSpec.parse, text))]
    opened = [(spec, found) for spec in parsed if (found := _tried(problems, _mentions, spec, storage))]
    require(not specs and "no sources; name at least one file, folder, list or URL (sources=[...])", *problems)
    gathering = Gathering()
    for number, (spec, mentions) in enumerate(opened):
        wanted = _completed(spec, mentions)
        if spec.limit is not None:
            wanted = first_mentions(wanted, spec.limit)
        if _tried(problems, gathering.add, number, wanted) == 0:
            problems.append(f"{spec}: no video in it")
    require(*problems)
    return map(_nameable, gathering.entries())


def _nameable(entry: Entry) -> Entry:
    """Refuse a name that no table can hold, under an escaped one."""
    if entry.uri.isprintable():
        return entry
    refusal = Refusal(
        outcome="failed",
        reason="name not readable",
        detail="expected a name in UTF-8 without control characters",
    )
    return replace(entry, uri=ascii(entry.uri), refusal=refusal)


def _url_mentions(spec: SourceSpec) -> Iterator[Mention]:
    try:
        return iter([Mention(uri=locate(spec.subject, spec.path.parent))])
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _path_mentions(spec: SourceSpec) -> Iterator[Mention]:
    return path_mentions(spec.path)


_READERS: Mapping[str, Callable[[SourceSpec], Iterator[Mention]]] = {
    "path": _path_mentions,
    "list": list_mentions,
    "kinetics": kinetics_mentions,
    "youtube": youtube_mentions,
    "yt8m": youtube8m_mentions,
    "http": _url_mentions,
    "https": _url_mentions,
}


def _mentions(spec: SourceSpec, storage: StorageConfig) -> Iterator[Mention]:
    reader = _READERS.get(spec.kind)
    return object_mentions(spec, storage) if reader is None else reader(spec)


def _completed(spec: SourceSpec, mentions: Iterator[Mention]) -> Iterator[Mention]:
    """Fill in what rows do not say and the specification does."""
    licence = clean_text(spec.option("licence"))
    label = "" if spec.has_columns else clean_text(spec.option("label"))
    span = None if spec.has_columns else parse_span(spec.option("start"), spec.option("end"))
    if not (licence or label or span):
        return mentions
    return (replace(m, licence=m.licence or licence, label=m.label or label, span=m.span or span) for m in mentions)


def _tried(problems: list[str], call: Callable[..., _Result], *arguments: object) -> _Result | None:
    """Return what a call returns; a mistake of the user goes to `problems`."""
    try:
        return call(*arguments)
    except (ConfigError, DataError, OSError) as error:
        problems.append(str(error))
        return None

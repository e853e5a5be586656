"""`youtube:` and `yt8m:`: ids of videos on YouTube, one or a file of them.

YouTube-8M names its videos by four letters and digits that stand for an id; they become `yt8m:abcd` and are resolved
when the video is fetched. Its ids come as text, as one JSON object {id: [labels]}, or as the published TFRecord files;
all three are read piece by piece.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.lines import read_lines
from densewalk.pipelines.sources.locate import is_youtube8m_id, youtube_id_of
from densewalk.pipelines.sources.mention import Mention, broken_row, clean_text
from densewalk.pipelines.sources.spec import SourceSpec
from densewalk.pipelines.sources.tfrecord import Example, read_examples

__all__ = ["youtube8m_mentions", "youtube_mentions"]

_CHUNK = 1 << 20
_MAX_VALUE = 16 << 20
_DECODER = json.JSONDecoder()


def youtube_mentions(spec: SourceSpec) -> Iterator[Mention]:
    """Return a mention for an id or URL, or for each line of a text file of them.

    Raises `ConfigError` at once on what is neither an id nor a text file.
    """
    if found := youtube_id_of(spec.subject):
        return iter([Mention(uri=f"youtube:{found}")])
    if not spec.path.is_file():
        raise ConfigError(f"{spec}: neither a YouTube id (11 letters, digits, _ and -) nor a file")
    if spec.path.suffix.lower() != ".txt":
        raise ConfigError(f"{spec}: expected a .txt file of ids or URLs; for a table say list:{spec.subject}")
    return _mentions("youtube", spec.path, _text_ids(spec.path))


def youtube8m_mentions(spec: SourceSpec) -> Iterator[Mention]:
    """Return a mention for each id of a YouTube-8M list; raises `ConfigError` at once when there is none."""
    readers = {".txt": _text_ids, ".json": _json_ids, ".tfrecord": read_examples}
    if not spec.path.is_file():
        raise ConfigError(f"{spec}: no file {spec.path}")
    if spec.path.suffix.lower() not in readers:
        raise ConfigError(
            f"{spec}: cannot read {spec.path.suffix or 'a file without ending'}; expected {', '.join(readers)}"
        )
    return _mentions("yt8m", spec.path, readers[spec.path.suffix.lower()](spec.path))


def _mentions(kind: str, path: Path, examples: Iterator[Example]) -> Iterator[Mention]:
    for number, text, label, fault in examples:
        if fault:
            yield broken_row(kind, path, number, fault)
        elif found := youtube_id_of(text):
            yield Mention(uri=f"youtube:{found}", label=label)
        elif kind == "yt8m" and is_youtube8m_id(text):
            yield Mention(uri=f"yt8m:{text}", label=label)
        else:
            yield broken_row(
                kind, path, number, f"{text[:80]!r} is no {'YouTube-8M' if kind == 'yt8m' else 'YouTube'} id"
            )


def _text_ids(path: Path) -> Iterator[Example]:
    for number, text, fault in read_lines(path):
        if fault or (text.strip() and not text.lstrip().startswith("#")):
            yield number, text.strip(), "", fault


def _json_ids(path: Path) -> Iterator[Example]:
    """Yield the pairs of one JSON object as they come."""
    number = 0
    try:
        for number, (name, value) in enumerate(_json_pairs(path), 1):
            yield number, name, *_label(value)
    except (ValueError, RecursionError) as error:
        yield number + 1, "", "", f"not a JSON object of id: [labels]; nothing behind entry {number} is read: {error}"


def _label(value: object) -> tuple[str, str]:
    try:
        labels = value if isinstance(value, list) else [value]
        return ",".join(map(clean_text, labels)), ""
    except ValueError as error:
        return "", str(error)


def _json_pairs(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        text = _JsonText(file)
        text.expect("{")
        while text.next_mark() != "}":
            if not isinstance(name := text.value(), str):
                raise ValueError(f"expected an id, found {str(name)[:20]}")
            text.expect(":")
            yield name, text.value()
            if text.next_mark() != "}":
                text.expect(",")
        text.expect("}")
        if text.next_mark():
            raise ValueError(f"{text.next_mark()!r} behind the object")


class _JsonText:
    """A window on a JSON file of any size, which holds no more than one value of it and 1 MiB."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0

    def next_mark(self) -> str:
        """Return the next letter that is no blank, without taking it; empty at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place].isspace():
                self._place += 1
            if self._place < len(self._text) or not self._fill():
                return self._text[self._place : self._place + 1]

    def expect(self, mark: str) -> None:
        """Take a letter; raises `ValueError` when another is there."""
        if (found := self.next_mark()) != mark:
            raise ValueError(f"expected {mark!r}, found {found!r}")
        self._place += 1

    def value(self) -> Any:
        """Take a value; raises `ValueError` when there is none."""
        self.next_mark()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError:
                if len(self._text) - self._place > _MAX_VALUE or not self._fill():
                    raise
                continue
            # A number may go on behind the window.
            if end < len(self._text) or not self._fill():
                self._place = end
                return value

    def _fill(self) -> bool:
        more = self._file.read(_CHUNK)
        if more:
            self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)

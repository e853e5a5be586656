"""`kinetics:CSV@videos=DIR`: the Kinetics annotations, and which of their clips are there.

The CSVs of Kinetics-400, 600, 700 and 700-2020 have the columns youtube_id, time_start, time_end and mostly label,
split and is_cc (tests came without labels). Files are looked for by name anywhere below the folder, so that the layout
of the CVDF archives (`train/<id>_<start>_<end>.mp4`, seconds in six digits) and folders by class both serve; a file
below a folder of the row's split goes first. A whole video named `<id>.mp4` serves too, with the row's times as the
part that is wanted.

Files below `replacement_for_corrupted_k400`, or below `replacement=DIR`, go before their originals, which are damaged.
A clip without a file becomes an entry refused as absent, under the path at which its file would lie.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.records import Refusal
from densewalk.pipelines.scratch_tables import ScratchTables, scratch_faults
from densewalk.pipelines.sources.folders import walk_files
from densewalk.pipelines.sources.instants import parse_span
from densewalk.pipelines.sources.lines import read_records
from densewalk.pipelines.sources.locate import is_youtube_id
from densewalk.pipelines.sources.mention import Mention, broken_row, clean_text
from densewalk.pipelines.sources.spec import SourceSpec

__all__ = ["REPLACEMENT", "Annotations", "Match", "PresentFiles", "kinetics_mentions"]

REPLACEMENT = "replacement_for_corrupted_k400"
"""Folder of the archive that replaces damaged files."""
_SCHEMA = "CREATE TABLE file (name TEXT, replacement INT, split TEXT, path BLOB, used INT DEFAULT 0)"
_NEEDED = ("youtube_id", "time_start", "time_end")
_SPLITS = {
    "train": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "valid": "val",
    "test": "test",
    "holdout_test": "holdout_test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An annotation and what was found of it."""

    status: Literal["present", "replaced", "absent", "broken"]
    clip: str = ""
    """`<youtube id>_<start>_<end>`; empty for a broken row."""
    split: str = ""
    """`train`, `val` or `test`; empty when the row does not say."""
    mention: Mention


def kinetics_mentions(spec: SourceSpec) -> Iterator[Mention]:
    """Return a mention for each annotation; raises `ConfigError` at once like `Annotations`."""
    return (match.mention for match in Annotations(spec).matches())


class Annotations:
    """A list of annotations and the files that there are of them.

    Raises `ConfigError` when the CSV or a folder is absent or a column is missing.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._path = spec.path
        folders = {name: _folder(spec, name) for name in ("videos", "replacement")}
        require(
            not spec.path.is_file() and f"{spec}: no file {spec.path}",
            *(f"{spec}: no folder {folder}" for folder in folders.values() if folder and not folder.is_dir()),
        )
        self._videos, self._replacement = folders["videos"] or Path(), folders["replacement"]
        _, header, fault = next(read_records(spec.path, ","), (1, [], "empty file"))
        self._columns = {name.strip(): place for place, name in enumerate(header)}
        if any(name not in self._columns for name in _NEEDED):
            found = fault or f"columns {', '.join(self._columns)}"
            raise ConfigError(f"{spec}: {found}; expected {', '.join(_NEEDED)} and perhaps label, split, is_cc")

    @cached_property
    def files(self) -> "PresentFiles":
        """The video files below the folders."""
        return PresentFiles(self._videos, self._replacement)

    def matches(self) -> Iterator[Match]:
        """Yield what was found of each annotation."""
        records = read_records(self._path, ",")
        next(records)
        for line, cells, fault in records:
            try:
                if fault:
                    raise ValueError(fault)
                yield _match({name: cells[place] for name, place in self._columns.items()}, self.files)
            except ValueError as error:
                yield Match(status="broken", mention=broken_row("kinetics", self._path, line, str(error)))


class PresentFiles(ScratchTables):
    """The video files below the folders, by name; on disk, so that memory does not grow with them."""

    def __init__(self, videos: Path, replacement: Path | None) -> None:
        self._videos = videos
        with scratch_faults():
            super().__init__(None, _SCHEMA)
            for folder in (videos, *([replacement] if replacement else [])):
                rows = (self._row(folder, mention.uri, folder == replacement) for mention in _videos(folder))
                self.tables.executemany("INSERT INTO file (name, replacement, split, path) VALUES (?, ?, ?, ?)", rows)
            self.tables.execute("CREATE INDEX by_name ON file (name)")

    def find(self, clip: str, youtube_id: str, split: str) -> tuple[str, bool, bool] | None:
        """Return path, whether it is trimmed, and whether it is a replacement; None when there is no file.

        Every file of the clip's own name counts as used from now on, and so does the whole video.
        """
        found = self.tables.execute(
            "SELECT path, name = ?1 OR replacement, replacement FROM file WHERE name IN (?1, ?2) "
            "ORDER BY replacement DESC, name = ?1 DESC, split = ?3 DESC, path LIMIT 1",
            (clip, youtube_id, split),
        ).fetchone()
        if found is None:
            return None
        self.tables.execute("UPDATE file SET used = 1 WHERE name IN (?, ?)", (clip, youtube_id))
        return found[0].decode(errors="surrogateescape"), bool(found[1]), bool(found[2])

    def expected(self, clip: str, split: str) -> str:
        """Return where the file of a clip would lie in the CVDF layout."""
        return str(self._videos / split / f"{clip}.mp4")

    def extra(self) -> dict[str, int]:
        """Return how many files below each split's folder (empty: below none) no annotation has used.

        Replacements do not count: one archive of them serves all splits.
        """
        rows = self.tables.execute("SELECT split, COUNT(*) FROM file WHERE NOT used AND NOT replacement GROUP BY split")
        return dict(sorted(rows))

    def _row(self, folder: Path, uri: str, is_replacement: bool) -> tuple[str, bool, str, bytes]:
        path = Path(uri)
        parts = path.relative_to(folder).parts[:-1]
        split = next((_SPLITS[part] for part in parts if part in _SPLITS), _SPLITS.get(folder.name, ""))
        name = path.stem.encode(errors="replace").decode()
        return name, is_replacement or REPLACEMENT in parts, split, uri.encode(errors="surrogateescape")


def _videos(folder: Path) -> Iterator[Mention]:
    return (mention for mention in walk_files(folder) if mention.refusal is None)


def _folder(spec: SourceSpec, option: str) -> Path | None:
    return Path(os.path.abspath(text)) if (text := spec.option(option)) else None  # noqa: PTH100


def _match(row: dict[str, str], files: PresentFiles) -> Match:
    name = row["youtube_id"].strip()
    span = parse_span(row["time_start"], row["time_end"])
    if not is_youtube_id(name):
        raise ValueError(f"{name!r} is no YouTube id of 11 letters, digits, _ and -")
    if span is None or span[1] is None:
        raise ValueError("no time_end")
    clip = f"{name}_{int(span[0]):06d}_{int(span[1]):06d}"
    label, split = clean_text(row.get("label", "")), row.get("split", "").strip()
    split = _SPLITS.get(split, clean_text(split))
    found = files.find(clip, name, split)
    if found is None:
        refusal = Refusal(outcome="failed", reason="absent", detail=f"no file of {clip}, nor of the whole video")
        mention = Mention(uri=files.expected(clip, split), label=label, refusal=refusal)
        return Match(status="absent", clip=clip, split=split, mention=mention)
    path, is_trimmed, is_replacement = found
    mention = Mention(uri=path, label=label, span=None if is_trimmed else span)
    return Match(status="replaced" if is_replacement else "present", clip=clip, split=split, mention=mention)

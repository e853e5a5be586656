"""How a subject is named on the command line, and what the name stands for.

    runs/first                           a run, its newest checkpoint; or one of its checkpoints
    rgb, zero-motion, dis-flow           baselines without parameters
    random:resnet18                      an architecture with fresh weights
    dino:vits16.pth, crw:crw.pth, ...    weights of other projects in their own layout
    gmrw:gmrw.pth, gmflow:gmflow.pth     released matchers
    masks:results/davis                  finished masks

Settings of an encoder follow an @ and are joined by +: `moco:r50.pth@stages=4+dilate=true`, `dino:vits8.pth@layer=11`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from densewalk.datasets.errors import BenchmarkError, known_name
from densewalk.ssl.encoders.named import ARCHITECTURES, Layout

__all__ = ["WORDS", "Released", "SubjectName", "parse_subject"]

Word = Literal["rgb", "zero-motion", "dis-flow"]
Released = Literal["gmrw", "gmflow"]
WORDS: tuple[Word, ...] = get_args(Word)
"""Subjects that a word names."""
_RELEASED: tuple[Released, ...] = get_args(Released)
_LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_SETTINGS = re.compile(r"(?P<rest>.+)@(?P<settings>\w+=[^@]*)")

Kind = Literal["run", "word", "random", "masks"] | Released | Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectName:
    """A subject's name, taken apart."""

    kind: Kind
    value: str
    """Folder, file, word or architecture."""
    settings: tuple[str, ...] = ()
    """Settings (`field=value`) of an encoder."""

    @property
    def path(self) -> Path:
        """The folder or file."""
        return Path(self.value)

    @property
    def is_run(self) -> bool:
        """Whether it is a run or a checkpoint of densewalk."""
        return self.kind == "run"

    @property
    def title(self) -> str:
        """A short name for tables: without the folders of a file, with the settings."""
        settings = f"@{'+'.join(self.settings)}" if self.settings else ""
        if self.kind in ("run", "word"):
            return self.path.name if self.kind == "run" else self.value
        return f"{self.kind}:{self.value if self.kind == 'random' else self.path.name}{settings}"


def parse_subject(text: str) -> SubjectName:
    """Return what a subject's name stands for; a folder that exists is a run whatever its name reads like.

    Raises `ConfigError` on an unknown architecture or on settings of what has none, and `BenchmarkError` when the name
    is of no kind and no such folder exists.
    """
    if Path(text).is_dir():
        return SubjectName(kind="run", value=text)
    if text in WORDS:
        return SubjectName(kind="word", value=text)
    kind, _, rest = text.partition(":")
    found = _SETTINGS.fullmatch(rest)
    value, settings = (found["rest"], tuple(found["settings"].split("+"))) if found else (rest, ())
    if kind == "random" and value:
        known_name(value, ARCHITECTURES, "architecture")
        return SubjectName(kind="random", value=value, settings=settings)
    for layout in _LAYOUTS:
        if kind == layout and value:
            return SubjectName(kind=layout, value=value, settings=settings)
    for released in _RELEASED:
        if kind == released and rest:
            return SubjectName(kind=released, value=rest)
    if kind == "masks" and rest:
        return SubjectName(kind="masks", value=rest)
    raise BenchmarkError(f"no run at {text}; expected a folder made by densewalk pretrain, or one of {_others()}")


def _others() -> str:
    files = [f"{kind}:FILE" for kind in (*_RELEASED, *_LAYOUTS)]
    return ", ".join([*WORDS, "random:ARCHITECTURE", *files, "masks:FOLDER"])

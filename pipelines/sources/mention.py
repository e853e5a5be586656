"""One row of a source specification: a video it names, or why a row names none.

Every row of every list becomes exactly one mention (a row that lists several parts becomes one per part, all of the
same video), so that the books balance. `gather.py` turns mentions into entries.
"""

from dataclasses import dataclass
from pathlib import Path

from densewalk.pipelines.records import Refusal

__all__ = ["Mention", "broken_row", "clean_text"]


_BLANKS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")
"""Control characters; marks of joining and direction belong to the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A video as one row of one specification names it."""

    uri: str
    span: tuple[float, float | None] | None = None
    """Seconds of the part that is wanted, end None for the rest of the video; None for the whole video."""
    label: str = ""
    """Of the part, or of the video when it is wanted whole."""
    licence: str = ""
    refusal: Refusal | None = None


def broken_row(kind: str, file: Path, line: int, detail: str) -> Mention:
    """Return the mention that stands for a row of `file` that cannot be read; lines count from 1."""
    text = f"{file.name} line {line}: {detail}"
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    refusal = Refusal(outcome="failed", reason="broken row", detail=printable)
    return Mention(uri=f"{kind}:{file}#{line}", refusal=refusal)


def clean_text(value: object) -> str:
    """Return a label or licence on one line, control characters as blanks; nothing gives an empty text.

    Raises `ValueError` on what is no text, such as a list or half a surrogate pair.
    """
    if value is None or value != value:  # noqa: PLR0124 - pandas and Parquet write NaN for nothing
        return ""
    if not isinstance(value, str | int | float):
        raise ValueError(f"a {type(value).__name__} where a text was expected")
    text = " ".join(str(value).translate(_BLANKS).split())
    text.encode()  # raises UnicodeEncodeError, a ValueError
    return text

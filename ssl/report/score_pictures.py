"""Pictures that a benchmark left beside its scores, put into a page as far as its budget reaches.

A page is one file that people send to each other, so it says what it leaves out rather than grow without bound.
"""

from pathlib import Path

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Block, Chart, Note, Picture

__all__ = ["PictureBudget", "score_pictures"]

_MEGABYTE = 1_000_000


class PictureBudget:
    """Bytes of picture files that a page may still take, and that one file may have."""

    def __init__(self, *, page_bytes: int = 12 * _MEGABYTE, file_bytes: int = 4 * _MEGABYTE) -> None:
        self.left_bytes, self.file_bytes = page_bytes, file_bytes

    def takes(self, size_bytes: int) -> bool:
        """Return whether a file still fits, and count it when it does."""
        fits = size_bytes <= min(self.left_bytes, self.file_bytes)
        self.left_bytes -= size_bytes * fits
        return fits


def score_pictures(scores: Scores, folder: Path, budget: PictureBudget) -> list[Block]:
    """Return the pictures of one subject's scores, `folder` being that of the file of scores, in the order made.

    What does not fit, is not there or is no picture is named in a note. Raises `BenchmarkError` on a path that leads
    out of `folder`.
    """
    blocks: list[Block] = []
    too_large, unreadable = [], []
    for caption, place in scores.pictures.items():
        path = folder / place
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BenchmarkError(
                f"scores of {scores.subject} on {scores.name} in {folder} name a picture outside: {place}"
            )
        try:
            if budget.takes(path.stat().st_size):
                blocks.append(_block(path.read_bytes(), caption))
            else:
                too_large.append(f"{place} ({path.stat().st_size / _MEGABYTE:.1f} MB)")
        except FileNotFoundError:
            unreadable.append(f"{place} is missing")
        except ValueError as error:
            unreadable.append(f"{place}: {error}")
    if too_large:
        blocks.append(Note(text=f"Left out to keep this page small: {', '.join(too_large)}; see `{folder}`."))
    if unreadable:
        text = f"Not shown: {', '.join(unreadable)}; measure again with `densewalk evaluate`."
        blocks.append(Note(text=text, tone="warning"))
    return blocks


def _block(content: bytes, caption: str) -> Block:
    if content[:4] == b"<svg":
        return Chart(svg=content.decode(), caption=caption)
    return Picture(content=content, alt=caption, caption=caption)

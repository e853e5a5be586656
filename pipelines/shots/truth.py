"""What is known of the shots of real videos, read from files that people wrote.

A truth file is JSON, a file name -> what is known of it:

* `hard_cuts`: first frames of new shots; cuts of files without it are not judged;
* `ambiguous`: frames where a cut counts neither for nor against;
* lists whose name begins with `gradual`: [start, end, kind] of gradual transitions, bounds known to six frames;
* `fade_table`: text such as "OUT 185, IN 217": black from one frame to the other, between two fades;
* names that begin with `fades_from_repo` or `upstream_test_expectation`: scenes' starts in the middle of a fade, of
  which the first is that of the file; not read beside a `fade_table`.

The last two list fades through black and nothing else, so other transitions count neither way beside them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import DataError
from densewalk.pipelines.records import Interval

__all__ = ["SLACK_FRAMES", "Truth", "read_truth"]

SLACK_FRAMES = 6
"""How well the bounds of gradual transitions are known."""
_SCENE_STARTS = ("fades_from_repo", "upstream_test_expectation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is known of a video's shots."""

    hard_cuts: tuple[int, ...] | None = None
    """None: not known."""
    ambiguous: tuple[int, ...] = ()
    gradual: tuple[Interval, ...] = ()
    """Frame intervals of gradual transitions, bounds known to six frames."""
    all_gradual: bool = True
    """Whether these are all and whole; otherwise they are parts of some."""


def read_truth(path: Path) -> dict[str, Truth]:
    """Read a truth file; raises `DataError` when it is not one."""
    try:
        content = json.loads(path.read_text())
        truths = {name: _truth(entry) for name, entry in content.items() if name != "convention"}
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise DataError(f"cannot read known cuts from {path}: {error!r}; expected file name -> hard_cuts") from error
    return {name: truth for name, truth in truths.items() if truth.hard_cuts is not None or truth.gradual}


def _truth(entry: Mapping[str, Any]) -> Truth:
    gradual = [(i[0], i[1]) for name, intervals in entry.items() if name.startswith("gradual") for i in intervals]
    starts = [frame for name, frames in entry.items() if name.startswith(_SCENE_STARTS) for frame in frames[1:]]
    fades = _between_fades(entry["fade_table"]) if "fade_table" in entry else [(frame, frame + 1) for frame in starts]
    cuts = entry.get("hard_cuts")
    return Truth(
        hard_cuts=None if cuts is None else tuple(map(int, cuts)),
        ambiguous=tuple(map(int, entry.get("ambiguous", ()))),
        gradual=tuple((int(start), int(end)) for start, end in [*gradual, *fades]),
        all_gradual=not fades,
    )


def _between_fades(table: str) -> list[Interval]:
    """Return the black parts, each from the end of a fade out to the beginning of a fade in."""
    marks = [(kind, int(frame)) for kind, frame in re.findall(r"(IN|OUT) (\d+)", table)]
    return [(a, b) for (out, a), (into, b) in pairwise(marks) if (out, into) == ("OUT", "IN")]

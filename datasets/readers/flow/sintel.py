"""MPI Sintel (Butler et al. 2012): 23 training sequences, 1,041 pairs of 1024 x 436, rendered clean or final.

Occlusion maps are read where the folder of them is there; a pixel is hidden where its map says so or its flow leaves
the image, the rule of GMFlow's scores of matched and unmatched pixels. The maps `invalid` are not read: public scores
count all pixels.
"""

from functools import partial
from itertools import pairwise
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.flow.flow_files import read_flo
from densewalk.datasets.readers.flow.pairs import (
    FlowPairs,
    FlowSet,
    PairFiles,
    TrueFlow,
    leaves_image,
    of_one_size,
    require_pairs,
)
from densewalk.datasets.readers.image_files import read_plane
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["SINTEL_CLEAN", "SINTEL_FINAL"]


def _origin(rendering: str) -> Origin:
    return Origin(
        name="MPI Sintel",
        site="sintel.is.tue.mpg.de",
        licence="the film is CC BY 3.0",
        layout=(
            f"training/{rendering}/<alley_1>/frame_<0001>.png",
            "training/flow/<alley_1>/frame_<0001>.flo",
            "training/occlusions/<alley_1>/frame_<0001>.png (scores of matched and unmatched pixels)",
        ),
    )


def _open(root: Path, split: str, *, rendering: str) -> FlowPairs:
    origin = _origin(rendering)
    require_files(origin, root, [])
    training = root / split
    frames = sorted((training / rendering).glob("*/frame_[0-9][0-9][0-9][0-9].png"))
    with_occlusions = (training / "occlusions").is_dir()
    pairs = []
    for first, second in pairwise(frames):
        if first.parent == second.parent:
            place = f"{first.parent.name}/{first.stem}"
            _check_neighbours(first, second)
            flow, hidden = training / "flow" / f"{place}.flo", training / "occlusions" / f"{place}.png"
            hidden_or_none = hidden if with_occlusions else None
            pairs.append(PairFiles(name=place, first=first, second=second, flow=flow, hidden=hidden_or_none))
    require_pairs(origin, root, pairs, absent=f"no frames in {training / rendering}")
    return FlowPairs(f"{split}, {rendering}", pairs, _truth)


def _check_neighbours(first: Path, second: Path) -> None:
    numbers = [int(path.stem.removeprefix("frame_")) for path in (first, second)]
    if numbers[1] != numbers[0] + 1:
        raise DataError(f"{first.parent} has no frame between {first.name} and {second.name}; expected every number")


def _truth(files: PairFiles) -> TrueFlow:
    flow_2HW, known_HW = read_flo(files.flow)
    hidden_HW = None
    if files.hidden is not None:
        covered_HW = of_one_size(read_plane(files.hidden), known_HW, files.hidden) >= 128
        hidden_HW = covered_HW | leaves_image(flow_2HW)
    return TrueFlow(flow_2HW=flow_2HW, known_HW=known_HW, hidden_HW=hidden_HW)


def _set(rendering: str) -> FlowSet:
    return FlowSet(origin=_origin(rendering), splits=("training",), open=partial(_open, rendering=rendering))


SINTEL_CLEAN, SINTEL_FINAL = _set("clean"), _set("final")
"""Sintel's two renderings; only the training part has public flow."""

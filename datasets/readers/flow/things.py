"""FlyingThings3D (Mayer et al. 2016), clean pass, left camera, both directions of time: the pairs RAFT and GMFlow use.

The full set has sequences of numbered frames; the subset made for DispNet and FlowNet2 numbers its images through and
tells which pixels are occluded. A frame at the end of a sequence has a flow to where no frame is stored: no pair. The
order is that of public code, all pairs into the future and then all into the past.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.flow.flow_files import read_flow_file
from densewalk.datasets.readers.flow.pairs import FlowPairs, FlowSet, PairFiles, TrueFlow, of_one_size, require_pairs
from densewalk.datasets.readers.image_files import read_plane
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["THINGS"]

_ORIGIN = Origin(
    name="FlyingThings3D",
    site="lmb.informatik.uni-freiburg.de/resources/datasets/SceneFlowDatasets.en.html",
    licence="research only",
    layout=(
        "frames_cleanpass/TEST/<A>/<0000>/left/<0006>.png (or .webp)",
        "optical_flow/TEST/<A>/<0000>/into_future/left/OpticalFlowIntoFuture_<0006>_L.pfm",
        "optical_flow/TEST/<A>/<0000>/into_past/left/OpticalFlowIntoPast_<0007>_L.pfm",
        "or of the subset: val/image_clean/left/<0000000>.png",
        "val/flow/left/into_future/<0000000>.flo (and into_past)",
        "val/flow_occlusions/left/into_future/<0000000>.png (scores of matched and unmatched pixels)",
    ),
)
_FULL_SPLITS = {"validation": "TEST", "training": "TRAIN"}
_SUBSET_SPLITS = {"validation": "val", "training": "train"}
_STEPS = {"into_future": 1, "into_past": -1}
_FILE_NAMES = {"into_future": "OpticalFlowIntoFuture", "into_past": "OpticalFlowIntoPast"}
_IMAGE_ENDINGS = (".png", ".webp")


def _open(root: Path, split: str) -> FlowPairs:
    require_files(_ORIGIN, root, [])
    subset = root / _SUBSET_SPLITS[split]
    is_subset = (subset / "image_clean").is_dir()
    pairs = list(_subset_pairs(subset) if is_subset else _full_pairs(root, _FULL_SPLITS[split]))
    require_pairs(_ORIGIN, root, pairs, absent=f"no pair of the {split} split in {root}")
    return FlowPairs(f"{split} of the {'subset' if is_subset else 'full set'}, clean, left", pairs, _truth)


def _full_pairs(root: Path, split: str) -> Iterator[PairFiles]:
    sequences = sorted((root / "frames_cleanpass" / split).glob("*/*/left"))
    frames = {folder: _numbered_frames(folder) for folder in sequences}
    for direction, step in _STEPS.items():
        for folder in sequences:
            place = folder.parent.relative_to(root / "frames_cleanpass")
            flows = root / "optical_flow" / place / direction / "left"
            for number, first in frames[folder].items():
                if number + step in frames[folder]:
                    name = f"{_FILE_NAMES[direction]}_{first.stem}_L"
                    second = frames[folder][number + step]
                    yield PairFiles(name=f"{place}/{name}", first=first, second=second, flow=flows / f"{name}.pfm")


def _numbered_frames(folder: Path) -> dict[int, Path]:
    images = [path for path in sorted(folder.iterdir()) if path.suffix in _IMAGE_ENDINGS and path.stem.isdecimal()]
    frames = {int(path.stem): path for path in images}
    gap = next(((a, b) for a, b in pairwise(frames) if b != a + 1), None)
    if gap is not None:
        raise DataError(f"{_ORIGIN.name}: {folder} lacks the frames between {gap[0]:04d} and {gap[1]:04d}")
    return frames


def _subset_pairs(root: Path) -> Iterator[PairFiles]:
    images, occlusions = root / "image_clean" / "left", root / "flow_occlusions" / "left"
    for direction, step in _STEPS.items():
        for flow in sorted((root / "flow" / "left" / direction).glob("[0-9]*.flo")):
            yield PairFiles(
                name=f"{direction}/{flow.stem}",
                first=images / f"{flow.stem}.png",
                second=images / f"{int(flow.stem) + step:07d}.png",
                flow=flow,
                hidden=occlusions / direction / f"{flow.stem}.png" if occlusions.is_dir() else None,
            )


def _truth(files: PairFiles) -> TrueFlow:
    flow_2HW, known_HW = read_flow_file(files.flow)
    hidden_HW = None if files.hidden is None else of_one_size(read_plane(files.hidden), known_HW, files.hidden) > 0
    return TrueFlow(flow_2HW=flow_2HW, known_HW=known_HW, hidden_HW=hidden_HW)


THINGS = FlowSet(origin=_ORIGIN, splits=("validation", "training"), open=_open)
"""FlyingThings3D; `validation` is its TEST part (val of the subset)."""

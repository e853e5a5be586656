"""FlyingChairs (Dosovitskiy et al. 2015): 22,872 pairs of 512 x 384, of which a list makes 640 the validation split.

The release names its files 00001_img1.ppm, 00001_img2.ppm, 00001_flow.flo; the examples that come with FlowNet2 name
them 0000000-img0.ppm, 0000000-img1.ppm, 0000000-gt.flo and are of no split. A few pairs of the release without the list
are of no split either: all of them are taken. The whole release without it is refused, or else training pairs would
be scored.
"""

from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.flow.flow_files import read_flo
from densewalk.datasets.readers.flow.pairs import FlowPairs, FlowSet, PairFiles, TrueFlow, require_pairs
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["CHAIRS"]

_ORIGIN = Origin(
    name="FlyingChairs",
    site="lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html",
    licence="research only",
    layout=(
        "FlyingChairs_train_val.txt (a line a pair: 1 training, 2 validation)",
        "data/<00001>_img1.ppm",
        "data/<00001>_img2.ppm",
        "data/<00001>_flow.flo",
    ),
)
_ENDINGS = (("_img1.ppm", "_img2.ppm", "_flow.flo"), ("-img0.ppm", "-img1.ppm", "-gt.flo"))
_LIST = "FlyingChairs_train_val.txt"
_LIST_NUMBERS = {"training": "1", "validation": "2"}
_PAIRS_OF_RELEASE = 22_872


def _open(root: Path, split: str) -> FlowPairs:
    require_files(_ORIGIN, root, [])
    folder = root / "data" if (root / "data").is_dir() else root
    pairs = _pairs(root, folder)
    lists = [path for path in (root / _LIST, folder.parent / _LIST, folder / _LIST) if path.is_file()]
    if split == "all" or (not lists and len(pairs) < _PAIRS_OF_RELEASE):
        return FlowPairs("all", pairs, _truth)
    require_files(_ORIGIN, root, lists[:1] or [root / _LIST])
    kinds = lists[0].read_text().split()
    if len(kinds) != len(pairs) or not set(kinds) <= set(_LIST_NUMBERS.values()):
        raise DataError(
            f"{lists[0]} has {len(kinds)} entries ({', '.join(sorted(set(kinds))[:4])}) for {len(pairs)} pairs in "
            f"{folder}; expected a 1 or 2 a pair (split=all takes every pair without the list)"
        )
    chosen = [pair for pair, kind in zip(pairs, kinds, strict=True) if kind == _LIST_NUMBERS[split]]
    if not chosen:
        raise DataError(f"{lists[0]} calls no pair in {folder} {split}; split=all takes every pair without the list")
    return FlowPairs(split, chosen, _truth)


def _pairs(root: Path, folder: Path) -> list[PairFiles]:
    names = [path.name for path in folder.iterdir()]
    pairs = []
    for endings in _ENDINGS:
        stems = {name.removesuffix(ending) for name in names for ending in endings if name.endswith(ending)}
        for stem in sorted(stems):
            first, second, flow = (folder / f"{stem}{ending}" for ending in endings)
            pairs.append(PairFiles(name=stem, first=first, second=second, flow=flow))
    require_pairs(_ORIGIN, root, pairs, absent=f"no pair in {folder}")
    return pairs


def _truth(files: PairFiles) -> TrueFlow:
    flow_2HW, known_HW = read_flo(files.flow)
    return TrueFlow(flow_2HW=flow_2HW, known_HW=known_HW)


CHAIRS = FlowSet(origin=_ORIGIN, splits=("validation", "training", "all"), open=_open)
"""FlyingChairs."""

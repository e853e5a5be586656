"""KITTI 2012 (194 pairs) and 2015 (200 pairs): street scenes with sparse flow measured by laser.

`flow_occ` has all measured pixels, `flow_noc` those that stay inside the image: what is in the first alone is hidden.
`obj_map` of 2015 numbers the moving cars from 1 on. Either folder may be absent as a whole, and then the scores that
need it are. The colour images of the left camera are read.
"""

from functools import partial
from pathlib import Path

from densewalk.datasets.readers.flow.flow_files import read_kitti_flow
from densewalk.datasets.readers.flow.pairs import FlowPairs, FlowSet, PairFiles, TrueFlow, of_one_size, require_pairs
from densewalk.datasets.readers.image_files import read_plane
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["KITTI_2012", "KITTI_2015"]

_IMAGES = {2012: "colored_0", 2015: "image_2"}
_PAGES = {2012: "eval_stereo_flow.php", 2015: "eval_scene_flow.php"}


def _origin(year: int) -> Origin:
    return Origin(
        name=f"KITTI {year}",
        site=f"www.cvlibs.net/datasets/kitti/{_PAGES[year]}",
        licence="CC BY-NC-SA 3.0",
        layout=(
            f"training/{_IMAGES[year]}/<000000>_10.png and <000000>_11.png",
            "training/flow_occ/<000000>_10.png",
            "training/flow_noc/<000000>_10.png (scores of matched and unmatched pixels)",
            *(("training/obj_map/<000000>_10.png (Fl-bg, Fl-fg)",) if year == 2015 else ()),
        ),
    )


def _open(root: Path, split: str, *, year: int) -> FlowPairs:
    origin = _origin(year)
    require_files(origin, root, [])
    training = root / split
    images = training / _IMAGES[year]
    names = sorted({path.name for folder in (images, training / "flow_occ") for path in folder.glob("*_10.png")})
    optional = {kind: training / kind if (training / kind).is_dir() else None for kind in ("flow_noc", "obj_map")}
    pairs = [
        PairFiles(
            name=name.removesuffix("_10.png"),
            first=images / name,
            second=images / name.replace("_10.", "_11."),
            flow=training / "flow_occ" / name,
            hidden=optional["flow_noc"] and optional["flow_noc"] / name,
            objects=optional["obj_map"] and optional["obj_map"] / name,
        )
        for name in names
    ]
    require_pairs(origin, root, pairs, absent=f"no pair in {training}")
    return FlowPairs(split, pairs, _truth)


def _truth(files: PairFiles) -> TrueFlow:
    flow_2HW, known_HW = read_kitti_flow(files.flow)
    hidden_HW = object_HW = None
    if files.hidden is not None:
        hidden_HW = known_HW & ~of_one_size(read_kitti_flow(files.hidden)[1], known_HW, files.hidden)
    if files.objects is not None:
        object_HW = of_one_size(read_plane(files.objects), known_HW, files.objects) > 0
    return TrueFlow(flow_2HW=flow_2HW, known_HW=known_HW, hidden_HW=hidden_HW, object_HW=object_HW)


def _set(year: int) -> FlowSet:
    return FlowSet(origin=_origin(year), splits=("training",), open=partial(_open, year=year))


KITTI_2012, KITTI_2015 = _set(2012), _set(2015)
"""KITTI's two flow benchmarks; only the training part has public flow."""

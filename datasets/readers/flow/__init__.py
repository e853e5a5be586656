"""Data sets of optical flow by name; `FLOW_SETS[name].open(root, split)` gives pairs that are read one by one."""

from collections.abc import Mapping

from densewalk.datasets.readers.flow.chairs import CHAIRS
from densewalk.datasets.readers.flow.kitti import KITTI_2012, KITTI_2015
from densewalk.datasets.readers.flow.pairs import FlowSet
from densewalk.datasets.readers.flow.sintel import SINTEL_CLEAN, SINTEL_FINAL
from densewalk.datasets.readers.flow.things import THINGS

FLOW_SETS: Mapping[str, FlowSet] = {
    "chairs": CHAIRS,
    "things": THINGS,
    "sintel-clean": SINTEL_CLEAN,
    "sintel-final": SINTEL_FINAL,
    "kitti2012": KITTI_2012,
    "kitti2015": KITTI_2015,
}

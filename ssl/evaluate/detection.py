"""Detection and instance segmentation on COCO with a frozen network: measured by detectron2, shown here.

Mask R-CNN is trained over the network by the script that `densewalk export` writes (`ssl/export/run_detection.py`),
where detectron2 and its GPUs are; the script leaves scores of this benchmark, which tables and reports read like any
other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.evaluate.kind import BenchmarkKind
from densewalk.ssl.report.table import Column

__all__ = ["KIND", "DetectionConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionConfig:
    """Nothing is set here; the exported script has options of its own."""

    data: Path | None = None
    """COCO 2017, which the script is given too."""


def _elsewhere(config: DetectionConfig) -> NoReturn:
    raise BenchmarkError(
        "coco-detection needs --data only where detectron2 runs: densewalk export SUBJECT --out DIR, then "
        f"python DIR/run_detection.py --data {config.data or 'COCO'} --out SCORES, and densewalk report SCORES; "
        "expected under COCO: train2017/, val2017/, annotations/instances_{train,val}2017.json"
    )


KIND = BenchmarkKind(
    config=DetectionConfig,
    build=_elsewhere,
    reads=frozenset(("features",)),
    columns={
        "box_AP": Column(title="box AP", better="higher"),
        "box_AP50": Column(title="box AP50", better="higher"),
        "box_AP75": Column(title="box AP75", better="higher"),
        "mask_AP": Column(title="mask AP", better="higher"),
        "mask_AP50": Column(title="mask AP50", better="higher"),
        "mask_AP75": Column(title="mask AP75", better="higher"),
    },
    text="Mask R-CNN on COCO over a network that stays frozen, trained and scored by detectron2: average precision of "
    "boxes and of masks (percent).",
)

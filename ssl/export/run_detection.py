"""Train and score Mask R-CNN on COCO over the frozen network beside this file; needs detectron2 and no densewalk.

    python run_detection.py --data COCO --out scores

COCO holds train2017/, val2017/ and annotations/instances_{train,val}2017.json. The network in weights.pth stays as it
is; FPN, RPN and heads learn on detectron2's 1x schedule unless --freeze-fpn says that the FPN is given too. Repeating
the command continues from the last checkpoint. --out gets coco-detection.json, which `densewalk report` shows.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_BASE = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.yaml"
_SPLITS = ("train", "val")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _options(arguments)
    absent = [path for split in _SPLITS for path in _files(options.data, split) if not path.exists()]
    if absent:
        print(f"COCO: absent {', '.join(map(str, absent))}; from cocodataset.org (CC BY 4.0)", file=sys.stderr)  # noqa: T201
        return 2
    try:
        from detectron2.engine import launch
    except ImportError as error:
        print(f"detectron2 does not import ({error}); see its INSTALL.md", file=sys.stderr)  # noqa: T201
        return 2
    launch(_train_and_score, options.gpus, dist_url="auto", args=(options,))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of COCO 2017")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and scores")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs of this machine (default: 1)")
    parser.add_argument("--batch", type=int, default=16, help="images in a step; the rate follows (default: 16)")
    parser.add_argument("--freeze-fpn", action="store_true", help="weights.pth holds the FPN, which stays as it is")
    return parser.parse_args(arguments)


def _files(data: Path, split: str) -> tuple[Path, Path]:
    return data / f"{split}2017", data / "annotations" / f"instances_{split}2017.json"


def _train_and_score(options: argparse.Namespace) -> None:
    """Train from the last checkpoint on and score; runs in every process of a launch."""
    from detectron2.data.datasets import register_coco_instances
    from detectron2.engine import DefaultTrainer
    from detectron2.evaluation import COCOEvaluator
    from detectron2.utils.comm import is_main_process

    for split in _SPLITS:
        images, annotations = _files(options.data, split)
        register_coco_instances(f"densewalk_coco_{split}", {}, str(annotations), str(images))
    settings = _settings(options)
    trainer = DefaultTrainer(settings)
    if options.freeze_fpn:
        for parameter in trainer.model.backbone.parameters():
            parameter.requires_grad = False
    trainer.resume_or_load(resume=True)
    trainer.train()
    evaluator = COCOEvaluator("densewalk_coco_val", output_dir=str(options.out))
    results = DefaultTrainer.test(settings, trainer.model, evaluators=[evaluator])
    if is_main_process():
        _write_scores(results, settings, options)


def _settings(options: argparse.Namespace) -> Any:
    from detectron2 import model_zoo
    from detectron2.config import get_cfg

    settings = get_cfg()
    settings.merge_from_file(model_zoo.get_config_file(_BASE))
    settings.merge_from_file(str(_HERE / "detectron2.yaml"))
    settings.MODEL.WEIGHTS = str(_HERE / "weights.pth")
    settings.DATASETS.TRAIN = ("densewalk_coco_train",)
    settings.DATASETS.TEST = ("densewalk_coco_val",)
    share = options.batch / settings.SOLVER.IMS_PER_BATCH
    settings.SOLVER.IMS_PER_BATCH = options.batch
    settings.SOLVER.BASE_LR *= share
    settings.SOLVER.MAX_ITER = round(settings.SOLVER.MAX_ITER / share)
    settings.SOLVER.STEPS = tuple(round(step / share) for step in settings.SOLVER.STEPS)
    settings.OUTPUT_DIR = str(options.out)
    options.out.mkdir(parents=True, exist_ok=True)
    return settings


def _write_scores(results: dict[str, dict[str, float]], settings: Any, options: argparse.Namespace) -> None:
    card = json.loads((_HERE / "subject.json").read_text())
    scalars = {
        f"{name}_{metric}": results[task][metric]
        for task, name in (("bbox", "box"), ("segm", "mask"))
        for metric in ("AP", "AP50", "AP75")
    }
    protocol = {
        "data": "COCO 2017, train and val",
        "head": _BASE,
        "frozen": "network and FPN" if options.freeze_fpn else "network",
        "iterations": settings.SOLVER.MAX_ITER,
        "batch": settings.SOLVER.IMS_PER_BATCH,
        "lr": settings.SOLVER.BASE_LR,
    }
    weights = hashlib.sha256((_HERE / "weights.pth").read_bytes()).hexdigest()
    scores = {
        "name": "coco-detection",
        "subject": card["title"],
        "headline": "box_AP",
        "scalars": scalars,
        "protocol": protocol,
        "provenance": card["provenance"] | {"weights_sha256": weights, "data": str(options.data)},
    }
    (options.out / "coco-detection.json").write_text(json.dumps([scores], indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())

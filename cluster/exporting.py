"""A subject's network written for the tools of others.

OUT/weights.pth        tensors under detectron2's names
OUT/detectron2.yaml    what detectron2 must know of the network
OUT/run_detection.py   trains and scores Mask R-CNN over it
OUT/subject.json       what was exported, and where it is from
"""

import io
from pathlib import Path

import torch
import yaml

from densewalk.datasets.atomic import write_bytes, write_json, write_text
from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.encoders.resnet import ResNet
from densewalk.ssl.evaluate.subject_name import parse_subject
from densewalk.ssl.evaluate.subjects import load_network
from densewalk.ssl.export import run_detection
from densewalk.ssl.export.detectron2 import detectron2_settings, detectron2_tensors
from densewalk.ssl.versions import versions

__all__ = ["export_for_detectron2"]

_WEIGHTS = "weights.pth"
_RUNNER = "run_detection.py"


def export_for_detectron2(subject: str, out: Path) -> Path:
    """Write a subject's residual network into `out` and return the runner; raises `BenchmarkError` on another kind."""
    network, provenance = load_network(subject)
    encoder = next((module for module in network.modules() if isinstance(module, ResNet)), None)
    if encoder is None:
        raise BenchmarkError(
            f"{subject} holds no residual network, which is what detectron2's Mask R-CNN is built on; "
            "a run of a crw recipe, torchvision:FILE, moco:FILE or crw:FILE does"
        )
    content = io.BytesIO()
    torch.save(detectron2_tensors(encoder), content)
    write_bytes(out / _WEIGHTS, content.getvalue())
    write_text(out / "detectron2.yaml", yaml.safe_dump(detectron2_settings(encoder, _WEIGHTS), sort_keys=False))
    write_text(out / _RUNNER, Path(run_detection.__file__).read_text())
    card = {"title": parse_subject(subject).title, "provenance": provenance | {"exported_with": versions()}}
    write_json(out / "subject.json", card)
    return out / _RUNNER

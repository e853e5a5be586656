"""densewalk export writes a folder that detectron2 can be run on, or says why not."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import yaml
from typer.testing import Result

Run = Callable[..., Result]


def test_a_residual_network_is_exported_with_its_script(tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "detection"
    result = densewalk("export", "random:resnet18@stages=4", "--out", out)
    assert result.exit_code == 0, result.output
    assert str(out / "run_detection.py") in result.stdout
    tensors = torch.load(out / "weights.pth", weights_only=True)
    assert tensors["backbone.bottom_up.res5.1.conv2.weight"].shape == (512, 512, 3, 3)
    assert yaml.safe_load((out / "detectron2.yaml").read_text())["MODEL"]["WEIGHTS"] == "weights.pth"
    card = json.loads((out / "subject.json").read_text())
    assert card["title"] == "random:resnet18@stages=4"
    helped = subprocess.run(
        [sys.executable, str(out / "run_detection.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert "--freeze-fpn" in helped.stdout


def test_what_has_no_residual_network_is_refused(tmp_path: Path, densewalk: Run) -> None:
    for subject, said in (
        ("rgb", "holds no residual network"),
        ("random:resnet18", "ends at layer3"),
        ("rbg", "no run at rbg"),
        (f"masks:{tmp_path}", "holds finished masks"),
    ):
        result = densewalk("export", subject, "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert said in result.stderr

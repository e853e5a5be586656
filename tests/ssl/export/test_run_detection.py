"""The exported script asks detectron2 for what the protocol says; detectron2 itself is played by recorders."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from densewalk.ssl.evaluate.score_files import read_scores
from densewalk.ssl.export import run_detection


class Settings(SimpleNamespace):
    """Settings that remember what was merged into them."""

    def __init__(self) -> None:
        solver = SimpleNamespace(IMS_PER_BATCH=16, BASE_LR=0.02, MAX_ITER=90_000, STEPS=(60_000, 80_000))
        super().__init__(MODEL=SimpleNamespace(), DATASETS=SimpleNamespace(), SOLVER=solver, merged=[])

    def merge_from_file(self, path: str) -> None:
        self.merged.append(path)


class Trainer:
    """A trainer that has a network of one layer under a head of one layer."""

    made: list["Trainer"] = []

    def __init__(self, settings: Settings) -> None:
        self.settings, self.events = settings, []
        self.model = torch.nn.Module()
        self.model.backbone, self.model.head = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
        self.made.append(self)

    def resume_or_load(self, *, resume: bool) -> None:
        self.events.append(("load", resume))

    def train(self) -> None:
        self.events.append(("train", [p.requires_grad for p in self.model.parameters()]))

    @staticmethod
    def test(settings: Settings, model: torch.nn.Module, evaluators: list[object]) -> dict[str, dict[str, float]]:
        return {task: {"AP": at, "AP50": at + 10, "AP75": at - 1} for task, at in (("bbox", 10.8), ("segm", 11.9))}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Stand-ins for the parts of detectron2 that the script imports; returns the data sets it registers."""
    names: list[tuple[object, ...]] = []
    parts = {
        "": {"model_zoo": SimpleNamespace(get_config_file=lambda name: f"zoo/{name}")},
        ".config": {"get_cfg": Settings},
        ".data": {},
        ".data.datasets": {"register_coco_instances": lambda *given: names.append(given)},
        ".engine": {"DefaultTrainer": Trainer, "launch": lambda work, _gpus, dist_url, args: work(*args)},
        ".evaluation": {"COCOEvaluator": lambda name, output_dir: (name, output_dir)},
        ".utils": {},
        ".utils.comm": {"is_main_process": lambda: True},
    }
    for name, content in parts.items():
        module = ModuleType(f"detectron2{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, f"detectron2{name}", module)
    Trainer.made.clear()
    return names


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "weights.pth").write_bytes(b"weights")
    (folder / "subject.json").write_text(json.dumps({"title": "moco:r50.pth", "provenance": {"sha256": "0"}}))
    monkeypatch.setattr(run_detection, "_HERE", folder)
    return folder


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    for split in ("train", "val"):
        (tmp_path / "coco" / f"{split}2017").mkdir(parents=True)
        (tmp_path / "coco" / "annotations").mkdir(exist_ok=True)
        (tmp_path / "coco" / "annotations" / f"instances_{split}2017.json").write_text("{}")
    return tmp_path / "coco"


@pytest.mark.parametrize("freeze", [False, True])
def test_the_network_is_trained_over_and_scored(
    freeze: bool, registered: list[tuple[object, ...]], export: Path, coco: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ["--data", str(coco), "--out", str(out), "--batch", "4", *(["--freeze-fpn"] if freeze else [])]
    assert run_detection.main(asked) == 0
    (trainer,) = Trainer.made
    settings = trainer.settings
    assert settings.merged == [f"zoo/{run_detection._BASE}", str(export / "detectron2.yaml")]
    assert Path(settings.MODEL.WEIGHTS) == export / "weights.pth"
    assert (settings.SOLVER.BASE_LR, settings.SOLVER.MAX_ITER) == (0.005, 360_000)
    assert settings.SOLVER.STEPS == (240_000, 320_000)
    assert [given[0] for given in registered] == ["densewalk_coco_train", "densewalk_coco_val"]
    assert registered[1][2:] == (str(coco / "annotations" / "instances_val2017.json"), str(coco / "val2017"))
    backbone = not freeze
    assert trainer.events == [("load", True), ("train", [backbone, backbone, True, True])]
    (scores,) = read_scores(out / "coco-detection.json")
    assert (scores.name, scores.subject, scores.headline) == ("coco-detection", "moco:r50.pth", "box_AP")
    assert scores.scalars["box_AP"] == 10.8
    assert scores.scalars["mask_AP75"] == pytest.approx(10.9)
    assert scores.protocol["frozen"] == ("network and FPN" if freeze else "network")
    assert scores.provenance["sha256"] == "0"


def test_absent_data_and_an_absent_detectron2_are_said(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (coco / "annotations" / "instances_val2017.json").unlink()
    assert run_detection.main(["--data", str(coco), "--out", str(tmp_path)]) == 2
    assert "instances_val2017.json; from cocodataset.org" in capsys.readouterr().err
    (coco / "annotations" / "instances_val2017.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "detectron2", None)
    assert run_detection.main(["--data", str(coco), "--out", str(tmp_path)]) == 2
    assert "detectron2 does not import" in capsys.readouterr().err

"""Tests of what a run writes about itself."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from densewalk.ssl.train.run_log import RunLog, StepRecord, read_metrics


def _record(step: int, loss: float = 0.5, **scalars: float) -> StepRecord:
    return StepRecord(
        step=step,
        num_steps=10,
        loss=loss,
        lr=1e-3,
        grad_norm=2.0,
        skipped=not math.isfinite(loss),
        clips_per_second=8.0,
        data_wait_share=0.25,
        scalars=scalars,
    )


def test_line_has_the_documented_names_and_the_objectives_scalars_beside_them(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        log.write(_record(1, accuracy=0.75))
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {
        "step": 1,
        "loss": 0.5,
        "lr": 1e-3,
        "grad_norm": 2.0,
        "skipped": False,
        "clips_per_second": 8.0,
        "data_wait_share": 0.25,
        "accuracy": 0.75,
    }


def test_numbers_that_are_not_finite_are_null_so_that_every_reader_of_json_reads_them(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        log.write(_record(1, loss=math.nan, entropy=math.inf))
    row = read_metrics(tmp_path)[0]
    assert row["loss"] is None
    assert row["entropy"] is None
    assert row["skipped"] is True
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_every_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in (1, 2, 3):
            log.write(_record(step))
            assert [row["step"] for row in read_metrics(tmp_path)] == list(range(1, step + 1))


def test_going_on_cuts_back_to_the_checkpoint_and_keeps_the_lines_before_it_exactly(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in range(1, 7):
            log.write(_record(step, loss=1 / 3 + step))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "lo')
    with RunLog(tmp_path, 4) as log:
        log.write(_record(5, loss=9.0))
    after = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert after[:4] == lines[:4]
    assert len(after) == 5
    assert json.loads(after[4])["loss"] == 9.0


def test_torn_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b'{"step": 1, "loss": 2.0}\n[]\n{"loss": 1}\n\xff\n{"step": 2, "lo')
    assert read_metrics(tmp_path) == [{"step": 1, "loss": 2.0}]


def test_run_without_metrics_has_no_rows(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


def test_scalar_under_a_name_of_the_loop_is_refused() -> None:
    with pytest.raises(ValueError, match="lr"):
        _record(1, **{"lr": 1.0})  # type: ignore[arg-type]


def test_panels_are_pictures_named_by_step(tmp_path: Path) -> None:
    picture_HW3 = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    with RunLog(tmp_path, 0) as log:
        log.draw({"walk": lambda: picture_HW3}, 40)
    read = Image.open(tmp_path / "panels" / "step-00000040-walk.png")
    assert np.array_equal(np.asarray(read), picture_HW3)


def test_tensorboard_shows_each_step_once_after_going_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunLog(tmp_path, 0) as log:
        for step in range(1, 7):
            log.write(_record(step, loss=1.0, accuracy=0.5))
    # Event files are read in the order of the seconds in their names.
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 60)
    with RunLog(tmp_path, 4) as log:
        log.write(_record(5, loss=2.0, accuracy=0.5))
        log.sync()
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert losses == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 2.0)]
    assert "objective/accuracy" in events.Tags()["scalars"]

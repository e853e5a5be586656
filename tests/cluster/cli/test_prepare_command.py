"""What prepare leaves beside a dataset and how it goes on: costs, retries, interruptions, saved stages."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from densewalk.cluster.history import read_runs
from densewalk.datasets.ledger import read_ledger
from densewalk.pipelines.stages.decode import Decode
from tests.drifting_film import write_film
from tests.faulty_store import moto_server

Run = Callable[..., Result]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two short films and a text file named like one."""
    folder = tmp_path / "videos"
    folder.mkdir()
    write_film(folder / "a.mp4", 1)
    write_film(folder / "b.mp4", 2)
    (folder / "text.mp4").write_text("not a film")
    return folder


def _prepare(densewalk: Run, videos: Path, out: Path, *more: str) -> Result:
    return densewalk("prepare", videos, "--out", out, "--engine", "local", "shots.detector=none", *more)


def test_the_summary_names_the_stages_costs_and_what_to_do_next(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "corpus"
    result = _prepare(densewalk, videos, out)
    assert result.exit_code == 0, result.output
    assert "3 sources = 2 written + 0 rejected + 1 failed" in result.stdout
    assert "workers' time: fetch " in result.stdout
    assert "next: the same command with --retry failed tries again what failed (1)" in result.stdout
    assert f"next: densewalk inspect {out}, densewalk pretrain {out}" in result.stdout
    (run,) = read_runs(out)
    assert (run.engine, run.cpus, run.finished) == ("local", 1, True)
    assert run.stages["stow"].given == 2


def test_retry_works_on_what_failed_and_on_nothing_else(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "corpus"
    _prepare(densewalk, videos, out)
    write_film(videos / "text.mp4", 3)
    write_film(videos / "late.mp4", 4)
    wrong = _prepare(densewalk, videos, out, "--retry", "failed:deadline")
    assert wrong.exit_code == 2
    assert "'not a video container' (1)" in wrong.stderr
    again = _prepare(densewalk, videos, out, "--retry", "failed:not a video")
    assert again.exit_code == 0, again.output
    assert "1 sources = 1 written + 0 rejected + 0 failed" in again.stdout
    rows = {Path(v.uri).name: v.outcome for v in read_ledger(out / "ledger.parquet") if v.kind == "source"}
    assert rows == {"a.mp4": "written", "b.mp4": "written", "text.mp4": "written"}


def test_a_refused_preparation_leaves_no_cost(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "corpus"
    _prepare(densewalk, videos, out)
    refused = _prepare(densewalk, videos, out, "clips.max_seconds=3")
    assert refused.exit_code == 2
    assert len(read_runs(out)) == 1


def test_an_interrupted_preparation_leaves_its_cost_and_goes_on(
    videos: Path, tmp_path: Path, densewalk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "corpus"
    true_call = Decode.__call__

    def stopped(self: Decode, records: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Decode, "__call__", stopped)
    assert _prepare(densewalk, videos, out).exit_code == 130
    monkeypatch.setattr(Decode, "__call__", true_call)
    assert _prepare(densewalk, videos, out).exit_code == 0
    assert [run.finished for run in read_runs(out)] == [False, True]


def test_a_report_that_cannot_be_made_costs_a_warning_only(
    videos: Path, tmp_path: Path, densewalk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, *, name: str) -> Path:
        raise OSError("no ink")

    monkeypatch.setattr("densewalk.cluster.corpus_report.page.write_corpus_report", fail)
    result = _prepare(densewalk, videos, tmp_path / "corpus")
    assert result.exit_code == 0
    assert "the dataset is finished, its report is not: no ink" in result.stderr


def test_a_saved_stage_is_replayed_compared_and_told_apart(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    saved = tmp_path / "saved"
    result = densewalk("prepare", videos / "a.mp4", "--until", "quality", "--save", saved, "shots.detector=none")
    assert result.exit_code == 0, result.output
    assert "1 inputs of quality" in result.stdout
    assert f"next: densewalk replay {saved} --update" in result.stdout
    assert "nothing to compare with" in densewalk("replay", saved).stdout
    assert densewalk("replay", saved, "--update").exit_code == 0
    again = densewalk("replay", saved)
    assert again.exit_code == 0
    assert f"equal to {saved / 'golden'}" in again.stdout
    other = densewalk("replay", saved, "quality.min_motion=1000")
    assert other.exit_code == 2
    assert "record 0: clips: 0 items, was 1" in other.stdout
    assert f"differences from {saved / 'golden'}" in other.stderr
    (saved / "golden" / "version.json").write_text("0")
    assert "was made by quality v0" in densewalk("replay", saved).stdout
    assert densewalk("replay", saved, videos).exit_code == 2


@pytest.mark.slow
def test_sigterm_ends_a_preparation_with_its_cost_noted(tmp_path: Path) -> None:
    film, out = write_film(tmp_path / "long.mp4", num_frames=3000, size_hw=(240, 320)), tmp_path / "corpus"
    code = "from densewalk.cluster.cli.main import main; main()"
    command = [sys.executable, "-c", code, "prepare", str(film), "--out", str(out), "--engine", "local"]
    command += ["shots.detector=none", "decode.reel_frames=150"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 60
    while not list((out / ".work").glob("staged/**/*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "repeat the command to continue" in said
    assert [run.finished for run in read_runs(out)] == [False]


@pytest.mark.slow
def test_a_dataset_in_a_bucket_has_its_report_and_costs_beside_it(
    videos: Path, tmp_path: Path, densewalk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    with moto_server("bucket") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        store = boto3.client("s3")
        command = ["prepare", videos, "--out", "s3://bucket/corpus", "--work", tmp_path / "work", "--engine", "local"]
        result = densewalk(*command, "shots.detector=none")
        assert result.exit_code == 0, result.output
        assert "next: densewalk inspect s3://bucket/corpus\n" in result.stdout
        names = {entry["Key"] for entry in store.list_objects_v2(Bucket="bucket")["Contents"]}
        assert {f"corpus/{name}" for name in ("dataset.json", "report.html", "runs.jsonl")} <= names
        explained = densewalk(*command, "shots.detector=none", "--explain")
        assert f"2 clips in s3://bucket/corpus, by way of {tmp_path / 'work'}" in explained.stdout

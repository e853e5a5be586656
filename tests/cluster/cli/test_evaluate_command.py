"""densewalk evaluate on files of published benchmarks: settings, subjects, and what is said about wrong ones."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two still videos in the layout of TAP-Vid-DAVIS."""
    rng = np.random.default_rng(0)
    items = {
        name: {
            "video": np.repeat(rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8), 3, axis=0),
            "points": np.repeat(rng.uniform(0.1, 0.9, (4, 1, 2)), 3, axis=1).astype(np.float32),
            "occluded": np.zeros((4, 3), bool),
        }
        for name in ("blackswan", "goat")
    }
    path = tmp_path / "tapvid_davis.pkl"
    path.write_bytes(pickle.dumps(items))
    return path


def test_a_subject_is_scored_on_a_file_under_given_settings(davis: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "scores"
    settings = ["query_mode=strided", "num_videos=1", "tracker.mode=direct"]
    result = densewalk("evaluate", "zero-motion", "tapvid-davis", "--data", davis, "--out", out, *settings)
    assert result.exit_code == 0, result.output
    assert "evaluate 2/2 tapvid-davis: rgb AJ" in result.stdout
    assert "next:" not in result.stdout
    still, colours = json.loads((out / "tapvid-davis.json").read_text())
    assert (still["subject"], colours["subject"]) == ("zero-motion", "rgb")
    assert still["scalars"]["AJ"] == 100
    assert [row["video"] for row in still["rows"]] == ["blackswan"]
    assert still["protocol"]["query_mode"] == "strided"
    assert still["protocol"]["tracker"]["mode"] == "direct"
    assert still["provenance"]["data"] == str(davis)


def test_explain_shows_the_settings_and_measures_nothing(davis: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "scores"
    asked = ["evaluate", "rgb", "tapvid-davis", "--data", davis, "tracker.upsample=2", "--out", out, "--explain"]
    result = densewalk(*asked)
    assert result.exit_code == 0, result.output
    assert "2 subjects by 1 benchmarks: 2 measurements" in result.stdout
    assert "upsample: 2" in result.stdout
    assert str(davis) in result.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rgb", "tapvid-davis"], "tapvid-davis needs --data PATH: tapvid_davis.pkl"),
        (["rgb", "tapvid-davis", "--data", "{folder}/nowhere"], "nothing at"),
        (["rgb", "tapvid-davis", "--data", "{folder}/empty"], "no *.pkl at"),
        (["rgb", "tapvid-kinetics", "--data", "{davis}"], "no *_of_*.pkl at"),
        (["rgb", "tapvid-rgb-stacking", "--data", "{davis}"], "holds a dictionary of videos by name; expected"),
        (["rgb", "tapvid-davis", "--data", "{folder}/bad.pkl"], "asks for builtins.eval"),
        (["rgb", "--data", "{davis}"], "read by no benchmark asked for"),
        (["rgb", "tapvid-davis", "--data", "{davis}", "query_mode=last"], "tapvid-davis: query_mode"),
        (["rgb", "tapvid-davis", "scenes-flow", "--data", "{davis}", "tracker.upsample=2"], "scenes-flow: unknown"),
        (["rgb", "tapvid-davis", "--data", "{davis}", "num_videos=-1"], "num_videos=-1 must be 0 (all) or more"),
        (["rgb", "tapvid"], "unknown benchmark 'tapvid'"),
        (["rbg", "tapvid-davis", "--data", "{davis}"], "no run at rbg; expected"),
        (["gmrw:{folder}/none.pth", "tapvid-davis", "--data", "{davis}"], "none.pth"),
    ],
)
@pytest.mark.parametrize("explain", [False, True])
def test_what_cannot_be_measured_is_said(
    arguments: list[str], said: str, explain: bool, davis: Path, tmp_path: Path, densewalk: Run
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.pkl").write_bytes(b"cbuiltins\neval\n(Vprint(1)\ntR.")
    given = [argument.format(folder=tmp_path, davis=davis) for argument in arguments]
    read_only_when_measuring = "holds a dictionary" in said or "asks for" in said
    result = densewalk("evaluate", *given, "--out", tmp_path / "scores", *(["--explain"] if explain else []))
    if explain and read_only_when_measuring:
        assert result.exit_code == 0
    else:
        assert result.exit_code == 2
        assert said in result.stderr.replace("\n", " ")

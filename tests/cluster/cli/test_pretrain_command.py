"""What is wrong with the data of a training is said before anything is trained, by --explain too, with exit code 2."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
QUICK = ("data.cache.stall_seconds=0.5", "data.cache.deadline_seconds=1")
WRONG = {
    "an unknown kind": (("kinetix:/data",), "unknown kind of data .*did you mean 'kinetics'"),
    "a weight of nothing": (("0*DATA",), "all of data.datasets=.* have weight 0"),
    "an absent folder": (("/no/such",), "/no/such does not exist; expected the folder or URL .*KIND:PATH"),
    "an absent folder of a kind": (("videos:/no/such",), "/no/such does not exist; expected"),
    "a file": (("/etc/hostname",), "/etc/hostname is no folder"),
    "no place": (("videos:",), "'videos:' names no place"),
    "no data": ((), "data.datasets is empty; name a folder made by prepare, or set data.scene_weight=1"),
    "one place twice": (("DATA", "2*DATA"), "names a place twice; give it one weight"),
    "two ways to name data": (("DATA", "data.datasets=[other]"), "both say what to train on"),
    "a store without keys": (("s3://densewalk-absent/corpus",), "s3://densewalk-absent/corpus: .*credentials"),
    "a server that is away": (("http://127.0.0.1:9/corpus", *QUICK), "Connection refused.*data.cache.deadline_seconds"),
    "a place of no kind": (("ftp://host/corpus",), "ftp:// is no place to read from"),
    "less than no workers": (("DATA", "data.workers=-1"), "data.workers=-1 must not be negative"),
    "little patience": (("DATA", "data.deadline_seconds=10"), "must be above data.cache.stall_seconds=20"),
    "clips that are too short": (("DATA", "objective.plan.gap_seconds=[20,30]"), "none of the 3 clips .*gap_seconds"),
    "no motion": (("DATA", "--recipe", "oracle_small", "data.scene_weight=0"), "does not know the true motion"),
    "no room for data": (("DATA", "--recipe", "oracle_small"), "data.scene_weight=1 would leave data.datasets"),
}


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_data_are_told(
    case: str, explain: bool, densewalk: Run, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    texts, said = WRONG[case]
    arguments = [text.replace("DATA", str(small_dataset)) for text in texts]
    out = tmp_path / "run"
    done = densewalk("pretrain", *arguments, "--out", out, *(["--explain"] if explain else []))
    assert done.exit_code == 2, done.output
    assert done.output.startswith("densewalk: ")
    assert len(done.output.splitlines()) == 1
    assert re.search(said, done.output), done.output
    assert not (out / "config.yaml").exists()

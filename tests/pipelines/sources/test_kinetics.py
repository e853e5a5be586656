from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.kinetics import Annotations, Match, kinetics_mentions
from densewalk.pipelines.sources.spec import SourceSpec

K400 = "label,youtube_id,time_start,time_end,split,is_cc"
K600_TEST = "youtube_id,time_start,time_end,split"
K700 = "label,youtube_id,time_start,time_end,split"
A, B, C = "-3B32lodo2M", "_dbcJuKJQNs", "---QUuC4vJs"


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def _matches(folder: Path, *rows: str, header: str = K400, settings: str = "") -> list[Match]:
    (folder / "train.csv").write_text("\n".join([header, *rows]))
    (folder / "k400").mkdir(exist_ok=True)
    spec = SourceSpec.parse(f"kinetics:{folder}/train.csv@videos={folder}/k400{settings}")
    return list(Annotations(spec).matches())


def test_trimmed_files_of_the_cvdf_layout_are_found_with_their_labels(tmp_path: Path) -> None:
    _touch(tmp_path / "k400", f"train/{A}_000059_000069.mp4")
    (match,) = _matches(tmp_path, f'"air drumming",{A},59,69,train,0')
    assert match.status == "present"
    assert match.mention.uri == f"{tmp_path}/k400/train/{A}_000059_000069.mp4"
    assert (match.mention.label, match.mention.span, match.split) == ("air drumming", None, "train")


@pytest.mark.parametrize("folder", ["train/air drumming", "air_drumming", "val/x/y", "."])
def test_any_layout_of_folders_serves(tmp_path: Path, folder: str) -> None:
    _touch(tmp_path / "k400", f"{folder}/{A}_000059_000069.mkv")
    (match,) = _matches(tmp_path, f"air drumming,{A},59,69,train,0")
    assert match.status == "present"
    assert Path(match.mention.uri).suffix == ".mkv"


@pytest.mark.parametrize(
    ("header", "row", "label"),
    [
        (K400, f"abseiling,{A},59,69,val,0", "abseiling"),
        (K600_TEST, f"{A},59,69,test", ""),
        (K700, f"washing feet,{A},59,69,validate", "washing feet"),
        (K700, f"washing feet,{A},59.0,69.0,train", "washing feet"),
    ],
)
def test_every_edition_is_read(tmp_path: Path, header: str, row: str, label: str) -> None:
    _touch(tmp_path / "k400", f"{A}_000059_000069.mp4")
    (match,) = _matches(tmp_path, row, header=header)
    assert (match.status, match.mention.label, match.clip) == ("present", label, f"{A}_000059_000069")
    assert match.split in ("train", "val", "test")


def test_a_whole_video_serves_with_the_times_as_its_part(tmp_path: Path) -> None:
    _touch(tmp_path / "k400", f"{A}.mp4", f"{B}.mp4", f"{B}_000001_000011.mp4")
    found = _matches(tmp_path, f"x,{A},59,69,train,0", f"y,{A},70,80,train,0", f"z,{B},1,11,train,0")
    assert [m.mention.span for m in found] == [(59.0, 69.0), (70.0, 80.0), None]
    assert found[0].mention.uri == found[1].mention.uri


@pytest.mark.parametrize("name", [f"{A}_000059_000069.mp4", f"{A}.mp4"])
def test_replacements_go_before_the_damaged_originals(tmp_path: Path, name: str) -> None:
    original = f"train/{A}_000059_000069.mp4"
    _touch(tmp_path / "k400", original, f"replacement/replacement_for_corrupted_k400/{name}")
    _touch(tmp_path, f"elsewhere/{name}")
    row = f"x,{A},59,69,train,0"
    (match,) = _matches(tmp_path, row)
    assert (match.status, match.mention.span) == ("replaced", None)
    assert "replacement_for_corrupted_k400" in match.mention.uri
    (tmp_path / "k400/replacement/replacement_for_corrupted_k400" / name).unlink()
    assert _matches(tmp_path, row)[0].status == "present"
    (match,) = _matches(tmp_path, row, settings=f"+replacement={tmp_path}/elsewhere")
    assert (match.status, match.mention.uri) == ("replaced", f"{tmp_path}/elsewhere/{name}")


def test_a_file_of_the_rows_own_split_goes_first(tmp_path: Path) -> None:
    _touch(tmp_path / "k400", *(f"{split}/{A}_000059_000069.mp4" for split in ("test", "train", "val")))
    found = _matches(tmp_path, *(f"x,{A},59,69,{split},0" for split in ("train", "validate", "test")))
    assert [Path(m.mention.uri).parent.name for m in found] == ["train", "val", "test"]


def test_a_clip_without_a_file_is_absent_where_it_would_lie(tmp_path: Path) -> None:
    _touch(tmp_path / "k400", f"train/{A}_000059_000070.mp4", f"train/{A}_000059_000069.mp4.part")
    (match,) = _matches(tmp_path, f"x,{A},59,69,train,0")
    assert match.status == "absent"
    assert match.mention.uri == f"{tmp_path}/k400/train/{A}_000059_000069.mp4"
    assert match.mention.refusal
    assert (match.mention.refusal.outcome, match.mention.refusal.reason) == ("failed", "absent")


@pytest.mark.parametrize(
    "row", ["x,short,1,2,train,0", f"x,{A},9,2,train,0", f"x,{A},1,,train,0", f"x,{A},1,2,train", f"x,{A},a,2,train,0",
            "x,../../../etc,1,2,train,0"]
)  # fmt: skip
def test_broken_rows_are_told_and_cost_no_other(tmp_path: Path, row: str) -> None:
    found = _matches(tmp_path, row, f"x,{B},1,11,train,0")
    assert [m.status for m in found] == ["broken", "absent"]
    assert found[0].mention.uri == f"kinetics:{tmp_path}/train.csv#2"


def test_another_layout_of_columns_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"columns path, label; expected youtube_id, time_start, time_end"):
        _matches(tmp_path, "a.mp4,3", header="path,label")


def test_missing_files_and_folders_are_told_together(tmp_path: Path) -> None:
    text = f"kinetics:{tmp_path}/none.csv@videos={tmp_path}/nowhere+replacement={tmp_path}/nope"
    with pytest.raises(ConfigError) as error:
        kinetics_mentions(SourceSpec.parse(text))
    assert len(str(error.value).splitlines()) == 3

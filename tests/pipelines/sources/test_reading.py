import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.records import Entry, Segment
from densewalk.pipelines.sources import read_entries

ID = "dQw4w9WgXcQ"


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_every_kind_of_source_mixes_with_every_other(tmp_path: Path) -> None:
    _touch(tmp_path, "v/b.mp4", "v/a.mp4", "v/note.txt", f"k/train/{ID}_000001_000011.mp4", "glob/x.mkv")
    (tmp_path / "list.csv").write_text("path,start,end\nv/a.mp4,1,2\nhttps://h/x.mp4,,\nbroken\n")
    (tmp_path / "k.csv").write_text(
        f"label,youtube_id,time_start,time_end,split\ndog,{ID},1,11,train\ncat,{ID},3,13,train\n"
    )
    (tmp_path / "yt8m.txt").write_text("ABcd\n")
    entries = list(
        read_entries(
            [
                f"{tmp_path}/v@licence=CC0",
                f"list:{tmp_path}/list.csv@licence=MIT",
                f"kinetics:{tmp_path}/k.csv@videos={tmp_path}/k",
                f"youtube:{ID}@start=5+label=song",
                f"yt8m:{tmp_path}/yt8m.txt",
                "https://h/x.mp4",
                f"{tmp_path}/glob/*.mkv",
            ]
        )
    )
    found = [(e.uri.removeprefix(f"{tmp_path}/"), e.licence, e.refusal.reason if e.refusal else "") for e in entries]
    assert found == [
        ("v/a.mp4", "CC0", ""),
        ("v/b.mp4", "CC0", ""),
        ("v/note.txt", "", "not a video file name"),
        ("https://h/x.mp4", "MIT", ""),
        (f"list:{tmp_path}/list.csv#4", "", "broken row"),
        (f"k/train/{ID}_000001_000011.mp4", "", ""),
        (f"k/train/{ID}_000003_000013.mp4", "", "absent"),
        (f"youtube:{ID}", "", ""),
        ("yt8m:ABcd", "", ""),
        ("glob/x.mkv", "", ""),
    ]
    assert entries[0].segments == (Segment(), Segment(start_seconds=1.0, end_seconds=2.0))
    assert [e.label for e in entries[5:7]] == ["dog", "cat"]
    assert entries[7].segments == (Segment(start_seconds=5.0, label="song"),)


def test_settings_fill_in_what_rows_do_not_say(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,licence\na.mp4,CC0\nb.mp4,\n")
    entries = list(read_entries([f"list:{tmp_path}/a.csv@licence=MIT"]))
    assert [entry.licence for entry in entries] == ["CC0", "MIT"]


def test_a_limit_takes_the_first_entries_of_its_own_specification(tmp_path: Path) -> None:
    _touch(tmp_path, *(f"a/{n}.mp4" for n in "3142"), *(f"b/{n}.mp4" for n in "xyz"))
    entries = list(read_entries([f"{tmp_path}/a@limit=2", f"{tmp_path}/b@limit=1", f"{tmp_path}/a/4.mp4"]))
    assert [Path(entry.uri).stem for entry in entries] == ["1", "2", "x", "4"]


def test_every_row_is_in_exactly_one_entry(tmp_path: Path) -> None:
    rows = [f"{n % 7}.mp4,{n},{n + 1}" if n % 5 else f"{n}.mp4,9,1" for n in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(["path,start,end", *rows]))
    entries = list(read_entries([f"list:{tmp_path}/a.csv"]))
    assert len({entry.uri for entry in entries}) == len(entries)
    assert sum(len(entry.segments) for entry in entries) == 80
    assert sum(entry.refusal is not None for entry in entries) == 20


def test_the_order_of_files_and_rows_changes_nothing(tmp_path: Path) -> None:
    rows = [f"{n % 3}.mp4,{n},{n + 1},l{n}" for n in range(30)]
    found: list[list[Entry]] = []
    for order in (rows, rows[::-1]):
        (tmp_path / "a.csv").write_text("\n".join(["path,start,end,label", *order]))
        found.append(list(read_entries([f"list:{tmp_path}/a.csv"])))
    assert found[0] == found[1]


def test_all_mistakes_of_a_command_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name,size\na,1\n")
    (tmp_path / "empty").mkdir()
    specs = ["lists:a", f"{tmp_path}/none.mp4", f"list:{tmp_path}/bad.csv", "https://", f"youtube:{tmp_path}/ids.txt"]
    with pytest.raises(ConfigError) as error:
        read_entries(specs)
    for part in (
        "did you mean 'list'",
        "no such file",
        "columns of .*bad.csv: name, size",
        "no host",
        "neither a YouTube",
    ):
        assert error.match(part)
    with pytest.raises(ConfigError, match="empty: no video in it"):
        read_entries([f"{tmp_path}/empty"])
    with pytest.raises(ConfigError, match="no sources"):
        read_entries([])


@pytest.mark.parametrize(
    "name",
    ["list:a.csv", "list:a.tsv", "list:a.jsonl", "list:a.txt", "list:a.parquet", "youtube:a.txt", "yt8m:a.json",
     "yt8m:a.tfrecord", "kinetics:a.csv@videos=."],
)  # fmt: skip
@given(
    content=st.binary(max_size=200) | st.text('path,"\n\r\0[]{}:é 1', max_size=100).map(str.encode), head=st.booleans()
)
def test_any_bytes_are_entries_or_a_mistake_of_the_command(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, head: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    kind, _, rest = name.partition(":")
    file, at, settings = rest.partition("@")
    header = {"kinetics": b"youtube_id,time_start,time_end\n", "list": b"path,start\n"}.get(kind, b'{"AbCd": [1]')
    (folder / file).write_bytes(header * head + content)
    try:
        entries = list(read_entries([f"{kind}:{folder}/{file}{at}{settings.replace('.', str(folder))}"]))
    except ConfigError:
        return
    assert all(entry.refusal is None or entry.refusal.detail for entry in entries)
    assert [entry.uri for entry in entries] == sorted({entry.uri for entry in entries})


def test_a_url_with_a_password_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="carries a name or password"):
        read_entries(["https://me:secret@host/x.mp4"])


@pytest.mark.real_data
def test_real_folders_and_their_manifest_name_the_same_files(real_data: Path) -> None:
    listed = f"list:{real_data}/MANIFEST.csv@path=file+licence_column=licence+label=description"
    entries = list(read_entries([f"{real_data}/videos", listed]))
    assert len({entry.uri for entry in entries}) == len(entries)
    videos = [entry for entry in entries if entry.uri.startswith(f"{real_data}/videos/") and entry.licence]
    assert len(videos) > 100
    assert all(Path(entry.uri).is_file() and entry.refusal is None for entry in videos)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    script = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from densewalk.pipelines.sources import read_entries\n"
        "number = sum(len(entry.segments) for entry in read_entries(sys.argv[1:]))\n"
        "print(number, re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1))\n"
    )
    peaks = []
    for rows in (400_000, 800_000):  # below, what is kept in memory before it goes to disk still grows
        with (tmp_path / "a.csv").open("w") as file:
            file.write("url,start,end,caption\n")
            for number in range(rows):
                file.write(
                    f"https://host/{number * 7919 % (rows // 2):08d}.mp4,{number},{number + 1},caption {number}\n"
                )
        command = [sys.executable, "-c", script, f"list:{tmp_path}/a.csv"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        number, peak = map(int, done.stdout.split())
        assert number == rows
        peaks.append(peak / 1024)
    assert peaks[1] - peaks[0] < 16, f"peaks of {peaks} MiB"

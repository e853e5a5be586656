import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources.lists import list_mentions
from densewalk.pipelines.sources.mention import Mention
from densewalk.pipelines.sources.spec import SourceSpec

ID = "dQw4w9WgXcQ"


def _mentions(folder: Path, content: str | bytes, settings: str = "", name: str = "clips.csv") -> list[Mention]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return list(list_mentions(SourceSpec.parse(f"list:{folder / name}{settings}")))


def _wanted(mentions: list[Mention]) -> list[tuple]:
    return [(m.uri, m.span, m.label, m.licence) for m in mentions if not m.refusal]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("path,start,end,label,licence", "a.mp4,1,2.5,dog,CC0"),
        ("Video_Path,time_start,time_end,class,license", "a.mp4,0:01,0:02.5,dog,CC0"),
        ("licence,caption,clip_end,clip_start,videoLoc", "CC0,dog,2.5,1,a.mp4"),
        ("file name,Start Time,End-Time,Category,rights,unused", "a.mp4,1,2.5,dog,CC0,x"),
    ],
)
def test_columns_are_known_by_their_usual_names(tmp_path: Path, header: str, row: str) -> None:
    found = _mentions(tmp_path, f"{header}\n{row}\n")
    assert _wanted(found) == [(str(tmp_path / "a.mp4"), (1.0, 2.5), "dog", "CC0")]


def test_columns_and_root_can_be_named(tmp_path: Path) -> None:
    settings = f"@path=name+start=from+end=to+label=what+licence_column=terms+root={tmp_path}/videos"
    found = _mentions(tmp_path, "path,name,from,to,what,terms\nx,a.mp4,1,2,dog,CC0\n", settings)
    assert _wanted(found) == [(str(tmp_path / "videos/a.mp4"), (1.0, 2.0), "dog", "CC0")]


def test_a_text_list_names_paths_urls_and_ids(tmp_path: Path) -> None:
    text = f"# comment\n\na b.mp4\r\nhttps://h/x.mp4\n{ID}\nhttps://youtu.be/{ID}\ns3://b/k.mp4\nfile:///etc/passwd\n"
    found = _mentions(tmp_path, text, name="list.txt")
    assert [m.uri for m in found if not m.refusal] == [
        str(tmp_path / "a b.mp4"), "https://h/x.mp4", f"youtube:{ID}", f"youtube:{ID}", "s3://b/k.mp4",
    ]  # fmt: skip
    assert found[-1].uri == f"list:{tmp_path}/list.txt#8"


def test_panda70m_rows_hold_all_parts_of_a_video(tmp_path: Path) -> None:
    row = (
        f"{ID},https://www.youtube.com/watch?v={ID},\"[['0:00:24.858', '0:00:34.868'], ['0:01:00.000', '0:01:05.5']]\","
        '"[\'A man, \\\'x\\\'.\', ""It\'s a dog.""]","[0.4, 0.5]"'
    )
    found = _mentions(tmp_path, f"videoID,url,timestamp,caption,matching_score\n{row}\n")
    assert _wanted(found) == [
        (f"youtube:{ID}", (24.858, 34.868), "A man, 'x'.", ""),
        (f"youtube:{ID}", (60.0, 65.5), "It's a dog.", ""),
    ]


def test_hd_vila_and_internvid_lines_are_read(tmp_path: Path) -> None:
    vila = {
        "video_id": ID,
        "url": f"https://www.youtube.com/watch?v={ID}",
        "clip": [{"clip_id": "a", "span": ["0:01", "0:02"]}],
    }
    intern = {"YoutubeID": ID, "Start_timestamp": "00:00:56.166", "End_timestamp": "00:01:00.503", "Caption": "a dog"}
    assert _wanted(_mentions(tmp_path, json.dumps(vila), name="a.jsonl")) == [(f"youtube:{ID}", (1.0, 2.0), "", "")]
    assert _wanted(_mentions(tmp_path, json.dumps(intern), name="b.jsonl")) == [
        (f"youtube:{ID}", (56.166, 60.503), "a dog", "")
    ]


def test_parquet_rows_with_and_without_parts(tmp_path: Path) -> None:
    spans = [[[1.0, 2.0], [3.0, 4.0]], None]
    pq.write_table(pa.table({"url": ["https://h/a.mp4", "https://h/b.mp4"], "spans": spans}), tmp_path / "a.parquet")
    found = list(list_mentions(SourceSpec.parse(f"list:{tmp_path}/a.parquet")))
    assert _wanted(found) == [
        ("https://h/a.mp4", (1.0, 2.0), "", ""),
        ("https://h/a.mp4", (3.0, 4.0), "", ""),
        ("https://h/b.mp4", None, "", ""),
    ]


BROKEN = {
    "too few columns": (b"a.mp4,1", "2 columns, expected 4"),
    "too many columns": (b"a.mp4,1,2,x,y", "5 columns, expected 4"),
    "no path": (b",1,2,x", "no path or URL"),
    "end before start": (b"a.mp4,2,1,x", "end '1' is not behind start '2'"),
    "end at start": (b"a.mp4,2,2,x", "is not behind"),
    "negative": (b"a.mp4,-1,2,x", "not a number of seconds from 0"),
    "not a number": (b"a.mp4,soon,2,x", "neither seconds nor h:mm:ss"),
    "infinite": (b"a.mp4,1e999,,x", "not a number of seconds"),
    "NUL": (b"a\0.mp4,1,2,x", "a NUL byte"),
    "encoding": (b"caf\xe9.mp4,1,2,x", "is not UTF-8"),
    "bad quoting": (b'"a.mp4"b,1,2,x', "expected after"),
    "open quote": (b'"a.mp4,1,2,x', ""),
    "control characters": (b"a\x1b[2J.mp4,1,2,x", "cannot be printed"),
    "scheme": (b"ftp://h/a.mp4,1,2,x", "scheme ftp:"),
    "password": (b"https://a:b@h/a.mp4,1,2,x", "carries a name or password"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_row_is_told_with_its_line_and_costs_no_other(tmp_path: Path, case: str) -> None:
    row, detail = BROKEN[case]
    content = b"path,start,end,label\nbefore.mp4,1,2,x\n" + row + b'\nafter.mp4,1,2,x\n"last.mp4",,,\n'
    found = _mentions(tmp_path, content)
    assert [Path(m.uri).name for m in found if not m.refusal] == ["before.mp4", "after.mp4", "last.mp4"]
    (broken,) = [m for m in found if m.refusal]
    assert broken.uri == f"list:{tmp_path}/clips.csv#3"
    assert broken.refusal
    assert (broken.refusal.outcome, broken.refusal.reason) == ("failed", "broken row")
    assert broken.refusal.detail.startswith("clips.csv line 3: ")
    assert detail in broken.refusal.detail


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        ("\"[['0:01', '0:02'], ['0:03', '0:04']]\",\"['one']\"", "1 labels for 2 parts"),
        ("\"[['0:02', '0:01']]\",x", "does not end behind its start"),
        ('"[[1, 2]",x', "is no list"),
        ("[],x", "no part in the list"),
    ],
)
def test_a_broken_list_of_parts_is_a_broken_row(tmp_path: Path, cells: str, detail: str) -> None:
    (found,) = _mentions(tmp_path, f"url,timestamp,caption\nhttps://h/a.mp4,{cells}\n")
    assert found.refusal
    assert detail in found.refusal.detail


@pytest.mark.parametrize("stamp", ["2024-05-01 10:00", "1714550000", ""])
def test_a_day_of_upload_is_no_list_of_parts(tmp_path: Path, stamp: str) -> None:
    found = _mentions(tmp_path, f"url,timestamp,caption\nhttps://h/a.mp4,{stamp},[Music]\n")
    assert _wanted(found) == [("https://h/a.mp4", None, "[Music]", "")]


def test_one_caption_serves_all_parts(tmp_path: Path) -> None:
    found = _mentions(tmp_path, 'url,timestamp,caption\nhttps://h/a.mp4,"[[1, 2], [3, 4]]",a dog\n')
    assert [m.label for m in found] == ["a dog", "a dog"]


def test_an_id_column_holds_ids_and_nothing_else(tmp_path: Path) -> None:
    found = _mentions(tmp_path, f"youtube_id,start\n{ID},3\nv_{ID},3\n../../x.mp4,3\n")
    assert _wanted(found) == [(f"youtube:{ID}", (3.0, None), "", "")]
    assert all("is no YouTube id" in m.refusal.detail for m in found if m.refusal)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("name,begin\n", "", "no column is known to hold paths.*\ncolumns of .*clips.csv: name, begin"),
        ("path,start\n", "@path=file+start=from", "no column 'file' .path=.\n.*no column 'from'"),
        ("path,url,path\n", "", "column 'path' stands twice"),
        ("", "", "empty file"),
    ],
)
def test_a_wrong_header_is_a_mistake_that_lists_the_columns(
    tmp_path: Path, content: str, settings: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _mentions(tmp_path, content, settings)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [("list.xml", "", "expected one of .txt, .csv"), ("list.txt", "@path=x", "path= has no meaning in a .txt list")],
)
def test_lists_of_unknown_kinds_are_mistakes(tmp_path: Path, name: str, settings: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _mentions(tmp_path, "a.mp4\n", settings, name=name)
    with pytest.raises(ConfigError, match="no file"):
        list_mentions(SourceSpec.parse(f"list:{tmp_path}/none.csv"))

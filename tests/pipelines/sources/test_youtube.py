import json
from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.sources import youtube
from densewalk.pipelines.sources.mention import Mention
from densewalk.pipelines.sources.spec import SourceSpec
from densewalk.pipelines.sources.youtube import youtube8m_mentions, youtube_mentions

ID, OTHER = "dQw4w9WgXcQ", "-3B32lodo2M"


def _found(mentions: list[Mention]) -> list[tuple[str, str]]:
    return [(m.uri, m.refusal.reason if m.refusal else m.label) for m in mentions]


@pytest.mark.parametrize("subject", [ID, f"https://www.youtube.com/watch?v={ID}", f"https://youtu.be/{ID}"])
def test_one_id_or_url_is_one_video(subject: str) -> None:
    assert _found(list(youtube_mentions(SourceSpec.parse(f"youtube:{subject}")))) == [(f"youtube:{ID}", "")]


def test_a_file_of_ids_and_urls_refuses_what_is_neither(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"# list\n{ID}\n\nhttps://youtu.be/{OTHER}\nno id\n--exec=ls\nhttps://vimeo.com/1\nabcd\n")
    found = _found(list(youtube_mentions(SourceSpec.parse(f"youtube:{path}"))))
    assert found[:2] == [(f"youtube:{ID}", ""), (f"youtube:{OTHER}", "")]
    assert found[2:] == [(f"youtube:{path}#{line}", "broken row") for line in (5, 6, 7, 8)]


def test_youtube8m_text_holds_short_ids_too(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"{ID}\nABcd\nabcde\n")
    found = _found(list(youtube8m_mentions(SourceSpec.parse(f"yt8m:{tmp_path}/ids.txt"))))
    assert found == [(f"youtube:{ID}", ""), ("yt8m:ABcd", ""), (f"yt8m:{tmp_path}/ids.txt#3", "broken row")]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_youtube8m_json_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, chunk: int
) -> None:
    monkeypatch.setattr(youtube, "_CHUNK", chunk)
    labels = {ID: [0, 12], "AbCd": [3], OTHER: [], "wrong id": [1], "zzzz": [[1]], "yyyy": 1234}
    (tmp_path / "train.json").write_text(json.dumps(labels, indent=indent))
    found = _found(list(youtube8m_mentions(SourceSpec.parse(f"yt8m:{tmp_path}/train.json"))))
    assert found == [
        (f"youtube:{ID}", "0,12"), ("yt8m:AbCd", "3"), (f"youtube:{OTHER}", ""),
        (f"yt8m:{tmp_path}/train.json#4", "broken row"), (f"yt8m:{tmp_path}/train.json#5", "broken row"),
        ("yt8m:yyyy", "1234"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "tail",
    ["", ',"efgh": [1', ', "efgh": nothing}', ", 3: [1]}", "} and more", ', "efgh" [1]}', ',"x": ' + "[" * 100_000],
)
def test_json_that_ends_badly_gives_what_came_before_and_says_so(tmp_path: Path, tail: str) -> None:
    (tmp_path / "train.json").write_text('{"AbCd": [1]' + tail)
    found = list(youtube8m_mentions(SourceSpec.parse(f"yt8m:{tmp_path}/train.json")))
    assert found[0].uri == "yt8m:AbCd"
    assert found[-1].refusal
    assert "nothing behind entry 1 is read" in found[-1].refusal.detail


@pytest.mark.parametrize("content", ["", "[]", "version https://git-lfs.github.com/spec/v1\noid sha256:0"])
def test_what_is_no_json_object_is_one_broken_row(tmp_path: Path, content: str) -> None:
    (tmp_path / "train.json").write_text(content)
    (found,) = youtube8m_mentions(SourceSpec.parse(f"yt8m:{tmp_path}/train.json"))
    assert found.refusal


def test_an_empty_object_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(" { } ")
    assert list(youtube8m_mentions(SourceSpec.parse(f"yt8m:{tmp_path}/train.json"))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("youtube:short", "neither a YouTube id"),
        ("youtube:ids.csv", "for a table say list:ids.csv"),
        ("yt8m:none.txt", "no file"),
        ("yt8m:ids.csv", "expected .txt, .json, .tfrecord"),
    ],
)
def test_mistakes_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ids.csv").touch()
    spec = SourceSpec.parse(text)
    with pytest.raises(ConfigError, match=message):
        (youtube_mentions if spec.kind == "youtube" else youtube8m_mentions)(spec)

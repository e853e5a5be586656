from pathlib import Path

import pytest

from densewalk.pipelines.sources.locate import is_youtube_id, locate, youtube_id_of

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "text",
    [ID, f"youtube:{ID}", f"https://www.youtube.com/watch?v={ID}", f"http://m.youtube.com/watch?list=x&v={ID}&t=3",
     f"https://youtu.be/{ID}?t=4", f"https://youtube.com/shorts/{ID}", f"https://www.youtube.com/embed/{ID}",
     f"https://www.youtube-nocookie.com/embed/{ID}", f"https://music.youtube.com/watch?v={ID}"],
)  # fmt: skip
def test_an_id_is_found_in_every_usual_url(text: str, tmp_path: Path) -> None:
    assert youtube_id_of(text) == ID
    assert locate(text, tmp_path) == f"youtube:{ID}"


@pytest.mark.parametrize(
    "text", ["", "short", f"{ID}x", "a b4w9WgXcQ", "dQw4w9WgXc\n", f"https://evil.com/watch?v={ID}", "https://youtu.be/",
             "https://www.youtube.com/watch?v=--exec", "https://[::1", f"https://youtube.com.evil.org/watch?v={ID}"]
)  # fmt: skip
def test_nothing_else_is_taken_for_an_id(text: str) -> None:
    assert youtube_id_of(text) is None
    assert not is_youtube_id(text)


def test_paths_become_absolute_below_the_root(tmp_path: Path) -> None:
    assert locate(" a/../b c.mp4 ", tmp_path) == str(tmp_path / "b c.mp4")
    assert locate(str(tmp_path / "x" / "b.mp4"), Path("elsewhere")) == str(tmp_path / "x" / "b.mp4")


def test_eleven_letters_are_a_path_if_one_is_there(tmp_path: Path) -> None:
    assert locate("video_00001", tmp_path) == "youtube:video_00001"
    (tmp_path / "video_00001").touch()
    assert locate("video_00001", tmp_path) == str(tmp_path / "video_00001")


@pytest.mark.parametrize("url", ["https://a.b/c.mp4?d=1", "s3://bucket/a b.mp4", "gs://b/k", "hf://datasets/o/n/x.mp4"])
def test_urls_that_can_be_fetched_stay_as_they_are(url: str, tmp_path: Path) -> None:
    assert locate(url, tmp_path) == url
    assert locate(url.replace("https", "HTTPS"), tmp_path) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no path or URL"),
        ("a\0b.mp4", "cannot be printed"),
        ("a\x1b[2J.mp4", "cannot be printed"),
        ("a\ud800", "cannot be printed"),
        ("file:///etc/passwd", "scheme file:"),
        ("concat:///a", "scheme concat:"),
        ("rtsp://camera/1", "scheme rtsp:"),
        ("https:///x.mp4", "no host"),
        ("https://a b/x.mp4", "a blank"),
        ("https://me:secret@host/x.mp4", "URL of host carries a name or password"),
        ("https://[::1/x.mp4", "Invalid IPv6"),
        ("https://www.youtube.com/@channel", "no video's id"),
        ("youtube:short", "no YouTube id"),
    ],
)
def test_what_cannot_be_fetched_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        locate(text, tmp_path)


def test_a_refused_password_is_not_repeated(tmp_path: Path) -> None:
    for url in ("https://me:secret@host/x.mp4", "https://me:secret@host/a b.mp4", "ftp://me:secret@host/x.mp4"):
        with pytest.raises(ValueError) as error:
            locate(url, tmp_path)
        assert "secret" not in str(error.value)

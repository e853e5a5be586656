"""Opening: only what is a video by its content, only the file that was given, only within limits."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.container import DecodeLimits, UnusableError, UnwantedError, opened

MakeVideo = Callable[..., Path]


def _open(path: Path, **limits: int) -> tuple[str, int]:
    with opened(path, DecodeLimits(**limits)) as (container, stream):
        return container.format.name, stream.codec_context.width


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mov", "webm.mkv"])
def test_the_content_chooses_the_container_whatever_the_name(make_video: MakeVideo, suffix: str) -> None:
    video = make_video(f"video.{suffix}")
    renamed = video.rename(video.with_name("renamed.flv"))
    name, width = _open(renamed)
    assert width == 96
    assert {"mp4": "mov", "mov": "mov", "webm.mkv": "matroska", "mkv": "matroska", "ts": "mpegts"}.get(
        suffix, suffix
    ) in name


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile {sibling}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{sibling}\n#EXT-X-ENDLIST\n",
        "<?xml version='1.0'?><MPD><Period><BaseURL>{sibling}</BaseURL></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "just some text that somebody called a video",
    ],
)
def test_lists_of_other_files_and_texts_are_no_videos(make_video: MakeVideo, tmp_path: Path, text: str) -> None:
    sibling = make_video("sibling.mp4")
    path = tmp_path / "list.mp4"
    path.write_text(text.format(sibling=sibling.name))
    with pytest.raises(UnusableError) as caught:
        _open(path)
    assert caught.value.reason == "not a video container"


def test_a_list_behind_a_videos_first_bytes_is_not_followed(make_video: MakeVideo, tmp_path: Path) -> None:
    make_video("sibling.mp4")
    path = tmp_path / "list.mp4"
    path.write_bytes(b"\x00\x00\x00\x10ftypisom\nffconcat version 1.0\nfile sibling.mp4\n")
    with pytest.raises(UnusableError) as caught:
        _open(path)
    assert caught.value.reason in ("not a readable video", "no video stream")


def test_a_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    Image.fromarray(np.zeros((64, 64, 3), dtype=np.uint8)).save(path, format="png")
    with pytest.raises(UnusableError, match="not a video container"):
        _open(path)


@pytest.mark.parametrize("limit", ["max_bytes", "max_pixels"])
def test_a_file_beyond_a_limit_is_rejected_by_the_options_name(make_video: MakeVideo, limit: str) -> None:
    with pytest.raises(UnwantedError) as caught:
        _open(make_video(), **{limit: 96 * 64 - 1 if limit == "max_pixels" else 100})
    assert caught.value.reason == "beyond limits"
    assert f"decode.limits.{limit}" in caught.value.detail


def test_a_file_of_many_streams_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=5) for _ in range(3)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
    with pytest.raises(UnwantedError, match="3 streams"):
        _open(path, max_streams=2)


def test_limits_must_be_positive() -> None:
    with pytest.raises(ConfigError, match=r"decode\.limits\.max_frames"):
        DecodeLimits(max_frames=0)

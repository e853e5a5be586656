"""Opening: only what is a video by its content, only the file that was given, only within limits."""

import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from densewalk.pipelines.decoding.container import opened
from densewalk.pipelines.decoding.limits import MediaLimits, UnusableError, UnwantedError

MakeVideo = Callable[..., Path]


def _open(path: Path, *codecs: str, **limits: int) -> tuple[str, int]:
    with opened(path, MediaLimits(**limits), codecs) as (container, stream):
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


def test_a_descriptor_is_read_from_its_beginning_and_stays_open(make_video: MakeVideo) -> None:
    with make_video().open("rb") as file:
        file.read(100)
        for _ in range(2):
            with opened(file.fileno(), MediaLimits()) as (container, stream):
                assert sum(packet.size > 0 for packet in container.demux(stream)) == 24
        os.fstat(file.fileno())


def test_a_list_behind_a_videos_first_bytes_is_not_followed(make_video: MakeVideo, tmp_path: Path) -> None:
    make_video("sibling.mp4")
    path = tmp_path / "list.mp4"
    path.write_bytes(b"\x00\x00\x00\x10ftypisom\nffconcat version 1.0\nfile sibling.mp4\n")
    with pytest.raises(UnusableError) as caught:
        _open(path)
    assert caught.value.reason in ("not a readable video", "no video stream")


def test_folders_and_pipes_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4"):
        with pytest.raises(UnusableError, match="not a file"):
            _open(path)


@pytest.mark.parametrize("limit", ["max_bytes", "max_pixels"])
def test_a_file_beyond_a_limit_is_rejected_by_the_options_name(make_video: MakeVideo, limit: str) -> None:
    with pytest.raises(UnwantedError) as caught:
        _open(make_video(), **{limit: 96 * 64 - 1 if limit == "max_pixels" else 100})
    assert caught.value.reason == "beyond limits"
    assert f"probe.limits.{limit}" in caught.value.detail


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
    assert _open(path, max_streams=3)[1] == 64


def test_a_codec_that_is_not_wanted_is_rejected_by_its_name_and_never_decodes(make_video: MakeVideo) -> None:
    with pytest.raises(UnwantedError, match=r"h264; probe\.codecs=vp9,hevc") as caught:
        _open(make_video(), "vp9", "hevc")
    assert caught.value.reason == "codec not allowed"
    assert _open(make_video(), "hevc", "h264")[1] == 96

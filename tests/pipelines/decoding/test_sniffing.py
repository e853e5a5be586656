"""Sniffing: the first bytes decide, a name never does; what is no video is told by its kind."""

import io
import struct
import tarfile
import wave
import zipfile

import numpy as np
import pytest
from PIL import Image

from densewalk.pipelines.decoding.limits import UnusableError
from densewalk.pipelines.decoding.sniffing import HEAD_BYTES, demuxer_of


def _picture(kind: str) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(data, format=kind)
    return data.getvalue()


def _archive(kind: str) -> bytes:
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("video.mp4", b"x")
    else:
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("../../video.mp4"))
    return data.getvalue()


def _sound() -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(100))
    return data.getvalue()


STRANGERS = {
    "empty file": [b""],
    "still image": [
        *(_picture(kind) for kind in ("png", "jpeg", "gif", "webp", "bmp", "tiff")),
        struct.pack(">I4s4sI", 24, b"ftyp", b"avif", 0),
        struct.pack(">I4s4sI", 24, b"ftyp", b"heic", 0),
    ],
    "audio only": [_sound(), b"ID3\x04\x00" + bytes(50), b"fLaC" + bytes(50)],
    "playlist": [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n",
        b"\xef\xbb\xbf#EXTM3U\n",
        b"\n\nffconcat version 1.0\nfile other.mp4\n",
        b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
    ],
    "subtitles only": [b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", b"WEBVTT\n\n"],
    "archive or document": [_archive("zip"), _archive("tar"), b"%PDF-1.7\n", b"\x1f\x8b\x08" + bytes(20)],
    "web page": [b"<!doctype html><html><title>Not found</title>"],
    "not a video container": [b"just some text", b"\x00", bytes(range(256)) * 2, b"RIFF....CDXA", b"GGGG"],
}


@pytest.mark.parametrize(("reason", "head"), [(reason, head) for reason, heads in STRANGERS.items() for head in heads])
def test_what_is_no_video_is_told_by_its_kind(reason: str, head: bytes) -> None:
    with pytest.raises(UnusableError) as caught:
        demuxer_of(head[:HEAD_BYTES])
    assert (caught.value.outcome, caught.value.reason) == ("failed", reason)
    assert caught.value.detail


@pytest.mark.parametrize("offset", [0, 4, 100, 187])
@pytest.mark.parametrize("step", [188, 192, 204])
def test_a_recording_may_begin_in_the_middle_of_a_packet(offset: int, step: int) -> None:
    packets = b"".join(b"G" + bytes(step - 1) for _ in range(6))
    assert demuxer_of((bytes(offset) + packets)[:HEAD_BYTES]) == "mpegts"


@pytest.mark.parametrize("atom", [b"ftyp", b"moov", b"mdat", b"wide", b"free"])
def test_quicktime_files_begin_with_any_of_their_atoms(atom: bytes) -> None:
    assert demuxer_of(struct.pack(">I4s", 8, atom)).startswith("mov")

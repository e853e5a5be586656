"""What is no video, whatever it is called: pictures, sound, texts, archives, and lists of other files."""

import io
import random
import struct
import tarfile
import wave
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["strangers"]


def strangers(canary: Path, port: int) -> Mapping[str, tuple[bytes, str]]:
    """Return bytes and the reason each must end for; lists point at `canary` and at a port of this machine."""
    url = f"http://127.0.0.1:{port}/video.mp4"
    playlist, document = "playlist", "archive or document"
    return {
        "nothing": (b"", "empty file"),
        "one byte": (b"\x00", "not a video container"),
        "a text": (b"This was a video once.\n" * 40, "not a video container"),
        "random bytes": (random.Random(0).randbytes(5000), "not a video container"),
        "zeros": (bytes(5000), "not a video container"),
        **{f"a picture ({kind})": (_picture(kind), "still image") for kind in ("png", "jpeg", "gif", "webp")},
        "sound (wav)": (_sound(), "audio only"),
        "sound (mp3)": (b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 200, "audio only"),
        "subtitles": (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "subtitles only"),
        "a list for concat": (f"ffconcat version 1.0\nfile '{canary}'\nfile '{url}'\n".encode(), playlist),
        "a list for HLS": (
            f"#EXTM3U\n#EXTINF:2,\nfile://{canary}\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n".encode(),
            playlist,
        ),
        "a list for DASH": (
            f"<?xml version='1.0'?>\n<MPD><Period><BaseURL>{url}</BaseURL></Period></MPD>".encode(),
            playlist,
        ),
        "a session": (f"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode(), playlist),
        "a list behind a header": (_header() + f"#EXTM3U\n#EXTINF:2,\n{url}\n".encode(), "not a readable video"),
        "an archive (tar)": (_tar(), document),
        "an archive (zip)": (_zip(), document),
        "a document": (b"%PDF-1.7\n" + bytes(100), document),
        "a web page": (f"<!DOCTYPE html><meta http-equiv=refresh content='0;{url}'>".encode(), "web page"),
    }


def _header() -> bytes:
    return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)


def _picture(kind: str) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), dtype=np.uint8)).save(data, format=kind)
    return data.getvalue()


def _sound() -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2000))
    return data.getvalue()


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../outside.mp4"))
        link = tarfile.TarInfo("link.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "../../outside.mp4"
        archive.addfile(link)
    return data.getvalue()


def _zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("../outside.mp4", b"x")
    return data.getvalue()

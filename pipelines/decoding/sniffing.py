"""What a file is by its first bytes, whatever its name says.

Only containers of video have a demuxer here, and a file is only ever shown to the one that its first bytes name. A list
of other files, a script or a picture therefore cannot pass as a video and make the reader do something else.
"""

from densewalk.pipelines.decoding.limits import UnusableError

__all__ = ["HEAD_BYTES", "demuxer_of"]

HEAD_BYTES = 1024
"""How much of a file is looked at."""
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"
_MOV_ATOMS = b"ftyp moov mdat moof styp sidx uuid free skip wide pnot junk".split()
_DEMUXERS = {
    b"\x1a\x45\xdf\xa3": "matroska,webm",
    b"OggS": "ogg",
    b"FLV\x01": "flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x00\x00\x01\xb3": "mpegvideo",
    b"\x06\x0e\x2b\x34": "mxf",
    b"DKIF\x00\x00": "ivf",
}
_STRANGERS = {
    b"\x89PNG": "still image",
    b"\xff\xd8\xff": "still image",
    b"GIF8": "still image",
    b"BM": "still image",
    b"II*\x00": "still image",
    b"MM\x00*": "still image",
    b"ID3": "audio only",
    b"fLaC": "audio only",
    b"\xff\xfb": "audio only",
    b"\xff\xf1": "audio only",
    b"#EXTM3U": "playlist",
    b"ffconcat": "playlist",
    b"[playlist]": "playlist",
    b"<MPD": "playlist",
    b"v=0": "playlist",
    b"WEBVTT": "subtitles only",
    b"%PDF": "archive or document",
    b"PK\x03\x04": "archive or document",
    b"\x1f\x8b": "archive or document",
    b"7z\xbc\xaf": "archive or document",
    b"Rar!": "archive or document",
    b"<!DOCTYPE": "web page",
    b"<html": "web page",
}
_STILL_BRANDS = (b"avif", b"heic", b"heix", b"mif1", b"miaf", b"jpeg")
_TS_SYNC, _TS_PACKETS = b"G"[0], (188, 192, 204)


def demuxer_of(head: bytes) -> str:
    """Return the demuxer that may read a file which begins with `head` (up to `HEAD_BYTES`).

    Raises `UnusableError` for anything that is not a container of video.
    """
    if head[4:8] in _MOV_ATOMS:
        if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
            raise UnusableError("still image", f"an MP4 of brand {head[8:12].decode()}")
        return _MOV
    if head[:4] == b"RIFF" and head[8:11] in (b"AVI", b"WAV", b"WEB"):
        if head[8:11] == b"AVI":
            return "avi"
        raise UnusableError("audio only" if head[8:11] == b"WAV" else "still image", f"begins with {head[:12]!r}")
    for start, demuxer in _DEMUXERS.items():
        if head.startswith(start):
            return demuxer
    if _is_transport_stream(head):
        return "mpegts"
    raise UnusableError(_strange_kind(head), f"begins with {head[:12]!r}" if head else "0 bytes")


def _is_transport_stream(head: bytes) -> bool:
    """Whether three packets in a row begin with the sync byte, at any offset: recordings begin anywhere."""
    for step in _TS_PACKETS:
        starts = range(min(step, len(head) - 2 * step))
        if any(head[k] == head[k + step] == head[k + 2 * step] == _TS_SYNC for k in starts):
            return True
    return False


def _strange_kind(head: bytes) -> str:
    if not head:
        return "empty file"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, kind in _STRANGERS.items():
        if text[: len(start)].lower() == start.lower():
            return kind
    if text.startswith(b"<?xml") and b"<MPD" in text:
        return "playlist"
    if b" --> " in text[:200]:
        return "subtitles only"
    return "archive or document" if head[257:262] == b"ustar" else "not a video container"

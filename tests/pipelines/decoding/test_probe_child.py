"""The probe's child: what it says of files of every kind, and why it refuses the others."""

from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.probe_child import probe
from densewalk.pipelines.records import StreamFacts
from densewalk.pipelines.stages.probe import CODECS

MakeVideo = Callable[..., Path]


def _probe(path: Path, **limits: Any) -> dict[str, Any]:
    with path.open("rb") as file:
        request = {"descriptor": file.fileno(), "limits": asdict(MediaLimits(**limits)), "codecs": CODECS}
        return probe(request)


def _facts(path: Path, **limits: Any) -> StreamFacts:
    return StreamFacts(**_probe(path, **limits)["facts"])


def _ending(path: Path, **limits: Any) -> tuple[str, str]:
    answer = _probe(path, **limits)
    return answer["outcome"], answer["reason"]


def _encode(
    path: Path, codec: str, pixel_format: str = "yuv420p", options: dict[str, str] | None = None, **context: Any
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixel_format
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        for shade in (40, 90, 140):
            image_HWC = np.full((64, 96, 3), shade, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(image_HWC, format="rgb24").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_facts_of_a_plain_video(make_video: MakeVideo) -> None:
    facts = _facts(make_video(num_frames=24, fps=12))
    assert facts.container.startswith("mov,mp4")
    assert (facts.codec, facts.pixel_format, facts.coded_width, facts.coded_height) == ("h264", "yuv420p", 96, 64)
    assert (facts.rotation, facts.sample_aspect, facts.field_order) == (0, 1.0, "progressive")
    assert (facts.packets, facts.packet_fps, facts.variable_rate) == (24, 12.0, False)
    assert facts.streams == "video:h264"
    assert facts.declared_seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotation_and_aspect_of_the_first_frame(make_video: MakeVideo, rotation: int) -> None:
    facts = _facts(make_video(rotation=rotation, sample_aspect=Fraction(4, 3)))
    assert facts.rotation in (rotation, rotation - 360, rotation + 360)
    assert facts.sample_aspect == pytest.approx(4 / 3)


def test_sizes_are_judged_upright_with_square_pixels(make_video: MakeVideo) -> None:
    assert _ending(make_video("small.mp4"), min_side_px=66) == ("rejected", "too small")
    assert _ending(make_video("narrow.mp4"), max_aspect=1.2) == ("rejected", "too narrow")
    squeezed = make_video("squeezed.mp4", size_wh=(48, 64), sample_aspect=Fraction(2))
    assert _facts(squeezed, min_side_px=64).coded_width == 48


@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix", "names"),
    [(16, 9, 9, ("smpte2084", "bt2020", "bt2020nc")), (18, 9, 9, ("arib-std-b67", "bt2020", "bt2020nc"))],
)
def test_colours_have_names(tmp_path: Path, transfer: int, primaries: int, matrix: int, names: tuple[str, ...]) -> None:
    colours = {"color_trc": transfer, "color_primaries": primaries, "colorspace": matrix, "color_range": 1}
    facts = _facts(
        _encode(tmp_path / "hdr.mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}, **colours)
    )
    assert (facts.colour_transfer, facts.colour_primaries, facts.colour_matrix) == names
    assert facts.colour_range == "limited"


@pytest.mark.parametrize(("top_first", "order"), [("1", "top"), ("0", "bottom")])
def test_interlaced_video_names_the_field_that_is_shown_first(tmp_path: Path, top_first: str, order: str) -> None:
    options = {"x264-params": "tff=1" if top_first == "1" else "bff=1"}
    assert _facts(_encode(tmp_path / "fields.mp4", "libx264", options=options)).field_order == order


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "expected"),
    [
        ("v.avi", "mpeg4", "yuv420p", "mpeg4"),
        ("v.mov", "prores_ks", "yuv422p10le", "prores"),
        ("v.webm", "libvpx-vp9", "yuv420p", "vp9"),
        ("v.mkv", "ffv1", "yuv420p", "ffv1"),
        ("v.avi", "mjpeg", "yuvj420p", "mjpeg"),
        ("v.flv", "flv1", "yuv420p", "flv1"),
        ("v.mpg", "mpeg2video", "yuv420p", "mpeg2video"),
        ("v.ogv", "libtheora", "yuv420p", "theora"),
        ("v.wmv", "wmv2", "yuv420p", "wmv2"),
    ],
)
def test_common_codecs_in_their_containers_are_let_through(
    tmp_path: Path, name: str, codec: str, pixel_format: str, expected: str
) -> None:
    try:
        path = _encode(tmp_path / name, codec, pixel_format)
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this build of FFmpeg has no {codec} encoder")
    assert _facts(path).codec == expected


def test_a_codec_that_is_not_on_the_list_is_rejected(tmp_path: Path) -> None:
    assert _ending(_encode(tmp_path / "v.mov", "qtrle", "rgb24")) == ("rejected", "codec not allowed")


def test_sound_with_a_cover_is_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound, cover = container.add_stream("aac", rate=44100), container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        for packet in [*cover.encode(av.VideoFrame(64, 64, "yuvj420p")), *sound.encode(frame), *sound.encode(None)]:
            container.mux(packet)
    assert _ending(path) == ("failed", "audio only")


def test_encrypted_video_is_told_from_damage(tmp_path: Path, make_video: MakeVideo) -> None:
    path = tmp_path / "encrypted.mp4"
    keys = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "11" * 16, "encryption_kid": "22" * 16}
    with av.open(str(make_video())) as source, av.open(str(path), "w", options=keys) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert _ending(path) == ("failed", "encrypted")


def test_a_stream_without_a_picture_says_what_was_read(make_video: MakeVideo) -> None:
    path = make_video("video.mp4")
    data = bytearray(path.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = b"\xff" * (end - start)
    path.write_bytes(data)
    answer = _probe(path)
    assert (answer["outcome"], answer["reason"]) == ("failed", "no decodable frame")
    assert "packets read" in answer["detail"]

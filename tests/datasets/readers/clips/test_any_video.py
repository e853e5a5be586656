"""Any picture of any video is exactly the one that decoding everything gives, or an error: no third outcome."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.any_video import read_at
from densewalk.datasets.readers.clips.containers import opened
from densewalk.datasets.readers.clips.indexing import index_video
from densewalk.datasets.readers.clips.upright import UprightPictures
from densewalk.datasets.readers.clips.video_index import VideoIndex
from tests.numbered_videos import number_shown, turn_upright_mark, write_numbered

NUM = 40
KINDS = {
    "b_pyramid.mp4": {"g": "15", "bf": "3"},
    "one_group.mov": {"g": "250"},
    "open_groups.mkv": {"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"},
    "gradual_refresh.mkv": {"g": "12", "x264-params": "intra-refresh=1:bframes=0"},
    "fields.mp4": {"x264-params": "tff=1:interlaced=1:bframes=2:keyint=10"},
    "transport.ts": {"g": "12", "bf": "2"},
    "open_groups_hevc.mp4": {"codec": "libx265", "x265-params": "open-gop=1:bframes=3:keyint=12:log-level=none"},
    "hidden_frames.webm": {"codec": "libvpx-vp9", "g": "12", "lag-in-frames": "16", "cpu-used": "8"},
    "hidden_packets.webm": {"codec": "libvpx", "g": "12", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"},
    "av1.mp4": {"codec": "libsvtav1", "g": "12", "preset": "12"},
    "mpeg4.mp4": {"codec": "mpeg4", "g": "12", "bf": "2", "qscale": "2"},
    "reordered.avi": {"codec": "mpeg4", "g": "12", "bf": "2"},
    "plain.avi": {"codec": "mpeg4", "g": "12", "bf": "0"},
    "guessed_times.mpg": {"codec": "mpeg2video", "g": "12", "bf": "2"},
    "flash.flv": {"codec": "libx264", "g": "12", "bf": "2"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_random_access_finds_the_picture_itself(kind: str, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / kind, NUM, **KINDS[kind])
    index = index_video(path)
    assert (index.frames, index.fps) == (NUM, 25.0)
    for frame in (0, NUM - 1, 27, 13, 26, 37):
        assert number_shown(read_at(path, index, [frame])[0]) == frame


def test_several_pictures_come_in_the_order_asked_from_bytes_too(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", NUM, g="12", bf="2")
    asked = [31, 2, 2, 30, 14, 0]
    video_THWC = read_at(path.read_bytes(), index_video(path), asked)
    assert [number_shown(picture) for picture in video_THWC] == asked
    assert read_at(path, index_video(path), []).shape == (0, 64, 128, 3)


def test_uneven_times_lie_on_an_even_grid_that_shows_what_is_on_the_screen(tmp_path: Path) -> None:
    ticks = [0, 40, 80, 120, 240, 280, 320, 360, 400, 440]  # three steps are missing behind the fourth picture
    path = write_numbered(tmp_path / "a.mkv", ticks=ticks, time_base=Fraction(1, 1000))
    index = index_video(path)
    shown = [number_shown(picture) for picture in read_at(path, index, range(index.frames))]
    assert index.fps == 25
    assert shown == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 4)
    turn_upright_mark(path, 1)
    index = index_video(path)
    assert (index.height, index.width) == (128, 64)
    assert number_shown(np.rot90(read_at(path, index, [3])[0], 1)) == 3


def test_pixels_become_square(tmp_path: Path) -> None:
    index = index_video(write_numbered(tmp_path / "a.mp4", 4, sample_aspect=Fraction(4, 3)))
    assert (index.height, index.width) == (64, 171)
    assert number_shown(read_at(tmp_path / "a.mp4", index, [2])[0]) == 2


def test_colours_are_those_of_the_library_where_the_video_names_its_matrix(real_data: Path) -> None:
    path = real_data / "videos" / "odd" / "torchcodec__bt709_full_range.mp4"
    with av.open(str(path)) as container:
        expected_HWC = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(read_at(path, index_video(path), [0])[0].astype(int) - expected_HWC).max() <= 1


def test_damage_spoils_its_own_group_only(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", NUM, g="10", bf="0")
    index = index_video(path)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, size = places[13]
    content[start + 5 : start + size] = bytes(byte ^ 0x55 for byte in content[start + 5 : start + size])
    for frame in (9, 12, 20, 39):
        assert number_shown(read_at(bytes(content), index, [frame])[0]) == frame
    for frame in (13, 14, 19):
        with pytest.raises(DataError):
            read_at(bytes(content), index, [frame])


def test_lost_key_frame_is_not_made_up_for(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", NUM, codec="mpeg4", g="10", bf="0")
    index = index_video(path)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, size = places[20]
    content[start : start + size] = bytes(size)
    assert number_shown(read_at(bytes(content), index, [19])[0]) == 19
    with pytest.raises(DataError):
        read_at(bytes(content), index, [24])


def test_video_cut_off_gives_its_whole_pictures(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mkv", NUM, g="10")
    whole = index_video(path)
    content = path.read_bytes()[: path.stat().st_size * 2 // 3]
    index = index_video(content)
    assert NUM // 3 < index.frames < NUM
    assert number_shown(read_at(content, index, [5])[0]) == 5
    with pytest.raises(DataError):
        read_at(content, whole, [NUM - 1])


def test_other_video_than_the_indexed_one_is_an_error(tmp_path: Path) -> None:
    index = index_video(write_numbered(tmp_path / "a.mp4", NUM, g="10"))
    other = write_numbered(tmp_path / "b.mp4", NUM, g="10", ticks=range(1, 2 * NUM, 2))
    with pytest.raises(DataError):
        read_at(other, index, [24])


@pytest.mark.parametrize("frame", [-1, NUM])
def test_picture_outside_the_video_is_named(frame: int, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", NUM)
    with pytest.raises(DataError, match=f"has {NUM} frames at 25 a second; {frame} was asked for"):
        read_at(path, index_video(path), [frame])


@pytest.mark.parametrize("content", [b"", b"hello, this is a text", bytes(5000), b"ffconcat version 1.0\nfile a.mp4\n"])
def test_what_is_no_video_is_a_data_error(content: bytes, tmp_path: Path) -> None:
    write_numbered(tmp_path / "a.mp4", 2)
    (tmp_path / "list.mp4").write_bytes(content)
    for video in (content, tmp_path / "list.mp4", tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(DataError):
            index_video(video)


def _everything(path: Path, index: VideoIndex) -> dict[int | None, np.ndarray]:
    """Return what decoding the whole file in one go gives at each time, or by number where times are no names."""
    upright, pictures = UprightPictures(index), dict[int | None, np.ndarray]()
    with opened(path) as (container, stream):
        number = 0
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                pictures.setdefault(number if index.counted else frame.pts, upright(frame))
                number += 1
    return pictures


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["clips", "odd", "panda70m"])
def test_real_videos_give_identical_pixels_or_an_error(folder: str, real_data: Path) -> None:
    num_identical = num_errors = 0
    for path in sorted((real_data / "videos" / folder).iterdir()):
        try:
            index = index_video(path)
        except DataError:
            num_errors += 1
            continue
        expected = _everything(path, index)
        for frame in {0, index.frames - 1, *np.random.default_rng(0).integers(0, index.frames, 6).tolist()}:
            try:
                (picture_HWC,) = read_at(path, index, [frame])
            except DataError:
                num_errors += 1
                continue
            number = int(index.shown([frame])[0])
            name = number if index.counted else int(index.tick_N[number])
            np.testing.assert_array_equal(picture_HWC, expected[name], err_msg=f"{path.name} frame {frame}")
            num_identical += 1
    assert num_identical > 100
    assert num_errors <= (30 if folder == "odd" else 0)


@pytest.mark.real_data
def test_faults_of_an_encoder_are_made_good_behind_a_seek_too(real_data: Path) -> None:
    """Old x264 wrote 4:4:4 wrongly and its name into the first picture; who does not read it decodes wrong colours."""
    path = real_data / "videos" / "clips" / "imageio-binaries__cockatoo.mp4"
    index = index_video(path)
    expected = _everything(path, index)
    for frame in (80, 150, 279):
        (picture_HWC,) = read_at(path, index, [frame])
        np.testing.assert_array_equal(picture_HWC, expected[int(index.tick_N[frame])])

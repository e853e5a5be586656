import io
import struct
from collections.abc import Callable

import av
import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.picture_table import picture_table

NUM_FRAMES = 27


@pytest.fixture(scope="module")
def mp4(encode_clip: Callable[..., bytes]) -> bytes:
    return encode_clip(0, NUM_FRAMES)


def _pictures(mp4: bytes) -> list[bytes]:
    table = picture_table(mp4)
    return [bytes(table.content(mp4, picture)) for picture in range(len(table))]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, *numbers: int) -> bytes:
    return _box(kind, struct.pack(f">{1 + len(numbers)}I", 0, *numbers))


def _clip(*tables: bytes, pictures: bytes = b"") -> bytes:
    """Return an mp4 with the given tables, whose pictures begin at byte 8."""
    entry = _box(b"avc1", bytes(24) + struct.pack(">HH", 64, 48) + bytes(50) + _box(b"avcC", b"avc"))
    stbl = _box(b"stbl", _box(b"stsd", struct.pack(">II", 0, 1) + entry) + b"".join(tables))
    return _box(b"mdat", pictures) + _box(b"moov", _box(b"trak", _box(b"mdia", _box(b"minf", stbl))))


def test_pictures_are_the_packets_of_a_demuxer(mp4: bytes) -> None:
    with av.open(io.BytesIO(mp4)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        keyframes = [n for n, entry in enumerate(container.streams.video[0].index_entries) if entry.is_keyframe]
        extradata = container.streams.video[0].codec_context.extradata
    table = picture_table(mp4)
    assert _pictures(mp4) == packets
    assert (list(table.keyframes), table.extradata, table.size_hw) == (keyframes, extradata, (48, 64))


def test_last_keyframe_is_at_or_before_the_picture(mp4: bytes) -> None:
    table = picture_table(mp4)
    assert [table.keyframe_of(picture) for picture in (0, 11, 12, 13, 26)] == [0, 0, 12, 12, 24]


@pytest.mark.parametrize("chunk_table", [_full(b"stco", 2, 8, 13), _box(b"co64", struct.pack(">IIQQ", 0, 2, 8, 13))])
def test_pictures_of_several_chunks_have_their_own_places(chunk_table: bytes) -> None:
    tables = (_full(b"stsz", 0, 3, 2, 1, 4), _full(b"stsc", 2, 1, 2, 1, 2, 1, 1), chunk_table)
    assert _pictures(_clip(*tables, pictures=b"aab--cccc")) == [b"aa", b"b", b"cccc"]


def test_without_a_table_of_keyframes_every_picture_is_one_and_one_size_may_hold_for_all() -> None:
    mp4 = _clip(_full(b"stsz", 2, 3), _full(b"stsc", 1, 1, 3, 1), _full(b"stco", 1, 8), pictures=b"aabbcc")
    assert _pictures(mp4) == [b"aa", b"bb", b"cc"]
    assert picture_table(mp4).keyframes == (0, 1, 2)


def test_picture_beyond_the_end_of_the_file_has_no_bytes(mp4: bytes) -> None:
    cut = mp4[:-1]
    assert _pictures(cut)[:-1] == _pictures(mp4)[:-1]
    assert _pictures(cut)[-1] == b""


@pytest.mark.parametrize(
    "tables",
    [
        (_full(b"stsz", 0, 3, 2, 1, 4), _full(b"stsc", 1, 1, 2, 1), _full(b"stco", 1, 8)),
        (_full(b"stsz", 0, 1 << 31, 2), _full(b"stsc", 1, 1, 1, 1), _full(b"stco", 1, 8)),
        (_full(b"stsz", 7, 1 << 31), _full(b"stsc", 1, 1, 1, 1), _full(b"stco", 1, 8)),
        (_full(b"stsz", 7, 1 << 31), _full(b"stsc", 1, 1, 1 << 31, 1), _full(b"stco", 1, 8)),
        (_full(b"stsz", 0, 1, 2), _full(b"stsc", 1, 1, 1, 1), _full(b"stco", 5, 8)),
        (_full(b"stsz", 0, 1, 2), _full(b"stsc", 1, 0, 1, 1), _full(b"stco", 1, 8)),
        (_full(b"stsz", 0, 1, 2), _full(b"stsc", 1, 1, 1, 1), _full(b"stco", 1, 8), _full(b"stss", 1, 2)),
        (_full(b"stsz", 0, 1, 2), _full(b"stsc", 1, 1, 1, 1)),
        (),
    ],
)
def test_tables_that_do_not_belong_together_are_refused(tables: tuple[bytes, ...]) -> None:
    with pytest.raises(DataError, match="no mp4 with a table"):
        picture_table(_clip(*tables, pictures=b"aa"))


def test_table_of_any_bytes_ends_in_a_table_or_a_data_error(mp4: bytes) -> None:
    """No byte of the header can hang the reader, run it out of memory or make it fail otherwise."""
    for place in range(mp4.index(b"mdat")):
        broken = bytearray(mp4)
        broken[place] ^= 0xFF
        try:
            table = picture_table(bytes(broken))
        except DataError:
            continue
        assert all(len(table.content(mp4, picture)) <= len(mp4) for picture in range(len(table)))

"""TFRecord files: every record by number, and every damage told with file and byte."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.tfrecord import TFRecordFile
from densewalk.datasets.storage.config import CacheConfig
from densewalk.datasets.storage.opening import open_store
from tests.movi_records import tfrecords

CONTENTS = [b"first", b"", b"x" * 5000, b"last one"]


def _file(folder: Path, content: bytes) -> TFRecordFile:
    (folder / "a.tfrecord").write_bytes(content)
    return TFRecordFile(open_store(folder, CacheConfig()), "a.tfrecord")


def test_records_are_read_in_any_order(tmp_path: Path) -> None:
    file = _file(tmp_path, tfrecords(CONTENTS))
    assert [file.record(number) for number in (3, 0, 2, 1)] == [CONTENTS[number] for number in (3, 0, 2, 1)]
    assert file.piece(3, 5, 3) == b"one"
    assert len(file) == 4
    assert len(_file(tmp_path, b"")) == 0


def test_a_record_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = _file(tmp_path, tfrecords(CONTENTS))
    with pytest.raises(DataError, match=r"ends at byte \d+ after 4 records; expected a record number 4"):
        file.record(4)
    with pytest.raises(DataError, match="lie outside"):
        file.piece(3, 5, 30)
    with pytest.raises(DataError, match=r"b\.tfrecord"):
        TFRecordFile(open_store(tmp_path, CacheConfig()), "b.tfrecord").record(0)


@pytest.mark.parametrize("kept", [3, 11, 12, 15, 20, 21, 60, 5000])
def test_a_file_that_was_cut_keeps_its_whole_records(tmp_path: Path, kept: int) -> None:
    whole = tfrecords(CONTENTS)
    file = _file(tmp_path, whole[:kept])
    ends = [0, 21, 37, 37 + 5016, len(whole)]
    readable = sum(end <= kept for end in ends[1:])
    for number in range(readable):
        assert file.record(number) == CONTENTS[number]
    with pytest.raises(DataError, match=rf"a\.tfrecord ends at byte {kept} "):
        file.record(readable)


def test_wrong_checksums_are_told_with_their_bytes(tmp_path: Path) -> None:
    content = bytearray(tfrecords(CONTENTS))
    content[37 + 12 + 100] ^= 1
    file = _file(tmp_path, bytes(content))
    with pytest.raises(DataError, match=r"bytes 49 to 5049 \(record 2\).*checksum"):
        file.record(2)
    assert file.record(3) == CONTENTS[3]
    content[37] ^= 1
    with pytest.raises(DataError, match="byte 37: the length of record 2"):
        _file(tmp_path, bytes(content)).record(3)


def test_a_length_that_no_file_has_is_not_believed(tmp_path: Path) -> None:
    from densewalk.datasets.readers.clips.tfrecord_checksum import masked_crc32c

    head = (1 << 60).to_bytes(8, "little")
    content = head + masked_crc32c(head).to_bytes(4, "little") + b"abc"
    with pytest.raises(DataError, match="in the middle of record 0"):
        _file(tmp_path, content).record(0)


def test_compressed_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    import gzip

    with pytest.raises(DataError, match="gunzip"):
        _file(tmp_path, gzip.compress(tfrecords(CONTENTS))).record(0)
    with pytest.raises(DataError, match="byte 0: the length of record 0"):
        _file(tmp_path, b"this is some text and no record").record(0)


def test_files_that_others_write_are_read(tmp_path: Path) -> None:
    writer = pytest.importorskip("tensorboardX.record_writer")
    path = tmp_path / "b.tfrecord"
    written = writer.RecordWriter(str(path))
    for content in CONTENTS:
        written.write(content)
    written.close()
    file = TFRecordFile(open_store(tmp_path, CacheConfig()), path.name)
    assert [file.record(number) for number in range(len(file))] == CONTENTS

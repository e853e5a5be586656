import io
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.errors import DataError
from densewalk.datasets.shards.tar_members import TarMember, walk_tar

NAMES = st.text("abcö/.- _", min_size=1, max_size=150).filter(lambda name: name.strip("/.") and not name.endswith("/"))


def _tar(members: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT, **fields: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for field, value in fields.items():
                setattr(entry, field, value)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _walk(content: bytes, total: int | None = None) -> Iterator[TarMember]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        yield from walk_tar(file, len(content) if total is None else total)


def _walked(content: bytes) -> list[TarMember]:
    return list(_walk(content))


def _until_fault(content: bytes) -> tuple[list[TarMember], str]:
    found: list[TarMember] = []
    try:
        found.extend(_walk(content))
    except DataError as error:
        return found, str(error)
    return found, ""


@given(
    members=st.lists(st.tuples(NAMES, st.binary(max_size=1300)), max_size=5),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
@settings(max_examples=60, deadline=None)
def test_members_lie_where_pythons_reader_finds_them(members: list[tuple[str, bytes]], form: int) -> None:
    content = _tar(members, form)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        expected = [(entry.name, entry.offset_data, entry.size) for entry in tar if entry.isreg()]
    assert [(member.name, member.offset, member.bytes) for member in _walked(content)] == expected


def test_prefix_of_ustar_and_names_of_other_alphabets_are_read() -> None:
    name = "a/" * 60 + "video.mp4"
    assert [member.name for member in _walked(_tar([(name, b"x")], tarfile.USTAR_FORMAT))] == [name]
    latin = _tar([("gr\udcfc\udcdf.mp4", b"x")], tarfile.GNU_FORMAT)
    assert [member.name for member in _walked(latin)] == ["gr\udcfc\udcdf.mp4"]


def test_sizes_above_the_octal_field_are_read() -> None:
    entry = tarfile.TarInfo("large.mp4")
    entry.size = 9 << 30
    for header in (entry.tobuf(tarfile.GNU_FORMAT), entry.tobuf(tarfile.PAX_FORMAT)):
        member = next(iter(_walk(header, 1 << 40)))
        assert (member.bytes, member.offset, member.fault) == (9 << 30, len(header), "")


def test_global_pax_records_hold_for_all_members() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "made by a test"}
    ) as t:
        for name in ("a.mp4", "b.mp4"):
            t.addfile(tarfile.TarInfo(name))
    assert [member.name for member in _walked(buffer.getvalue())] == ["a.mp4", "b.mp4"]


def test_links_and_devices_are_named_and_not_followed() -> None:
    links = _tar([("l.mp4", b"")], type=tarfile.SYMTYPE, linkname="/etc/passwd")
    hard = _tar([("h.mp4", b"")], type=tarfile.LNKTYPE, linkname="a.mp4")
    pipe = _tar([("p.mp4", b"")], type=tarfile.FIFOTYPE)
    faults = [_walked(content)[0].fault for content in (links, hard, pipe)]
    assert faults[0] == "a link to /etc/passwd, which is not followed"
    assert faults[1:] == ["a link to a.mp4, which is not followed", "no regular file"]
    assert _walked(_tar([("d", b"")], type=tarfile.DIRTYPE)) == []


def test_sparse_files_are_passed_over(tmp_path: Path) -> None:
    with (tmp_path / "hole.mp4").open("wb") as file:
        for place in range(40):  # more pieces than fit into a header
            file.seek(place * 65536)
            file.write(b"x")
    (tmp_path / "b.mp4").write_bytes(b"behind")
    for form in ("gnu", "pax"):
        path = tmp_path / f"{form}.tar"
        command = ["tar", "-C", tmp_path, "--sparse", f"--format={form}", "-cf", path, "hole.mp4", "b.mp4"]
        subprocess.run(command, check=True)
        content = path.read_bytes()
        sparse, behind = _walked(content)
        assert sparse.fault == "a sparse file"
        assert content[behind.offset : behind.offset + behind.bytes] == b"behind"


@pytest.mark.parametrize("keep", [*range(0, 4096, 100), 512, 1536, 2048, 3072, 3073])
def test_tar_that_is_cut_off_gives_what_is_whole(keep: int) -> None:
    whole = _tar([("a.mp4", b"1" * 700), ("b.mp4", b"2" * 700)], tarfile.USTAR_FORMAT)
    found, fault = _until_fault(whole[:keep])
    sound = [member.name for member in found if not member.fault]
    assert sound == [name for name, end in (("a.mp4", 512 + 700), ("b.mp4", 2048 + 700)) if keep >= end]
    is_said = bool(fault) or any(member.fault for member in found)
    assert is_said == (keep <= 3072)


def test_what_ends_a_walk_is_named_with_its_byte() -> None:
    whole = bytearray(_tar([("a.mp4", b"1" * 700), ("b.mp4", b"2" * 700)], tarfile.USTAR_FORMAT))
    whole[1536 + 10] ^= 1
    found, fault = _until_fault(bytes(whole))
    assert [member.name for member in found] == ["a.mp4"]
    assert fault.startswith(f"no tar header at byte 1536 of {len(whole)} (bad checksum)")


def _long_name(claimed: int) -> bytes:
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, claimed
    return entry.tobuf(tarfile.GNU_FORMAT) + b"a" * 1024


def _negative() -> bytes:
    header = bytearray(tarfile.TarInfo("a.mp4").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" + struct.pack(">q", -512).rjust(11, b"\xff")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: _long_name(1 << 40), f"a name of {1 << 40} bytes at byte 512"),
        (lambda: _long_name(4000), "a name of 4000 bytes at byte 512 of 1536"),
        (_negative, "says -512 bytes"),
        (lambda: b"\x1f\x8b\x08" + b"x" * 2000, "packed with gzip"),
        (lambda: b"ftypmp42" * 100, "no tar header at byte 0 of 800"),
    ],
)
def test_nonsense_ends_the_walk_without_being_believed(content: Callable[[], bytes], reason: str) -> None:
    found, fault = _until_fault(content())
    assert found == []
    assert reason in fault


@given(content=st.binary(max_size=3000), places=st.lists(st.integers(0, 4000), max_size=5))
@settings(max_examples=100, deadline=None)
def test_damage_anywhere_ends_in_members_or_one_fault(content: bytes, places: list[int]) -> None:
    whole = bytearray(_tar([("a" * 120 + ".mp4", content), ("b.mp4", content)]))
    for place in places:
        whole[place % len(whole)] ^= 255
    found, _ = _until_fault(bytes(whole))
    assert len(found) <= 2 + len(whole) // 512

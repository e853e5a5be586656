"""Taking rights away from this process for good: no other files, no network, no other programs.

A parser that a hostile file has taken over can do what its process may do, so its process may do next to nothing. Two
mechanisms of Linux, which need no privilege and cannot be undone: Landlock lets files be opened only below named
folders; a seccomp filter refuses system calls that make sockets, start programs or reach into other processes. Files
that are open already, and threads, go on working.
"""

import ctypes
import errno
import os
import platform
import struct
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import densewalk

__all__ = ["confine"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_NO_NEW_PRIVS = 38

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ, _READ_AND_LIST, _REFER, _TRUNCATE, _DEVICES = 1 << 2, 1 << 2 | 1 << 3, 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_TCP, _SCOPES = 0b11, 0b11
_SYSTEM_LIBRARIES = ("/usr/lib", "/usr/local/lib", "/lib", "/lib64")

_ARCHITECTURES = {"x86_64": (0xC000003E, 0, 317), "aarch64": (0xC00000B7, 1, 277)}
"""Of each: its number in filters, its column below, and the number of the system call that sets a filter."""
_REFUSED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
}
_CLONE, _CLONE3, _THREAD = (56, 220), (435, 435), 0x10000
_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_SET_FILTER, _ALL_THREADS = 1, 1


def confine(writable: Path | None) -> list[str]:
    """Keep this process from files other than libraries and what lies below `writable`, from network and programs.

    Returns what this machine's kernel cannot take away: empty, or some of `files` and `system calls`.
    """
    if _LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ["files", "system calls"]
    missing = [] if _confine_files(writable) else ["files"]
    return missing if _confine_calls() else [*missing, "system calls"]


def _confine_files(writable: Path | None) -> bool:
    version = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    rights = _FIRST_RIGHTS | sum(
        right for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _DEVICES)) if version >= since
    )
    handled = struct.pack("QQQ", rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    handled = handled[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _LIBC.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        allowed = [(folder, _READ_AND_LIST) for folder in _library_folders()]
        allowed += [] if writable is None else [(writable, rights)]
        added = [_allow(ruleset, folder, those) for folder, those in allowed]
        return all(added) and _LIBC.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)


def _library_folders() -> list[Path]:
    """Return where modules and shared libraries lie that are loaded when they are first needed."""
    ours = (str((Path(densewalk.__path__[0]) / name).resolve()) for name in ("datasets", "ssl", "pipelines"))
    python = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return [folder for folder in map(Path, dict.fromkeys((*ours, *python, *_SYSTEM_LIBRARIES))) if folder.is_dir()]


def _allow(ruleset: int, folder: Path, rights: int) -> bool:
    descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        return _LIBC.syscall(_ADD_RULE, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0)) == 0
    finally:
        os.close(descriptor)


def _confine_calls() -> bool:
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    code = b"".join(struct.pack("HBBI", *step) for step in _filter(*known[:2]))
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    return _LIBC.syscall(known[2], _SET_FILTER, _ALL_THREADS, program) == 0


def _filter(architecture: int, column: int) -> Iterable[tuple[int, int, int, int]]:
    """Yield the steps of the filter: operation, steps to leap when true, when false, and a value."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, architecture)
    yield refuse
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_AT_LEAST, 0, 1, 0x40000000)  # the same calls under other numbers
    yield refuse
    for number in (numbers[column] for numbers in _REFUSED.values()):
        if number is not None:
            yield (_EQUAL, 0, 1, number)
            yield refuse
    yield (_EQUAL, 0, 1, _CLONE3[column])
    yield (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)  # its flags lie in memory; the C library then asks for clone
    yield (_EQUAL, 0, 3, _CLONE[column])
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield (_HAS_BIT, 1, 0, _THREAD)
    yield refuse
    yield (_RETURN, 0, 0, _ALLOW)

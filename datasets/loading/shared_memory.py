"""Anonymous memory that two processes share: it has no name, counts against no mount, and is gone when both let go.

A block is a descriptor (`memfd` on Linux, an unlinked temporary file elsewhere) that is handed to another process and
mapped there. Unlike `mmap.mmap`, a mapping here keeps no descriptor of its own, so that a training may hold thousands.

Shapes: N bytes.
"""

import ctypes
import mmap
import os
import tempfile
from collections import deque

import numpy as np
from jaxtyping import UInt8

__all__ = ["Block", "Lease", "new_block"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value


def new_block(size: int) -> int:
    """Return the descriptor of `size` bytes of zeros, which take memory only where something is written."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("densewalk")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Block:
    """A block in the address space of this process, until nothing refers to it any more."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Map `size` bytes (at least 1); the descriptor may be closed then. Raises `OSError` when there is no room."""
        self.size = size
        self._address = _LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, descriptor, 0)
        if self._address == _FAILED:
            number = ctypes.get_errno()
            raise OSError(number, f"mapping {size} bytes of shared memory: {os.strerror(number)}")
        self.__array_interface__ = {"data": (self._address, False), "shape": (size,), "typestr": "|u1", "version": 3}

    @property
    def bytes_N(self) -> UInt8[np.ndarray, " n"]:  # noqa: N802
        """The memory itself; the array keeps the mapping alive."""
        return np.asarray(self)

    def __del__(self) -> None:
        if getattr(self, "_address", _FAILED) != _FAILED:
            _LIBC.munmap(self._address, self.size)


class Lease:
    """A block in use: the slot's number goes back to `returned` when no array refers to the lease any more."""

    def __init__(self, block: Block, slot: int, returned: deque[int]) -> None:
        self._block = block
        self._slot = slot
        self._returned = returned
        self.__array_interface__ = block.__array_interface__

    @property
    def bytes_N(self) -> UInt8[np.ndarray, " n"]:  # noqa: N802
        """The memory itself; the array keeps the lease alive."""
        return np.asarray(self)

    def __del__(self) -> None:
        self._returned.append(self._slot)

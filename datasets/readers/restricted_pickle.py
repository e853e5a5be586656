"""Reading pickles that others wrote: numpy arrays, builtin containers, text, bytes and numbers, and no code.

A pickle is a program that may call whatever it names. Here every name is looked up in a table of this module's own
makers, one for each way in which numpy has spelled its arrays (`numpy.core` and `numpy._core`, protocols 2 to 5);
anything else ends the reading before it is imported. numpy itself is only handed states that were looked at: elements
are numbers, text, bytes or objects of this same pickle, shapes are whole numbers that fit what was stored.
"""

import math
import pickle
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from densewalk.datasets.errors import DataError

__all__ = ["load_plain_pickle", "read_plain_pickle"]

_ELEMENT_KINDS = "biufcSUO"
_BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, MemoryError,
)  # fmt: skip
"""What a damaged or contrived pickle may raise inside the unpickler."""


def load_plain_pickle(path: Path) -> Any:
    """Return what a pickle file holds; raises `DataError` when it cannot be read or asks for anything but data.

    Arrays come as a subclass of `np.ndarray` without behaviour of its own; `np.asarray` makes them plain ones.
    """
    try:
        with path.open("rb") as file:
            return read_plain_pickle(file, where=str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; expected a pickle file") from error


def read_plain_pickle(file: BufferedIOBase, *, where: str) -> Any:
    """Return the next pickle of an open file, which is read as the pickle asks for it; `where` names it in errors."""
    try:
        return _PlainUnpickler(file, where).load()
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where} is not a whole pickle of plain data: {reason}; fetch or write it again") from error


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: BufferedIOBase, where: str) -> None:
        super().__init__(file)
        self._where = where

    def find_class(self, module: str, name: str) -> Any:
        """Return the maker that stands for a global; raises `DataError` when there is none."""
        if (module, name) not in _MAKERS:
            raise DataError(
                f"{self._where} asks for {module}.{name}; a pickle is read only when it holds numpy arrays, "
                "builtin containers, text, bytes and numbers, because anything else can run code"
            )
        return _MAKERS[module, name]


class _Elements:
    """Stands for a dtype while a pickle is read."""

    def __init__(self, code: Any, _align: Any = None, _copy: Any = None) -> None:
        if not isinstance(code, str):
            raise pickle.UnpicklingError(f"a dtype is named by {type(code).__name__}, expected text")
        self.dtype = np.dtype(code)
        if self.dtype.kind not in _ELEMENT_KINDS:
            raise pickle.UnpicklingError(f"an array has elements {code!r}, expected numbers, text or bytes")

    def __setstate__(self, state: Any) -> None:
        if any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("an array has elements with fields, expected numbers, text or bytes")
        self.dtype = self.dtype.newbyteorder(state[1])


class _PlainArray(np.ndarray):
    """An array that looks at its state before numpy does."""

    def __setstate__(self, state: Any) -> None:
        version, shape, elements, is_fortran, raw = state
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise pickle.UnpicklingError(f"an array has shape {shape}")
        if isinstance(raw, list) and len(raw) != math.prod(shape):
            raise pickle.UnpicklingError(f"an array of shape {shape} has {len(raw)} elements")
        super().__setstate__((version, shape, elements.dtype, is_fortran, raw))


def _elements(*arguments: Any) -> _Elements:
    return _Elements(*arguments)


def _unset_array(_kind: Any, _shape: Any, _code: Any) -> _PlainArray:
    return _PlainArray((0,), np.int8)


def _array_of_buffer(buffer: Any, elements: Any, shape: Any, order: Any, axis_order: Any = None) -> np.ndarray:
    array = np.frombuffer(buffer, elements.dtype)
    if order == "K":
        return array.reshape(shape).transpose(axis_order)
    return array.reshape(shape, order=order)


def _scalar(elements: Any, raw: Any) -> Any:
    return np.frombuffer(raw, elements.dtype, count=1)[0]


def _bytes_of_text(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are written as {encoding!r}, expected latin1")
    return text.encode("latin1")


_MAKERS: Mapping[tuple[str, str], Any] = MappingProxyType(
    {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): _elements, ("_codecs", "encode"): _bytes_of_text}
    | {(f"numpy.{core}.multiarray", "_reconstruct"): _unset_array for core in ("core", "_core")}
    | {(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")}
    | {(f"numpy.{core}.numeric", "_frombuffer"): _array_of_buffer for core in ("core", "_core")}
    | {(module, kind.__name__): kind for module in ("builtins", "__builtin__")
       for kind in (bytearray, bytes, complex, frozenset, set)}
)  # fmt: skip

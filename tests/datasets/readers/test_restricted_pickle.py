"""Pickles of plain data come back whole in every protocol; nothing else is even imported."""

import io
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.restricted_pickle import load_plain_pickle, read_plain_pickle

RNG = np.random.default_rng(0)
ARRAYS = {
    "floats": RNG.normal(size=(3, 4, 2)).astype(np.float32),
    "big-endian": np.arange(5, dtype=">f8"),
    "fortran": np.asfortranarray(RNG.normal(size=(3, 4))),
    "strided": np.arange(12).reshape(3, 4)[:, ::2],
    "transposed": RNG.normal(size=(2, 3, 4)).transpose(1, 0, 2),
    "pixels": RNG.integers(0, 256, (2, 3, 4, 3), dtype=np.uint8),
    "flags": np.array([[True, False]]),
    "jpegs": np.array([b"\xff\xd8 one", b"\xff\xd8 another"]),
    "words": np.array(["a", "bc"]),
    "empty": np.zeros((2, 0)),
    "no axis": np.array(3.0),
    "objects": np.array([{"a": 1}, None], dtype=object),
}


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.call


class Remembers:
    """Pickles by reference to its class."""


def _read(content: bytes) -> Any:
    return read_plain_pickle(io.BytesIO(content), where="there.pkl")


def _old_spelling(content: bytes) -> bytes:
    """Name numpy's modules as numpy 1 did; protocol 2 and 3 end names with a line feed."""
    return content.replace(b"numpy._core", b"numpy.core")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_in_every_protocol_as_from_an_ordinary_unpickler(name: str, protocol: int) -> None:
    content = pickle.dumps(ARRAYS[name], protocol)
    array, ordinary = np.asarray(_read(content)), pickle.loads(content)
    assert type(array) is np.ndarray
    assert array.dtype == ordinary.dtype
    assert array.strides == ordinary.strides
    assert array.shape == ARRAYS[name].shape
    assert array.tolist() == ARRAYS[name].tolist()


@pytest.mark.parametrize("protocol", [2, 3])
def test_arrays_written_by_numpy_1_come_back(protocol: int) -> None:
    content = _old_spelling(pickle.dumps([ARRAYS["floats"], np.float64(2.5)], protocol))
    assert b"numpy.core" in content
    array, scalar = _read(content)
    assert np.array_equal(array, ARRAYS["floats"])
    assert scalar == 2.5


@pytest.mark.parametrize("module", ["numpy.core", "numpy._core"])
def test_both_spellings_of_protocol_5_are_known(module: str) -> None:
    content = pickle.dumps(ARRAYS["floats"], 5)
    spelled = f"{module}.numeric".encode()
    content = content.replace(b"\x8c\x13numpy._core.numeric", b"\x8c" + bytes([len(spelled)]) + spelled)
    frame = int.from_bytes(content[3:11], "little") + len(spelled) - len("numpy._core.numeric")
    assert np.array_equal(_read(content[:3] + frame.to_bytes(8, "little") + content[11:]), ARRAYS["floats"])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_containers_text_bytes_and_numbers_come_back(protocol: int) -> None:
    content = {
        "dict": {"a": [1, 2.5, 1 + 2j, None, True]},
        "tuple": (b"", b"\x00\xff", bytearray(b"x")),
        "sets": [{1, 2}, frozenset({"a"})],
        "scalars": [np.float32(1.5), np.int64(3), np.bool_(True), np.str_("x"), np.bytes_(b"y")],
        "large": [2**70, "ü" * 300, b"z" * 300],
    }
    assert _read(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_runs_a_command_is_refused_and_nothing_runs(protocol: int, tmp_path: Path) -> None:
    path, trace = tmp_path / "bad.pkl", tmp_path / "trace"
    path.write_bytes(pickle.dumps({"video": Calls(os.system, f"touch {trace}")}, protocol))
    with pytest.raises(DataError, match=rf"bad\.pkl asks for {os.name}\.system"):
        load_plain_pickle(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (eval, ("1 + 1",), "builtins.eval"),
        (getattr, ([], "append"), "builtins.getattr"),
        (__import__, ("antigravity",), "builtins.__import__"),
        (np.load, ("somewhere",), "numpy.load"),
        (io.open, ("somewhere",), "io.open"),
    ],
)
def test_every_function_that_is_not_a_maker_of_data_is_named_and_refused(
    function: Any, arguments: Any, named: str
) -> None:
    with pytest.raises(DataError, match=f"there.pkl asks for {named}"):
        _read(pickle.dumps(Calls(function, *arguments)))
    assert "antigravity" not in sys.modules


def test_torch_tensors_and_own_classes_are_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"asks for torch\._utils\._rebuild_tensor_v2"):
        _read(pickle.dumps(torch.zeros(3)))
    with pytest.raises(DataError, match="Remembers"):
        _read(pickle.dumps(Remembers()))
    with pytest.raises(DataError, match=r"asks for pathlib\.PosixPath"):
        _read(pickle.dumps(Path("a")))


def test_dotted_names_do_not_reach_through_an_admitted_module() -> None:
    reaching = b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93."
    with pytest.raises(DataError, match=r"numpy\.dtype\.__init__"):
        _read(reaching)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float, tmp_path: Path) -> None:
    content = pickle.dumps({"a": ARRAYS["floats"], "b": list(range(50))}, 4)
    path = tmp_path / "half.pkl"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"half\.pkl is not a whole pickle"):
        load_plain_pickle(path)


def test_a_file_that_is_no_pickle_or_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.pkl"
    path.write_text("not a pickle at all")
    with pytest.raises(DataError, match=r"text\.pkl is not a whole pickle"):
        load_plain_pickle(path)
    with pytest.raises(DataError, match="No such file"):
        load_plain_pickle(tmp_path / "none.pkl")
    with pytest.raises(DataError, match="Is a directory"):
        load_plain_pickle(tmp_path)


def _array_state(shape: Any, code: str, raw: Any, state: Any = (3, "<", None, None, None, -1, -1, 0)) -> bytes:
    """A pickle that rebuilds an array from a state of one's own choice."""
    content = [b"\x80\x04"]
    content += [b"cnumpy._core.multiarray\n_reconstruct\n", b"(cnumpy\nndarray\n", _body((0,)), _body(b"b"), b"tR"]
    content += [b"(", _body(1), _body(shape)]
    content += [b"cnumpy\ndtype\n(", _body(code), b"\x89\x88tR", _body(state), b"b"]
    content += [b"\x89", _body(raw), b"tb."]
    return b"".join(content)


def _body(value: Any) -> bytes:
    """The opcodes that leave a value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def test_the_hand_made_state_is_read_when_it_is_sound() -> None:
    raw = np.arange(6, dtype=np.float64)
    assert np.array_equal(_read(_array_state((2, 3), "f8", raw.tobytes())), raw.reshape(2, 3))


@pytest.mark.parametrize(
    "content",
    [
        _array_state((-1, -6), "f8", bytes(48)),
        _array_state((2, 4), "f8", bytes(48)),
        _array_state((2,), "O", [1]),
        _array_state((1,), "O", bytes(8)),
        _array_state((1,), "V8", bytes(8)),
        _array_state((1,), "f4,f4", bytes(8)),
        _array_state((1,), "f8", bytes(8), (3, "<", None, ("a",), {"a": (0, 99)}, 8, 1, 0)),
        _array_state("ab", "f8", bytes(8)),
    ],
)
def test_states_that_do_not_fit_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="not a whole pickle"):
        _read(content)


def test_a_maker_called_with_something_else_is_refused() -> None:
    for content in (
        b"\x80\x04cnumpy\nndarray\n(K\x02tR.",
        b"\x80\x04cnumpy._core.multiarray\nscalar\n(K\x01K\x02tR.",
        b"\x80\x04cnumpy\ndtype\n(K\x01tR.",
        b"\x80\x04c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.",
    ):
        with pytest.raises(DataError, match="not a whole pickle"):
            _read(content)

"""The child process that indexes videos from anywhere: run as a module by `index_pool.py`.

A request is a line of JSON on standard input, an answer a kind, a length and that many bytes on standard output. It
ends with its parent: at the end of its input, or, inside a file that never ends, some time after the deadline.
"""

import faulthandler
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import DataError, UnreachableError
from densewalk.datasets.readers.clips.containers import Video
from densewalk.datasets.readers.clips.indexing import index_video

__all__ = ["BROKEN", "HEAD", "INDEX", "UNREACHABLE"]

HEAD = struct.Struct("!cI")
INDEX, BROKEN, UNREACHABLE, _BUG = b"i", b"d", b"u", b"b"
_LONGER_THAN_PARENT = 2.0


def _answer(request: dict[str, Any]) -> tuple[bytes, bytes]:
    try:
        return INDEX, index_video(_video(request)).to_bytes()
    except DataError as error:
        return BROKEN, str(error).encode(errors="replace")
    except UnreachableError as error:
        return UNREACHABLE, str(error).encode(errors="replace")
    except MemoryError:
        return BROKEN, b"the video asks for more memory than there is"
    except Exception as error:
        return _BUG, f"{type(error).__name__}: {error}".encode(errors="replace")


def _video(request: dict[str, Any]) -> Video:
    path = Path(request["path"])
    if request["size"] is None:
        return path
    try:
        with path.open("rb") as file:
            content = os.pread(file.fileno(), request["size"], request["offset"])
    except OSError as error:
        raise UnreachableError(f"cannot read {path}: {error.strerror}") from error
    if len(content) < request["size"]:
        raise DataError(f"{path} ends {request['size'] - len(content)} bytes early")
    return content


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        faulthandler.dump_traceback_later(request["seconds"] * _LONGER_THAN_PARENT, exit=True)
        kind, content = _answer(request)
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.buffer.write(HEAD.pack(kind, len(content)) + content)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

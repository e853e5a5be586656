"""The `.work` folder of a dataset in preparation, held by one process at a time.

    .work/staged/<recipe hash>/   what became of each source so far; kept when a run is killed
    .work/fetched/                downloads, broken ones included; kept when a run is killed
    .work/scratch/<run>/          frames in transit, of one run only; thrown away
    .work/commit/                 tables laid ready to be moved in

Nothing of it is left when a preparation has finished.
"""

import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.dataset import CARD
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.corpus.commit import roll_forward

__all__ = ["CONFIG", "Workplace", "held"]

CONFIG = "config.yaml"
_WORK = ".work"
_log = logging.getLogger("densewalk")


@dataclass(frozen=True, slots=True)
class Workplace:
    """The folders of one run."""

    out: Path
    staged: Path
    fetched: Path
    scratch: Path
    ready: Path


@contextmanager
def held(out: Path, recipe_hash: str) -> Iterator[Workplace]:
    """Hold the folder `out` for one preparation; finish or clear what an earlier one left.

    Staged sources stay when the block raises, everything temporary goes when it ends well. Raises `ConfigError` when
    the folder cannot be written or holds something else, `DataError` when another process prepares into it.
    """
    work = out / _WORK
    place = Workplace(
        out=out,
        staged=work / "staged" / recipe_hash,
        fetched=work / "fetched",
        scratch=work / "scratch" / uuid.uuid4().hex,
        ready=work / "commit",
    )
    try:
        _refuse_foreign(out)
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out, os.O_RDONLY)
        try:
            _lock(lock, out)
            shutil.rmtree(work / "scratch", ignore_errors=True)
            place.scratch.mkdir(parents=True)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise ConfigError(f"cannot write to {out}: {error.strerror}; choose another --out") from error
    try:
        roll_forward(out, place.ready)
        yield place
        shutil.rmtree(work)
    finally:
        shutil.rmtree(place.scratch, ignore_errors=True)
        os.close(lock)


def _refuse_foreign(out: Path) -> None:
    if not out.is_dir():
        return
    names = {path.name for path in out.iterdir()}
    foreign = names - {_WORK, f"{CONFIG}.partial"}
    if foreign and not {CONFIG, CARD} & names:
        raise ConfigError(
            f"{out} holds {sorted(foreign)[0]!r} and is not a dataset made by prepare; choose an empty or new --out"
        )


def _lock(handle: int, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(f"another process is preparing {out}; wait for it or choose another --out") from error
    except OSError as error:
        _log.warning("cannot lock %s (%s); make sure that nobody else prepares into it", out, error.strerror)

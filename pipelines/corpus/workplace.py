"""The `.work` folder of a dataset in preparation, held by one process at a time.

    .work/staged/<recipe hash>/   what became of each source so far; kept when a run is killed
    .work/fetched/                downloads, broken ones included; kept when a run is killed
    .work/attempts/               which records were in work when their process died; kept when a run is killed
    .work/scratch/<run>/          frames in transit, of one run only; thrown away
    .work/commit/                 tables laid ready to be moved in

Nothing of it is left when a preparation has finished.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from densewalk.datasets.atomic import disk_faults
from densewalk.datasets.dataset_card import CARD
from densewalk.datasets.errors import DataError
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.home import WORK, Home
from densewalk.pipelines.corpus.tables import LEDGER

__all__ = ["Workplace", "held", "tended"]


@dataclass(frozen=True, slots=True)
class Workplace:
    """The folders of one run."""

    out: Path
    staged: Path
    fetched: Path
    attempts: Path
    scratch: Path


@contextmanager
def held(home: Home, recipe_hash: str) -> Iterator[Workplace]:
    """Hold a home for one preparation; what an earlier one left in its folder is finished or cleared.

    Staged sources stay when the block raises, everything temporary goes when it ends well. Raises `ConfigError` when
    the place cannot be written or holds something else, `DataError` when another process prepares into it or its card
    is lost.
    """
    work = home.folder / WORK
    with _with_scratch(home) as scratch:
        if (home.folder / LEDGER).is_file() and not (home.folder / CARD).is_file():
            raise DataError(
                f"{home.name} has lost its {CARD}, without which its clips and what was purged of it are not known; "
                "put a copy of it back or choose another --out"
            )
        yield Workplace(
            out=home.folder,
            staged=work / "staged" / recipe_hash,
            fetched=work / "fetched",
            attempts=work / "attempts",
            scratch=scratch,
        )
        shutil.rmtree(work)


@contextmanager
def tended(home: Home) -> Iterator[Path]:
    """Hold a finished dataset for a change that is no preparation; give a folder for what is thrown away at the end.

    What an interrupted preparation has staged stays. Raises as `held` does, and `DataError` when there is no dataset.
    """
    if isinstance(home, FolderHome) and not (home.folder / CARD).is_file():
        raise _no_dataset(home)  # holding a folder makes it
    with _with_scratch(home) as scratch:
        if not (home.folder / CARD).is_file():
            raise _no_dataset(home)
        yield scratch


def _no_dataset(home: Home) -> DataError:
    return DataError(f"{home.name} is not a finished dataset made by prepare; expected one with a {CARD}")


@contextmanager
def _with_scratch(home: Home) -> Iterator[Path]:
    work = home.folder / WORK
    scratch = work / "scratch" / uuid.uuid4().hex
    with home.held():
        shutil.rmtree(work / "scratch", ignore_errors=True)
        with disk_faults(work):
            scratch.mkdir(parents=True)
        try:
            yield scratch
        finally:
            shutil.rmtree(work / "scratch", ignore_errors=True)

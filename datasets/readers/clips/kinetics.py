"""Kinetics-400, -600 and -700: clips of ten seconds cut from YouTube (Kay et al., 2017), in the folders people have.

A split lies flat in a folder of its own, as the CVDF packs unpack, or with a folder for each class, as Kinetics-700 and
most scripts leave it; the folder may be named as MMAction2 names it. The CVDF's replacements for corrupted files take
the place of files of the same name, and stand for listed clips that the split lacks. Of the clips that a list of the
split names (`annotations/<split>.csv`), those that are not there are counted in the log: some always are.
"""

import csv
import logging
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.containers import VIDEO_ENDINGS
from densewalk.datasets.readers.clips.footage_clips import FootageClips
from densewalk.datasets.readers.clips.found_files import files_below
from densewalk.datasets.readers.clips.video_clips import open_files
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.storage.config import CacheConfig

__all__ = ["open_kinetics"]

_LOG = logging.getLogger("densewalk")
_ORIGIN = Origin(
    name="Kinetics",
    site="github.com/cvdfoundation/kinetics-dataset",
    licence="annotations CC BY 4.0; the videos belong to their uploaders",
    layout=(
        "<split>/<id>_<start>_<end>.mp4 or <split>/<class>/<id>_<start>_<end>.mp4 (the archives unpacked)",
        "replacement/replacement_for_corrupted_k400/<id>_<start>_<end>.mp4, if there",
        "annotations/<split>.csv, if there",
    ),
)
_FOLDERS = ("{}", "videos_{}", "{}_256", "compress/{}_256", "videos/{}")
_ARCHIVES = ("*_targz", "*.tar.gz", "*/*.tar.gz")


def open_kinetics(path: Path | str, cache: CacheConfig, *, split: str = "train", seconds: float = 10.0) -> FootageClips:
    """Return the clips of a split, one a file of ten seconds.

    Raises `DataError` when the split is not there or none of its files can be read.
    """
    root = Path(path)
    require_files(_ORIGIN, root, [])
    folder = next((root / name.format(split) for name in _FOLDERS if (root / name.format(split)).is_dir()), None)
    files = files_below(folder, VIDEO_ENDINGS) if folder else []
    if not files:
        packed = sorted({match.name for pattern in _ARCHIVES for match in root.glob(pattern)})
        found = f"only archives ({', '.join(packed[:3])}): unpack them" if packed else f"no video of split {split}"
        raise DataError(f"{_ORIGIN.name}: {path} holds {found}; {_ORIGIN.expected}")
    chosen = _with_replacements(root, split, files)
    return open_files(f"kinetics:{path} ({split})", root, chosen, cache, seconds=seconds)


def _with_replacements(path: Path, split: str, files: list[Path]) -> list[Path]:
    """Return the files of a split after the replacements, by name."""
    listed = _listed(path, split)
    names = {file.stem for file in files}
    folder = path / "replacement"
    found = files_below(folder, VIDEO_ENDINGS) if folder.is_dir() else []
    replacements = {file.stem: file for file in found if file.stem in names or file.stem in listed}
    if absent := listed - names - replacements.keys():
        few = ", ".join(sorted(absent)[:3])
        _LOG.warning("kinetics: %d of %d listed clips of %s are absent: %s", len(absent), len(listed), split, few)
    chosen = [replacements.get(file.stem, file) for file in files]
    chosen += [file for name, file in replacements.items() if name not in names]
    return sorted(dict.fromkeys(chosen), key=lambda file: file.relative_to(path).as_posix())


def _listed(path: Path, split: str) -> set[str]:
    """Return the names that the split's list gives its clips; none where there is no list."""
    places = [path / "annotations" / f"{split}.csv", path / f"{split}.csv"]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return set()
    try:
        with file.open(newline="") as lines:
            return {
                f"{row['youtube_id']}_{int(float(row['time_start'])):06d}_{int(float(row['time_end'])):06d}"
                for row in csv.DictReader(lines)
            }
    except (KeyError, ValueError, OverflowError, TypeError, csv.Error) as error:
        raise DataError(f"{file} is no list of Kinetics: {error}; expected youtube_id, time_start, time_end") from error

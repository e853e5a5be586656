"""Finding the files of a data set: the folder it was unpacked to, and images and maps that belong together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin, require_files

__all__ = ["NamedFiles", "first_present", "list_names", "paired_names", "require_names"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """The files of one kind in a folder."""

    folder: Path
    ending: str
    """What follows a name."""
    stem: str = "*"
    """Pattern of the names, "*/*" where they lie in folders of the folder."""

    def path(self, name: str) -> Path:
        """Return where the file of a name is."""
        return self.folder / f"{name}{self.ending}"

    def names(self) -> set[str]:
        """Return the names that have a file; hidden files have none."""
        found = self.folder.glob(self.stem + self.ending)
        paths = (path for path in found if not path.name.startswith("."))
        return {path.relative_to(self.folder).as_posix().removesuffix(self.ending) for path in paths}


def first_present(origin: Origin, root: Path, places: Sequence[str]) -> Path:
    """Return the first of the files or folders under `root` that exists; raises `DataError` when none does."""
    require_files(origin, root, ())
    for place in places:
        if (root / place).exists():
            return root / place
    raise DataError(f"{origin.name}: {root} has none of {', '.join(places)}; {origin.expected}")


def list_names(path: Path) -> list[str]:
    """Return the sorted names in a list, one a line, bare or as the paths of an image and its labels."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the list {path}: {error}; expected a name or two paths a line") from error
    names = [Path(line.split()[0]).stem for line in lines if line.strip()]
    if not names or len(set(names)) < len(names):
        found = f"names {len(names) - len(set(names))} images twice" if names else "is empty"
        raise DataError(f"the list {path} {found}; expected every image of the split once")
    return sorted(names)


def paired_names(origin: Origin, images: NamedFiles, masks: NamedFiles, *, unlabelled: int = 0) -> list[str]:
    """Return the sorted names that images and maps share.

    Raises `DataError` when there are none, when a map has no image, or when more than `unlabelled` images have no map.
    """
    image_names, names = images.names(), masks.names()
    if not names:
        raise DataError(f"{origin.name}: no *{masks.ending} in {masks.folder}; {origin.expected}")
    require_names(origin, names - image_names, images)
    if len(image_names) > len(names) + unlabelled:
        require_names(origin, image_names - names, masks)
    return sorted(names)


def require_names(origin: Origin, absent: Iterable[str], files: NamedFiles) -> None:
    """Raise `DataError` when files of some names are absent: how many, the first few, and the origin."""
    names = sorted(absent)
    if names:
        shown = ", ".join(name + files.ending for name in islice(names, _SHOWN))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise DataError(f"{origin.name}: {files.folder} lacks {shown}{more}; {origin.expected}")

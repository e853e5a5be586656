"""What several verbs share in reading their arguments."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from densewalk.datasets.errors import ConfigError

__all__ = ["output_folder", "split_overrides"]

_OVERRIDE = re.compile(r"[A-Za-z_]\w*(\.\w+)*=.*", re.DOTALL)


def split_overrides(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return other arguments and `section.field=value` overrides, which a command line may mix.

    A file that exists is no override even when its name reads like one.
    """
    overrides = [text for text in arguments if _OVERRIDE.fullmatch(text) and not Path(text).exists()]
    return [text for text in arguments if text not in overrides], overrides


def output_folder(folder: Path, option: str = "--out") -> Path:
    """Return `folder` in absolute form, created if need be; raises `ConfigError` when nothing can be written there."""
    absolute = folder.absolute()
    try:
        absolute.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make folder {absolute}: {error.strerror}; choose another with {option}") from error
    if not os.access(absolute, os.W_OK | os.X_OK):
        raise ConfigError(f"cannot write to folder {absolute}: permission denied; choose another with {option}")
    return absolute

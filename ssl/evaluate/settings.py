"""What benchmarks do with their settings: find the data they name, and tell the protocol."""

from pathlib import Path
from typing import Any

from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import BenchmarkError

__all__ = ["data_for", "settings_of"]

_MOVE_NOTHING = ("data", "backend")


def data_for(benchmark: str, data: Path | None, expected: str) -> Path:
    """Return where the data is; raises `BenchmarkError` that says what is `expected` when nobody told."""
    if data is None:
        raise BenchmarkError(f"{benchmark} needs --data PATH: {expected}")
    return data


def settings_of(config: Any) -> dict[str, Any]:
    """Return the settings that move numbers: all but where the data lies and who searches neighbours."""
    return {name: value for name, value in to_mapping(config).items() if name not in _MOVE_NOTHING}

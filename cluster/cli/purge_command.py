"""densewalk purge: remove sources and their clips from a dataset. Not built yet."""

from densewalk.datasets.errors import ConfigError

__all__ = ["purge"]


def purge() -> None:
    """Remove sources from a dataset (not built yet)."""
    raise ConfigError("purge is not built yet; densewalk --help lists what is")

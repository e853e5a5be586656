"""densewalk export: write a run's network for use without densewalk. Not built yet."""

from densewalk.datasets.errors import ConfigError

__all__ = ["export"]


def export() -> None:
    """Write a network for use elsewhere (not built yet)."""
    raise ConfigError("export is not built yet; densewalk --help lists what is")

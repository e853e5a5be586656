"""densewalk benchmarks: what can be measured, on what data, under which published settings."""

from typing import Annotated

import typer

from densewalk.cluster.progress import say

__all__ = ["benchmarks"]


def benchmarks(
    name: Annotated[str | None, typer.Argument(help="A benchmark, to see its settings (default: list all).")] = None,
) -> None:
    """List the benchmarks, or show the settings of one.

    \b
    Examples:
      densewalk benchmarks
      densewalk benchmarks davis2017
    """
    from densewalk.datasets.config import to_yaml
    from densewalk.datasets.errors import known_name
    from densewalk.ssl.evaluate import BENCHMARKS

    if name is not None:
        kind = BENCHMARKS[known_name(name, BENCHMARKS, "benchmark")]
        settings = {"the defaults": kind.config, **{f"preset={name}": make for name, make in kind.presets.items()}}
        for title, make in settings.items():
            say(f"# {name}, {title}\n{to_yaml(make())}")
        return
    for title, kind in BENCHMARKS.items():
        data = "with --data" if kind.needs_data else "on its own data"
        presets = f"; preset={', '.join(kind.presets)}" if kind.presets else ""
        say(f"{title} ({data}; measures {' or '.join(sorted(kind.reads))}{presets})\n    {kind.text}")

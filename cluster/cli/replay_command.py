"""densewalk replay: one stage alone, on inputs that were saved for it, against what it made of them before."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import split_overrides
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError, DataError

__all__ = ["replay"]

_SHOWN = 20


def replay(
    *,
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="DIR [section.field=value]", help="Folder of prepare --save; changes to its settings."),
    ],
    golden: Annotated[
        Path | None, typer.Option("--golden", help="Compare with these outputs instead of DIR/golden.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Keep what comes out as DIR/golden.")] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="Numbers this close are equal, absolute and relative.")
    ] = 0.0,
) -> None:
    """Run one stage again on saved inputs and compare what it makes with golden outputs.

    Prints where records and files differ and exits with 2 when they do. What came out is in DIR/outputs. The folder
    holds all it needs and can be moved, kept beside tests, or sent with a question.

    \b
    Examples:
      densewalk prepare odd.mp4 --until quality --save odd
      densewalk replay odd --update
      densewalk replay odd
      densewalk replay odd quality.min_motion=0.5 --tolerance 1e-6
    """
    folders, overrides = split_overrides(arguments)
    if len(folders) != 1:
        raise ConfigError(f"one folder at a time, not {len(folders)}; name the one that prepare --save made")
    from densewalk.cluster.replay.running import replay as replay_stage

    done = replay_stage(Path(folders[0]), golden=golden, update=update, tolerance=tolerance, overrides=overrides)
    say(f"{done.stage} v{done.version}: {done.records} records, {done.files} files in {done.outputs}")
    say(f"time: {done.seconds:.2f} s")
    if done.golden is None:
        say(f"nothing to compare with; next: densewalk replay {folders[0]} --update keeps this as golden outputs")
        return
    if done.golden_version != done.version:
        say(f"{done.golden} was made by {done.stage} v{done.golden_version}")
    if not done.differences:
        say(f"equal to {done.golden}")
        return
    for line in done.differences[:_SHOWN]:
        say(f"  {line}")
    left = len(done.differences) - _SHOWN
    if left > 0:
        say(f"  and {left} more")
    advice = "densewalk replay DIR --update takes them as they are"
    raise DataError(f"{len(done.differences)} differences from {done.golden}; if they are meant, {advice}")

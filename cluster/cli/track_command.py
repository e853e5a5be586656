"""densewalk track: follow a grid of points through any video and write a film of it."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError, DataError

__all__ = ["track"]


def track(
    *,
    checkpoint: Annotated[Path, typer.Argument(help="A run folder, or one of its checkpoints.")],
    video: Annotated[str, typer.Argument(help="Any video file, or scene:NUMBER for a generated one.")],
    out: Annotated[Path, typer.Option("--out", help="Film to write, .mp4; a .gif appears beside it.")],
    grid: Annotated[int, typer.Option("--grid", help="Points along the longer side.")] = 12,
    start: Annotated[float, typer.Option("--start", help="Second at which to begin.")] = 0.0,
    seconds: Annotated[float, typer.Option("--seconds", help="Seconds to track.")] = 6.0,
    short_side: Annotated[int, typer.Option("--short-side", help="Pixels of the shorter side while tracking.")] = 128,
) -> None:
    """Film a grid of points tracked through any video.

    Writes an mp4 and a GIF with coloured tails; a hollow marker says that the point is taken for hidden.

    \b
    Examples:
      densewalk track runs/first holiday.mp4 --out holiday-tracks.mp4 --grid 16
      densewalk track runs/first scene:7 --out scene-tracks.mp4
    """
    if out.suffix.lower() != ".mp4":
        raise ConfigError(f"--out {out} does not end in .mp4; the film is an mp4")
    path, scene = Path(video), _scene_number(video)
    if scene is None and not path.is_file():
        raise DataError(f"no video file at {path}")
    if scene is None and out.exists() and out.samefile(path):
        raise ConfigError(f"--out {out} is the video itself; choose another name")
    from densewalk.cluster.tracking import FilmConfig, generate_video, read_video, write_track_film
    from densewalk.ssl.train.subject import load_matcher

    config = FilmConfig(grid=grid, start_seconds=start, seconds=seconds, short_side_px=short_side)
    matcher, provenance = load_matcher(checkpoint)
    output_folder(out.parent)
    video_THWC, fps = read_video(path, config) if scene is None else generate_video(scene, config)
    say(f"tracking {len(video_THWC)} frames of {path.name} with {provenance['checkpoint']}")
    film = write_track_film(matcher, video_THWC, fps, out, config)
    visible = film.tracks.visible_KT.mean()
    say(f"{len(film.tracks.track_KT2)} points, visible {100 * visible:.0f}% of the time")
    say(f"wrote {film.mp4} and {film.gif}")


def _scene_number(video: str) -> int | None:
    """Return the number in scene:NUMBER, None for the path of a file."""
    kind, separator, number = video.partition(":")
    if kind != "scene" or not separator:
        return None
    if not number.isdecimal():
        raise ConfigError(f"{video} names no generated scene; write scene:NUMBER, for example scene:7")
    return int(number)

"""densewalk track: follow points through any video, write them down and make a film of them."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.progress import say
from densewalk.datasets.errors import ConfigError, DataError

__all__ = ["track"]

Mode = Literal["chained", "direct", "combined"]
_WRITTEN = (".mp4", ".gif", ".npz", ".csv")


def track(
    *,
    subject: Annotated[
        str, typer.Argument(help="Run folder, one of its checkpoints, gmrw:FILE, gmflow:FILE, rgb or zero-motion.")
    ],
    video: Annotated[str, typer.Argument(help="Any video file, or scene:NUMBER for a generated one.")],
    out: Annotated[Path, typer.Option("--out", help="Film to write, .mp4; .gif, .npz and .csv appear beside it.")],
    grid: Annotated[int | None, typer.Option("--grid", help="Points along the longer side: 12.")] = None,
    queries: Annotated[Path | None, typer.Option("--queries", help="Points to track, .csv, .npy or .npz.")] = None,
    mask: Annotated[Path | None, typer.Option("--mask", help="Picture; points lie where it is not 0.")] = None,
    mode: Annotated[Mode, typer.Option("--mode", help="How points are followed, see above.")] = "chained",
    stride: Annotated[int | None, typer.Option("--stride", help="Pixels per node: the network's, or finer.")] = None,
    start: Annotated[float, typer.Option("--start", help="Second at which to begin.")] = 0.0,
    seconds: Annotated[float, typer.Option("--seconds", help="Seconds to track.")] = 6.0,
    short_side: Annotated[int, typer.Option("--short-side", help="Pixels of the shorter side while tracking.")] = 128,
) -> None:
    """Follow points through any video.

    Writes an mp4 and a GIF with coloured tails, in which a hollow marker says that the point is taken for hidden, and
    the tracks as .npz and .csv (point, frame, seconds, x, y, visible).

    Pixels (x, y) are the video's own, upright and at its full size, with (0, 0) at the corner of the first pixel;
    frames are counted from the video's first. A file of queries has the columns frame, x and y (.csv), or rows (frame,
    x, y) (.npy; .npz by the name queries). A mask belongs to the first tracked frame and may have any size.

    Chained steps from frame to frame; direct matches every frame with the query's; combined steps and, where a point
    was lost, matches with the query's frame until it is found again.

    \b
    Examples:
      densewalk track runs/first holiday.mp4 --out holiday-tracks.mp4 --grid 16
      densewalk track runs/first dog.mp4 --out dog-tracks.mp4 --mask dog.png --mode combined --stride 2
      densewalk track gmrw:gmrw.pth swing.mp4 --out swing.mp4 --queries points.csv --short-side 256 --stride 1
      densewalk track runs/first scene:7 --out scene-tracks.mp4
    """
    path, scene = Path(video), _scene_number(video)
    _check_arguments(out, path if scene is None else None, grid, queries, mask)
    from densewalk.cluster.following import follow_footage
    from densewalk.cluster.footage import opened_footage, scene_footage
    from densewalk.cluster.track_queries import chosen_queries
    from densewalk.cluster.tracking import FilmConfig, enlargement
    from densewalk.ssl.evaluate.subjects import load_network
    from densewalk.ssl.track.tracker import TrackerConfig

    matcher, provenance = load_network(subject)
    tracker = TrackerConfig(mode=mode, upsample=1 if stride is None else enlargement(matcher, stride))
    config = FilmConfig(
        grid=12 if grid is None else grid,
        start_seconds=start,
        seconds=seconds,
        short_side_px=short_side,
        tracker=tracker,
    )
    output_folder(out.parent)
    with opened_footage(path, config) if scene is None else nullcontext(scene_footage(scene, config)) as footage:
        query_K3 = chosen_queries(footage, grid=config.grid, queries=queries, mask=mask)
        say(f"tracking {len(footage.second_T)} frames of {path.name} with {provenance['subject']}")
        tracks, written = follow_footage(matcher, footage, query_K3, out, config)
    visible = 100 * tracks.visible_KT.mean()
    say(f"{len(query_K3)} points, visible {visible:.0f}% of the time; wrote {', '.join(map(str, written))}")


def _check_arguments(out: Path, video: Path | None, grid: int | None, queries: Path | None, mask: Path | None) -> None:
    """Raise what can be said before anything is loaded; no file that is given is ever replaced."""
    if video is not None and not video.is_file():
        raise DataError(f"no video file at {video}")
    if queries and (mask or grid is not None):
        raise ConfigError(f"--queries {queries} names the points itself; leave out --grid and --mask")
    if out.suffix.lower() != ".mp4":
        raise ConfigError(f"--out {out} does not end in .mp4; the film is an mp4")
    given = [path for path in (video, queries, mask) if path is not None and path.exists()]
    for written in (path for path in map(out.with_suffix, _WRITTEN) if path.exists()):
        for path in given:
            if written.samefile(path):
                raise ConfigError(f"--out {out} would replace {path}; choose another name")


def _scene_number(video: str) -> int | None:
    """Return the number in scene:NUMBER, None for the path of a file."""
    kind, separator, number = video.partition(":")
    if kind != "scene" or not separator:
        return None
    if not number.isdecimal():
        raise ConfigError(f"{video} names no generated scene; write scene:NUMBER, for example scene:7")
    return int(number)

"""What `densewalk track` does once it knows what is asked: follow points through footage, write them down, film them.

Shapes: K points, 3 = (frame, x, y).
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from densewalk.cluster.footage import Footage
from densewalk.cluster.track_tables import write_track_tables
from densewalk.cluster.tracking import FilmConfig, track_video, write_film
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.track.tracks import Tracks

__all__ = ["follow_footage"]


def follow_footage(
    matcher: Matcher, footage: Footage, query_K3: Float[np.ndarray, "k 3"], out: Path, config: FilmConfig
) -> tuple[Tracks, list[Path]]:
    """Write `out` (mp4), a GIF and the tables of the tracks beside it; return the tracks and the paths.

    Queries and tracks are in the video's own pixels, the queries' frames numbered as in the video. Raises `DataError`
    when a query is outside of what is tracked.
    """
    shown = track_video(matcher, footage.video_THWC, footage.shown_queries(query_K3), config)
    tracks = shown.scaled(footage.own_from_shown_xy)
    tables = write_track_tables(out, tracks, query_K3, footage)
    gif = write_film(out, footage.video_THWC, shown, fps=footage.fps, gif_bytes=config.gif_bytes)
    return tracks, [out, gif, *tables]

"""Whether a real preparation fits a machine of 4 GB: full HD sources with flow and tracks, on Ray and two cores.

Films are drifting textures of 1920 x 1080, half a minute each; what decoding, shots, flow, tracks and encoding hold
depends on sizes and lengths, not on what is shown. Memory is that of all processes together, five times a second;
pages of files that the kernel may drop at any time do not count.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._densewalk_command import ENVIRONMENT, cores, densewalk
from tests.benchmarks._measuring import Row
from tests.benchmarks._process_tree import watch
from tests.benchmarks._tiny_videos import write_tiny_videos

DEVICES = ("cpu",)
_FILM = {"size_wh": (1920, 1080), "num_frames": 720, "fps": 24}
_NUM_FILMS = 3
_OPTIONS = ("flow.enabled=true", "tracks.enabled=true", "engine.cpus=2")


def run(device: str) -> Iterator[Row]:
    """Yield the peak and what was made."""
    with tempfile.TemporaryDirectory() as text:
        films = Path(text) / "films"
        write_tiny_videos(films, _NUM_FILMS, **_FILM)
        command = densewalk("prepare", films, "--out", Path(text) / "out", *_OPTIONS, "--engine", "ray")
        cost = watch(command, cores=cores()[:2], environment=ENVIRONMENT)
        num_frames = _NUM_FILMS * _FILM["num_frames"]
        yield "full HD with flow and tracks on two cores: peak memory", cost.peak_mib, "MiB"
        yield "processes then", cost.peak_processes, "processes"
        yield "frames", num_frames, "frames"
        yield "wall clock", cost.seconds, "s"
        yield "processor a frame", 1000 * cost.cpu_seconds / num_frames, "ms"
        yield (
            "bytes of the dataset",
            sum(path.stat().st_size for path in Path(text, "out").rglob("*") if path.is_file()),
            "bytes",
        )

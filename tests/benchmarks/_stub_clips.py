"""A stage that makes a clip of every source without looking at it: for measuring what grows with the number of rows.

`python -m tests.benchmarks._stub_clips prepare ...` is `densewalk prepare` with this stage in the place of all from
probing to tracks. Sources are real files with contents of their own, clips one real small clip each with other bytes
behind its end, signatures those of drawn films; reading lists, hashing, admission, staging, the books, near-duplicates,
packing and the engine are the product's own.
"""

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from densewalk.cluster.cli.main import main
from densewalk.datasets.records import clip_key
from densewalk.pipelines import chain
from densewalk.pipelines.chain import Folders
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip
from densewalk.pipelines.corpus.admission import Admission
from densewalk.pipelines.dedup.film import film_text
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.records import Candidate, Cutting, Held, Reel, ShotList, StreamFacts
from densewalk.pipelines.spool import TIMES
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.fetch import Fetch
from densewalk.pipelines.stages.ingest import Ingest
from tests.benchmarks.near_duplicates import drawn_film

__all__ = ["NUM_FRAMES", "SIZE_WH", "StubClips", "write_sources"]

SIZE_WH, NUM_FRAMES, _FPS = (128, 96), 24, 24
_FACTS = StreamFacts(
    container="mov",
    codec="h264",
    pixel_format="yuv420p",
    coded_width=SIZE_WH[0],
    coded_height=SIZE_WH[1],
    rotation=0,
    sample_aspect=1.0,
    packets=NUM_FRAMES,
)


class StubClips(Stage[Held, Cutting]):
    """Takes every source for one shot of one second."""

    name = "stub"
    version = 1

    def __init__(self, config: EncodeConfig, scratch: Path) -> None:
        self.config = config
        self.scratch = scratch
        self._clip = b""

    def setup(self) -> None:
        """Encode the clip that all sources give."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / f"stub-{id(self)}.mp4"
        width, height = SIZE_WH
        cells_RW = np.random.default_rng(0).integers(16, 236, (height // 32, width // 32), dtype=np.uint8)
        picture_RW = cv2.resize(cells_RW, (width, height * 3 // 2), interpolation=cv2.INTER_CUBIC)
        frames = (np.roll(picture_RW, 2 * number, axis=1) for number in range(NUM_FRAMES))
        encode_clip(frames, path, size_wh=SIZE_WH, fps=Fraction(_FPS), config=self.config)
        self._clip = path.read_bytes()
        path.unlink()

    def __call__(self, records: Sequence[Held]) -> list[Cutting]:
        """Return the clip of each source, lying in a folder of its own."""
        return [self._cutting(held) for held in records]

    def _cutting(self, held: Held) -> Cutting:
        folder = self.scratch / held.source.id
        folder.mkdir(parents=True)
        np.save(folder / TIMES, np.arange(NUM_FRAMES, dtype=np.int64), allow_pickle=False)
        key = clip_key(held.source.id, 0, NUM_FRAMES)
        mark = bytes.fromhex(held.source.sha256)
        (folder / f"{key}.mp4").write_bytes(self._clip + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark)
        width, height = SIZE_WH
        reel = Reel(
            source=held.source,
            facts=_FACTS,
            folder=str(folder),
            num_frames=NUM_FRAMES,
            width=width,
            height=height,
            time_base=(1, _FPS),
            fps=float(_FPS),
        )
        clip = Candidate(
            key=key,
            shot=0,
            interval=(0, NUM_FRAMES),
            start_seconds=0.0,
            end_seconds=NUM_FRAMES / _FPS,
            fps=(_FPS, 1),
            crop_xywh=(0, 0, width, height),
            signature=film_text(drawn_film(np.random.default_rng(int(held.source.id[:12], 16)))),
            frames=NUM_FRAMES,
        )
        shots = ShotList(reel=reel, cuts=(), transitions=(), shots=((0, NUM_FRAMES),))
        return Cutting(shots=shots, clips=(clip,))


def write_sources(folder: Path, count: int) -> Path:
    """Write a list of `count` files, one in ten of which is absent, and return it."""
    folder.mkdir(parents=True)
    listing = folder / "list.txt"
    with listing.open("w") as lines:
        for number in range(count):
            path = folder / f"{number // 1000:04d}" / f"{number:08d}.mp4"
            if number % 10:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(f"source {number}".encode())
            lines.write(f"{path}\n")
    return listing


def _stub_stages(
    config: PrepareConfig, folders: Folders, admission: Admission | None = None, *, all_local: bool = False
) -> tuple[Stage, ...]:
    from tests.benchmarks._stub_clips import StubClips as Importable  # workers look it up by this name

    return (
        Fetch(config.fetch, folders.fetched, all_local=all_local),
        Ingest(config.licence, admission),
        Importable(config.encode, folders.scratch),
    )


if __name__ == "__main__":
    chain.build_stages = _stub_stages
    sys.exit(main())

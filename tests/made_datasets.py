"""Sound datasets of any size without a preparation: tiny real clips under made-up keys, with all tables."""

import hashlib
import heapq
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path

import av
import numpy as np

from densewalk.datasets.atomic import write_text
from densewalk.datasets.config import to_yaml
from densewalk.datasets.dataset_card import SHARDS
from densewalk.datasets.ledger import Verdict, ledger_order, name_verdict, source_verdict
from densewalk.datasets.records import ClipRow, Source
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.commit import Change, commit
from densewalk.pipelines.corpus.homes.home import CONFIG, WORK
from densewalk.pipelines.dedup.film import film_text
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.recipe import PrepareConfig, recipe_hash
from tests.corpus_rows import a_clip, a_source, a_source_row

_FRAMES, _FPS, _SIDE = 5, 10.0, 64


@dataclass(frozen=True, kw_only=True)
class MadeDataset:
    """What a made dataset is to hold; sources are named /videos/00000.mp4 and so on."""

    sources: int = 4
    clips: int = 3
    """Of each source."""
    shard_clips: int = 5
    config: PrepareConfig = field(default_factory=PrepareConfig)
    verdicts: tuple[Verdict, ...] = ()
    """Rows of the ledger beside those of the clips and their sources."""

    def source(self, number: int) -> Source:
        """Return a source."""
        return a_source(f"/videos/{number:05d}.mp4", f"content {number}")

    def write(self, folder: Path) -> Path:
        """Write it; return the folder."""
        write_text(folder / CONFIG, to_yaml(self.config))
        rows, hashes = self._shards(folder)
        rows.sort(key=lambda row: row.key)
        sources = sorted((self.source(number) for number in range(self.sources)), key=lambda source: source.id)
        own = [source_verdict(source, "written") for source in sources] + [_clip_verdict(row, self) for row in rows]
        change = Change(
            clips=rows,
            sources=[a_source_row(source, clips=self.clips) for source in sources],
            verdicts=heapq.merge(
                sorted(own, key=ledger_order), sorted(self.verdicts, key=ledger_order), key=ledger_order
            ),
            signatures=map(signed, rows),
            tombstones=(),
            recipe_hash=recipe_hash(self.config, stage_versions(self.config)),
            shard_sha256=hashes,
        )
        commit(folder, change)
        (folder / WORK).rmdir()
        return folder

    def _shards(self, folder: Path) -> tuple[list[ClipRow], dict[str, str]]:
        drawn = iter(
            sorted(
                (self._clip(number, place) for number in range(self.sources) for place in range(self.clips)),
                key=lambda row: hashlib.sha256(row.key.encode()).digest(),
            )
        )
        rows: list[ClipRow] = []
        hashes: dict[str, str] = {}
        while group := list(islice(drawn, self.shard_clips)):
            name = f"clips-{len(hashes):05d}.tar"
            written = write_shard(folder / SHARDS / name, (member for row in group for member in members(row)))
            places = {place.name: place.offset for place in written.places}
            rows += [replace(row, shard=name, offset=places[f"{row.key}.mp4"]) for row in group]
            hashes[name] = written.sha256
        return rows, hashes

    def _clip(self, number: int, place: int) -> ClipRow:
        source = self.source(number)
        row = a_clip(source, place, frames=_FRAMES, fps=_FPS, width=_SIDE, height=_SIDE)
        content = _mp4_of(row.key)
        row = replace(row, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        return replace(row, companions=f"json={hashlib.sha256(_json_of(row)).hexdigest()}")


def members(row: ClipRow) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a clip."""
    yield f"{row.key}.mp4", _mp4_of(row.key)
    yield f"{row.key}.json", _json_of(row)


def signed(row: ClipRow) -> Signed:
    """Return what a clip is known by: noise of its own, two seconds long."""
    noise = np.random.default_rng(int(hashlib.sha256(row.key.encode()).hexdigest()[:12], 16))
    film_SF = noise.integers(-100, 100, (8, 32)).astype(np.int8)
    return Signed(
        key=row.key,
        signature=film_text(film_SF),
        sha256=row.sha256,
        shot=f"{row.source_id}-{row.shot:07d}",
        pixels=row.width * row.height,
        seconds=row.frames / row.fps,
    )


def copy_verdict(uri: str, of: Source) -> Verdict:
    """Return the row of a file with the content of a source."""
    return name_verdict(uri, "rejected", "duplicate content", f"kept {of.uri}", source_id=of.id)


def _clip_verdict(row: ClipRow, made: MadeDataset) -> Verdict:
    uri = _uris(made)[row.source_id]
    return Verdict(kind="clip", id=row.key, source_id=row.source_id, uri=uri, outcome="written")


@cache
def _uris(made: MadeDataset) -> dict[str, str]:
    return {made.source(number).id: made.source(number).uri for number in range(made.sources)}


def _json_of(row: ClipRow) -> bytes:
    content = asdict(row)
    for name in ("shard", "offset", "companions"):
        del content[name]
    return json.dumps(content, sort_keys=True).encode()


def _mp4_of(key: str) -> bytes:
    """Return a clip with a box of its own that decoders pass over."""
    own = key.encode()
    return _mp4() + (8 + len(own)).to_bytes(4) + b"free" + own


@cache
def _mp4() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=int(_FPS), options={"crf": "30", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = _SIDE, _SIDE, "yuv420p"
        for shade in range(40, 40 + 20 * _FRAMES, 20):
            grey = av.VideoFrame.from_ndarray(np.full((_SIDE, _SIDE, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(grey))
        container.mux(stream.encode())
    return buffer.getvalue()

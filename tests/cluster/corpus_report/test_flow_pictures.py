"""Flow that is stored is what is shown; where there is none it is estimated."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from densewalk.cluster.corpus_report import flow_pictures
from densewalk.cluster.corpus_report.flow_pictures import flow_sheet, lively_clips
from densewalk.datasets.motion.flow_file import FlowAbout, FlowPair, write_flow
from densewalk.datasets.records import ClipRow
from densewalk.datasets.shards.index import read_index
from densewalk.datasets.shards.tar import write_shard
from densewalk.ssl.show.flow_wheel import flow_colours
from tests.corpus_rows import a_clip, a_source
from tests.made_datasets import MadeDataset


def _with_flow(folder: Path, row: ClipRow, flow_2HW: np.ndarray) -> ClipRow:
    """Put a clip with this flow from frame 2 to 3 into a shard of its own."""
    path = folder / "some.flow.npz"
    about = FlowAbout(
        key=row.key, frames=row.frames, clip_size_hw=(64, 64), size_hw=(32, 32), estimator="raft", encoding="fp16",
        quality=95, residual="log8", residual_stride=2,
    )  # fmt: skip
    write_flow(path, about, [FlowPair(0, 1, flow_2HW * 0, flow_2HW * 0), FlowPair(2, 3, flow_2HW, -flow_2HW)])
    shard = folder / "shards" / row.shard
    mp4 = shard.read_bytes()[row.offset : row.offset + row.bytes]
    members = [(f"{row.key}.mp4", mp4), (f"{row.key}.flow.npz", path.read_bytes())]
    places = write_shard(folder / "shards" / "flow.tar", members).places
    hashes = f"flow.npz={hashlib.sha256(path.read_bytes()).hexdigest()}"
    return a_clip(
        a_source(), 0, key=row.key, shard="flow.tar", offset=places[0].offset, bytes=row.bytes, frames=row.frames,
        fps=row.fps, width=64, height=64, companions=hashes,
    )  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return MadeDataset(sources=1, clips=1).write(tmp_path / "corpus")


def test_stored_flow_is_shown_as_it_is(dataset: Path) -> None:
    (row,) = read_index(dataset / "index.parquet")
    flow_2HW = np.stack((np.full((32, 32), 4.0, np.float32), np.zeros((32, 32), np.float32)))
    shown = flow_pictures._shown(dataset, _with_flow(dataset, row, flow_2HW))
    assert (shown.source, shown.target, shown.origin) == (2, 3, "flow as stored (raft)")
    assert np.allclose(shown.flow_2HW[0], 4 / 32, atol=0.001)
    sheet = flow_sheet(dataset, [_with_flow(dataset, row, flow_2HW)])
    assert sheet is not None
    fullest = flow_colours(np.array([[[1.0]], [[0.0]]]), max_px=1.0)[0, 0]
    assert (np.abs(sheet.astype(int) - fullest).max(-1) < 4).sum() > 150 * 150


def test_without_stored_flow_it_is_estimated(dataset: Path) -> None:
    shown = flow_pictures._shown(dataset, read_index(dataset / "index.parquet")[0])
    assert (shown.source, shown.target, shown.origin) == (2, 3, "flow by Dense Inverse Search")
    assert shown.flow_2HW.shape == (2, 64, 64)


def test_clips_that_move_come_first_one_a_source() -> None:
    sources = [a_source(f"/{n}.mp4", str(n)) for n in range(2)]
    speeds = [(0, 0, 9.0), (0, 1, 8.0), (1, 0, 2.0), (1, 1, None)]
    rows = [a_clip(sources[number], place, motion=speed) for number, place, speed in speeds]
    still = a_clip(sources[0], 5, frames=1, motion=99.0)
    assert [row.motion for row in lively_clips([*rows, still], 3)] == [9.0, 2.0, 8.0]


def test_no_clip_has_no_sheet(dataset: Path) -> None:
    assert flow_sheet(dataset, []) is None

"""The spool: what was written is what later stages read."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.records import Decoded, StreamFacts
from densewalk.pipelines.spool import SpoolWriter, frame_seconds, read_thumbnails, spooled_frames

FACTS = StreamFacts(
    container="mov",
    codec="h264",
    pixel_format="yuv420p",
    coded_width=96,
    coded_height=64,
    rotation=0,
    sample_aspect=1.0,
)


def _decoded(folder: Path, num_frames: int) -> Decoded:
    return Decoded(
        source=Source(id="s", uri="u", bytes=1, sha256="0"),
        folder=str(folder),
        facts=FACTS,
        width=96,
        height=64,
        num_frames=num_frames,
        time_base=(1, 600),
        fps=25.0,
        variable_rate=False,
    )


def test_frames_and_times_come_back_as_they_went_in(tmp_path: Path) -> None:
    frame_NRW = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)
    with SpoolWriter(tmp_path / "new") as spool:
        for number, frame_RW in enumerate(frame_NRW):
            spool.add(frame_RW, 24 * number + 6)
    decoded = _decoded(tmp_path / "new", 3)
    assert np.array_equal(spooled_frames(decoded), frame_NRW)
    assert frame_seconds(decoded) == pytest.approx([0.01, 0.05, 0.09])


def test_frames_cut_short_by_a_fault_leave_whole_files(tmp_path: Path) -> None:
    with pytest.raises(cv2.error), SpoolWriter(tmp_path) as spool:  # noqa: PT012 - the second frame is the fault
        spool.add(np.zeros((96, 96), dtype=np.uint8), 0)
        spool.add(np.zeros((0, 0), dtype=np.uint8), 1)
    assert len(read_thumbnails(_decoded(tmp_path, 1))) == len(frame_seconds(_decoded(tmp_path, 1))) == 1


@pytest.mark.parametrize("rgb", [(255, 255, 255), (0, 0, 0), (200, 40, 60), (30, 180, 90), (20, 60, 220)])
def test_a_flat_thumbnail_has_the_colour_of_the_frame(tmp_path: Path, rgb: tuple[int, int, int]) -> None:
    red, green, blue = (value / 255 for value in rgb)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
    sizes = (64 * 96, 32 * 48, 32 * 48)
    flat = np.concatenate([np.full(size, round(plane)) for size, plane in zip(sizes, planes, strict=True)])
    with SpoolWriter(tmp_path) as spool:
        spool.add(flat.astype(np.uint8).reshape(96, 96), 0)
    found = read_thumbnails(_decoded(tmp_path, 1)).reshape(-1, 3).mean(0)
    assert found == pytest.approx(rgb, abs=2.5)

"""Packets: counts, times and rates are what the packets say, whatever the container declares."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from densewalk.pipelines.decoding.container import opened
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.packets import PacketScan, scan_packets

MakeVideo = Callable[..., Path]


def _scan(path: Path, max_packets: int = 10_000) -> PacketScan:
    with opened(path, MediaLimits()) as (container, stream):
        scan, frame = scan_packets(container, stream, max_packets)
        assert (frame.width, frame.height) == (96, 64)
    return scan


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts"])
def test_the_range_and_the_rate_come_from_the_packets(make_video: MakeVideo, suffix: str) -> None:
    scan = _scan(make_video(f"video.{suffix}", num_frames=24, fps=12))
    timing = scan.timing()
    assert scan.num_packets == 24
    assert timing["last_seconds"] - timing["first_seconds"] == pytest.approx(23 / 12, abs=0.002)
    assert timing["packet_fps"] == pytest.approx(12)
    assert not timing["variable_rate"]


def test_a_rate_that_varies_is_seen(make_video: MakeVideo) -> None:
    scan = _scan(make_video("video.mkv", times=[0, 40, 80, 120, 160, 200, 400, 600, 640, 680, 720]))
    assert scan.timing()["variable_rate"]
    assert scan.timing()["packet_fps"] == pytest.approx(25)


def test_no_more_packets_are_read_than_asked_for(make_video: MakeVideo) -> None:
    assert _scan(make_video(), max_packets=7).num_packets == 7


def test_a_file_that_breaks_off_is_scanned_up_to_there(make_video: MakeVideo) -> None:
    path = make_video("video.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert 5 < _scan(path).num_packets < 24


@pytest.mark.parametrize(
    ("ticks", "fields"),
    [
        ([], {}),
        ([7], {"first_seconds": 0.7, "last_seconds": 0.7, "packet_fps": 0.0, "variable_rate": False}),
        ([3, 3, 3], {"first_seconds": 0.3, "last_seconds": 0.3, "packet_fps": 0.0, "variable_rate": False}),
        ([-2, 0, -1, 1], {"first_seconds": -0.2, "last_seconds": 0.1, "packet_fps": 10.0, "variable_rate": False}),
    ],
)
def test_odd_times_give_no_rate_but_no_error_either(ticks: list[int], fields: dict[str, float]) -> None:
    scan = PacketScan(Fraction(1, 10))
    scan.ticks.extend(ticks)
    assert scan.timing() == pytest.approx(fields)

"""The feed gives batches out in order; on a GPU's stand-in, in the order that keeps memory and streams safe."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from densewalk.datasets import device_feed
from densewalk.datasets.device_feed import DeviceFeed
from densewalk.datasets.errors import DataError, TrainingError
from densewalk.datasets.palindrome import cut, draw_palindrome
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import ClipSample
from densewalk.datasets.views import ClipBatch

PLAN = PalindromePlan(size=16)


def samples(number: int, plan: PalindromePlan = PLAN) -> list[ClipSample]:
    rng = np.random.default_rng(number)
    video_THWC = rng.integers(0, 256, (8, 20, 30, 3), dtype=np.uint8)
    views = draw_palindrome(plan, num_frames=8, fps=8.0, size_hw=(20, 30), rng=rng)
    return [cut(f"clip-{number}", video_THWC, range(8), views)]


class StandIn:
    """What the feed uses of torch.cuda, writing down who asked for what."""

    def __init__(self) -> None:
        self.log: list[tuple[object, ...]] = []

    def Stream(self, device: torch.device) -> "StandInStream":  # noqa: N802
        return StandInStream(self, "side", device)

    def current_stream(self, device: torch.device) -> "StandInStream":
        return StandInStream(self, "working", device)

    @contextmanager
    def stream(self, stream: "StandInStream") -> Iterator[None]:
        self.log.append(("enter", stream.name, threading.current_thread().name))
        yield
        self.log.append(("leave", stream.name))


class StandInStream:
    def __init__(self, cuda: StandIn, name: str, device: torch.device) -> None:
        self.cuda, self.name, self.device = cuda, name, device

    def record_event(self) -> torch.cuda.Event:
        event = Mock(spec=torch.cuda.Event)
        self.cuda.log.append(("record", self.name, event))
        return event

    def wait_event(self, event: torch.cuda.Event) -> None:
        self.cuda.log.append(("wait", self.name, event))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A GPU in name only: batches are rendered on the CPU, on the feed's thread and stream."""
    cuda = StandIn()
    for name in ("Stream", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    monkeypatch.setattr(device_feed, "render", lambda samples, device: render(samples, "cpu"))
    kept = lambda tensor, stream: cuda.log.append(("keep", tensor.data_ptr(), stream.name))  # noqa: E731
    monkeypatch.setattr(torch.Tensor, "record_stream", kept)
    return cuda


def shows(batch: ClipBatch, number: int) -> bool:
    expected = render(samples(number))
    return batch.keys == expected.keys and all(
        torch.equal(a.video_BTCHW, b.video_BTCHW) for a, b in zip(batch.views, expected.views, strict=True)
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_batches_come_out_in_the_order_in_which_they_were_put(device: str, gpu: StandIn) -> None:
    with DeviceFeed(device) as feed:
        for number in range(3):
            feed.put(samples(number))
        assert len(feed) == 3
        assert shows(feed.get(), 0)
        feed.put(samples(3))
        assert [shows(feed.get(), number) for number in (1, 2, 3)] == [True] * 3
        assert len(feed) == 0
        with pytest.raises(IndexError):
            feed.get()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_was_put_can_be_forgotten(device: str, gpu: StandIn) -> None:
    with DeviceFeed(device) as feed:
        feed.put(samples(0))
        feed.put(samples(1))
        feed.clear()
        feed.put(samples(2))
        assert shows(feed.get(), 2)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_batch_that_cannot_be_rendered_raises_in_its_turn_only(device: str, gpu: StandIn) -> None:
    with DeviceFeed(device) as feed:
        feed.put(samples(0))
        feed.put(samples(1) + samples(2, PalindromePlan(size=24)))
        feed.put(samples(3))
        assert shows(feed.get(), 0)
        with pytest.raises(DataError, match="different views"):
            feed.get()
        assert shows(feed.get(), 3)


def test_the_steps_stream_waits_for_the_batch_and_keeps_its_memory(gpu: StandIn) -> None:
    with DeviceFeed("cuda") as feed:
        feed.put(samples(0))
        batch = feed.get()
    kinds = [entry[0] for entry in gpu.log]
    assert kinds[:4] == ["enter", "record", "leave", "wait"]
    assert gpu.log[0][1:] == ("side", "densewalk-feed_0")
    assert gpu.log[1][1] == "side"
    assert gpu.log[3] == ("wait", "working", gpu.log[1][2])
    assert gpu.log[4:] == [("keep", tensor.data_ptr(), "working") for tensor in batch.tensors()]
    assert len(gpu.log) == 4 + 6


def test_rendering_runs_while_the_caller_works(gpu: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    may_render = threading.Event()
    monkeypatch.setattr(device_feed, "render", lambda samples, device: render(samples) if may_render.wait(20) else None)
    with DeviceFeed("cuda") as feed:
        feed.put(samples(0))
        assert not gpu.log or gpu.log[-1][0] == "enter", "put did not wait"
        may_render.set()
        assert shows(feed.get(), 0)


def test_a_device_that_stays_silent_is_not_waited_for_for_ever(gpu: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()
    monkeypatch.setattr(device_feed, "_DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(device_feed, "render", lambda samples, device: silent.wait(20))
    with DeviceFeed("cuda") as feed:
        feed.put(samples(0))
        with pytest.raises(TrainingError, match=r"did not show a batch within 0\.05 s"):
            feed.get()
        silent.set()


def test_closing_ends_the_thread_and_what_was_not_begun(gpu: StandIn) -> None:
    feed = DeviceFeed("cuda")
    feed.put(samples(0))
    feed.close()
    assert len(feed) == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("densewalk-feed")]
    feed.close()

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.rendering import render
from densewalk.datasets.samples import SampleSource
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.source import SceneSource
from densewalk.datasets.stream.batch_stream import BatchStream
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.mixture import Mixture
from densewalk.datasets.views import ClipBatch
from tests.numbered_source import NumberedSource
from tests.painted_collection import PaintedCollection

PLAN = PalindromePlan(size=16, gap_seconds=(0.1, 0.5), colour_jitter=0.3)
START_OF = {"epoch": 0, "consumed": 0}

Worlds = Sequence[tuple[int, int, int]]
"""Legs of a run: processes, batch size, batches."""


def _clips(collection: PaintedCollection | None = None, *, draws_per_clip: int = 1, seed: int = 3) -> ClipSource:
    return ClipSource(
        collection or PaintedCollection(groups=(9, 4, 12, 6, 9)),
        PLAN,
        seed=seed,
        columns=4,
        window=5,
        draws_per_clip=draws_per_clip,
    )


def _damaged() -> ClipSource:
    collection = PaintedCollection(
        groups=(9, 4, 12, 6, 9), damaged=frozenset({2, 3, 17, 31}), cut_at={8: 9, 20: 12}, frames={5: 2}
    )
    return _clips(collection, draws_per_clip=2)


def _mixed() -> Mixture:
    scenes = SceneSource(SceneConfig(height=24, width=32, num_frames=8, fps=10.0), PLAN, seed=1)
    other = _clips(PaintedCollection(groups=(3, 3), name="more painted clips"))
    return Mixture([(0.5, _damaged()), (0.3, other), (0.2, scenes)])


SOURCES: dict[str, Callable[[], SampleSource]] = {"clips": _clips, "damaged clips": _damaged, "mixture": _mixed}


def _bits(batch: ClipBatch) -> list[tuple[Any, ...]]:
    """Return everything of each sample of a batch, comparable."""
    return [
        (
            key,
            *(
                (v.video_BTCHW[b].numpy().tobytes(), v.clip_from_view_B33[b].numpy().tobytes(), v.frame_BT[b].tolist())
                for v in batch.views
            ),
        )
        for b, key in enumerate(batch.keys)
    ]


def _run(make: Callable[[], SampleSource], legs: Worlds) -> tuple[list[list[tuple[Any, ...]]], dict[str, int]]:
    """Read global batches as one world of processes after another would; return them and the state in the end."""
    batches: list[list[tuple[Any, ...]]] = []
    state: dict[str, int] = {}
    for world_size, batch_size, num_batches in legs:
        streams = [BatchStream(make(), batch_size, rank=rank, world_size=world_size) for rank in range(world_size)]
        for stream in streams:
            stream.load_state_dict(state or stream.state_dict())
        batches += [[bits for stream in streams for bits in _bits(next(stream))] for _ in range(num_batches)]
        states = [stream.state_dict() for stream in streams]
        assert all(other == states[0] for other in states)
        state = states[0]
        for stream in streams:
            stream.close()
    return batches, state


def _numbers(batch: ClipBatch) -> list[int]:
    return [int(key) for key in batch.keys]


@given(
    length=st.integers(1, 30),
    columns=st.integers(1, 5),
    legs=st.lists(st.sampled_from([(1, 1), (1, 4), (2, 4), (4, 4), (3, 6), (2, 6), (4, 8)]), max_size=5),
    num_batches=st.integers(0, 4),
)
@settings(max_examples=30, deadline=None)
def test_killed_and_resumed_worlds_of_any_size_see_every_sample_once(
    length: int, columns: int, legs: list[tuple[int, int]], num_batches: int
) -> None:
    worlds = [(world_size, batch_size, num_batches) for world_size, batch_size in legs]
    batches, state = _run(lambda: NumberedSource(length=length, columns=columns), worlds)
    seen = [[int(sample[0]) for sample in batch] for batch in batches]
    start = 0
    for numbers in seen:
        assert numbers == sorted(range(start, start + len(numbers)), key=lambda number: (number % columns, number))
        start += len(numbers)
    if legs:
        assert (state["epoch"], state["consumed"]) == divmod(start, length)


@pytest.mark.parametrize("kind", SOURCES)
def test_resumed_in_mid_epoch_twice_and_across_epochs_by_other_worlds_is_as_if_undisturbed(kind: str) -> None:
    whole, end = _run(SOURCES[kind], [(1, 12, 9)])
    legs = [(1, 12, 1), (2, 12, 2), (4, 12, 1), (3, 12, 3), (1, 12, 2)]
    resumed, resumed_end = _run(SOURCES[kind], legs)
    assert end == resumed_end
    assert end["epoch"] >= 1
    assert resumed == whole


def test_every_clip_is_shown_once_an_epoch_whatever_worlds_and_batches_read_it() -> None:
    batches, state = _run(_clips, [(1, 12, 1), (2, 4, 2), (4, 8, 1), (3, 6, 2), (2, 40, 2)])
    keys = [sample[0] for batch in batches for sample in batch]
    assert state["epoch"] == 3
    for epoch in range(3):
        assert Counter(keys[40 * epoch : 40 * epoch + 40]) == Counter(f"clip-{clip:03d}" for clip in range(40))


def test_batches_are_those_of_the_source_rendered() -> None:
    source = _mixed()
    with BatchStream(source, 12) as stream:
        for _ in range(6):
            numbers = stream.numbers()
            expected = render(_mixed().samples(numbers))
            batch = next(stream)
            assert numbers == sorted(numbers, key=lambda number: (source.column(number), number))
            assert _bits(batch) == _bits(expected)


def test_a_process_keeps_to_few_columns() -> None:
    source = NumberedSource(length=1000, columns=8)
    for rank in range(4):
        with BatchStream(source, 32, rank=rank, world_size=4) as stream:
            columns = {source.column(number) for batch in range(5) for number in stream.numbers(batch)}
            assert columns == {2 * rank, 2 * rank + 1}


def test_every_process_has_its_share_of_every_source_of_a_mixture() -> None:
    scenes = SceneSource(SceneConfig(height=24, width=32, num_frames=8, fps=10.0), PLAN, seed=1)
    many, few = (PaintedCollection(groups=(50,) * num_groups) for num_groups in (40, 4))
    clips = [ClipSource(collection, PLAN, columns=16, window=20) for collection in (many, few)]
    mixture = Mixture([(0.5, scenes), (0.25, clips[0]), (0.25, clips[1])])
    for rank in range(4):
        with BatchStream(mixture, 64, rank=rank, world_size=4) as stream:
            counts = Counter(id(mixture.part(number)[0]) for number in stream.numbers())
        assert 7 <= counts[id(scenes)] <= 9
        assert all(3 <= counts[id(source)] <= 5 for source in clips)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", ["damaged clips", "mixture"])
def test_worker_processes_change_no_bit(kind: str, workers: int) -> None:
    with BatchStream(SOURCES[kind](), 12) as alone, BatchStream(SOURCES[kind](), 12, workers=workers) as stream:
        for _ in range(7):
            assert _bits(next(stream)) == _bits(next(alone))
        assert stream.damaged == alone.damaged
        stream.load_state_dict({**alone.state_dict(), "epoch": 3, "consumed": 7})
        alone.load_state_dict(stream.state_dict())
        assert _bits(next(stream)) == _bits(next(alone))


@pytest.mark.slow
def test_order_holds_when_workers_overtake_each_other() -> None:
    with BatchStream(NumberedSource(delays=True), 3, workers=2) as stream:
        numbers = [number for batch in itertools.islice(stream, 12) for number in _numbers(batch)]
    assert numbers == list(range(36))


@pytest.mark.slow
def test_clip_that_ends_its_reader_is_passed_over_and_recorded() -> None:
    collection = PaintedCollection(groups=(9, 4, 12, 6, 9), deadly=frozenset({11}))
    as_if = _clips(PaintedCollection(groups=(9, 4, 12, 6, 9), damaged=frozenset({11})))
    with BatchStream(_clips(collection), 10, workers=2) as stream, BatchStream(as_if, 10) as alone:
        for _ in range(4):
            assert _bits(next(stream)) == _bits(next(alone))
        assert [clip.key for clip in stream.damaged] == ["clip-011"]
        assert "SIGKILL" in stream.damaged[0].reason


def test_state_counts_what_was_delivered() -> None:
    with BatchStream(NumberedSource(), 4) as stream:
        assert stream.state_dict() == {**START_OF, "source": stream.state_dict()["source"]}
        for _ in range(3):
            next(stream)
        state = stream.state_dict()
        assert (state["epoch"], state["consumed"]) == (1, 2)
        assert all(type(value) is int and 0 <= value < 2**53 for value in state.values())


@pytest.mark.slow
def test_state_does_not_count_what_was_prepared_and_look_ahead_is_bounded() -> None:
    source = NumberedSource(length=1000)
    with BatchStream(source, 4, workers=1, batches_ahead=3) as stream:
        next(stream)
        assert stream.state_dict()["consumed"] == 4
        given_out = len(stream._tickets) + len(stream._feed)
        assert given_out == 3


def test_samples_of_this_process_are_made_when_they_are_due() -> None:
    source = NumberedSource()
    with BatchStream(source, 4) as stream:
        next(stream)
        assert source.asked == [0, 1, 2, 3]


def test_loading_a_state_drops_what_was_prepared() -> None:
    with BatchStream(NumberedSource(), 2) as stream:
        next(stream)
        state = stream.state_dict()
        stream.load_state_dict({**state, "epoch": 3, "consumed": 7})
        assert _numbers(next(stream)) == [37, 38]
        stream.load_state_dict({**state, **START_OF})
        assert _numbers(next(stream)) == [0, 1]


def test_state_of_another_source_is_refused() -> None:
    with BatchStream(_clips(seed=4), 4) as other, BatchStream(_clips(), 4) as stream:
        with pytest.raises(ConfigError, match=r"over other data: .*data\.datasets"):
            stream.load_state_dict(other.state_dict())
        changes = ({"epoch": -1}, {"consumed": 1.5}, {"consumed": "x"}, {"epoch": True}, {"consumed": 10**30})
        for state in ({"epoch": 0, "consumed": 0}, {}, *({**stream.state_dict(), **change} for change in changes)):
            with pytest.raises(ConfigError, match="no state of a stream"):
                stream.load_state_dict(state)


def test_error_surfaces_at_its_batch_and_leaves_the_state_before_it() -> None:
    source = NumberedSource(length=100, fails={5})
    with BatchStream(source, 2) as stream:
        assert [_numbers(next(stream)) for _ in range(2)] == [[0, 1], [2, 3]]
        for _ in range(2):
            with pytest.raises(DataError, match="sample 5 is broken"):
                next(stream)
            assert stream.state_dict()["consumed"] == 4
        source.fails.clear()
        assert _numbers(next(stream)) == [4, 5]


@pytest.mark.slow
def test_error_of_a_worker_surfaces_at_its_batch() -> None:
    with BatchStream(NumberedSource(length=100, fails={5}), 2, workers=2) as stream:
        assert [_numbers(next(stream)) for _ in range(2)] == [[0, 1], [2, 3]]
        for _ in range(2):
            with pytest.raises(DataError, match="sample 5 is broken"):
                next(stream)
            assert stream.state_dict()["consumed"] == 4


def test_source_is_told_well_ahead_and_again_in_time() -> None:
    source = NumberedSource(length=100_000)
    with BatchStream(source, 64, rank=1, world_size=2) as stream:
        for _ in range(40):
            next(stream)
    assert source.told[0][:32] == list(range(32, 64))
    assert all(len(told) == 4096 for told in source.told)
    starts = [told[0] for told in source.told]
    assert starts == [32 + 64 * 16 * told for told in range(len(starts))]
    assert len(starts) == 3


def test_each_damaged_clip_is_recorded_once_with_key_and_group(caplog: pytest.LogCaptureFixture) -> None:
    source = _clips(PaintedCollection(groups=(9, 4, 12, 6, 9), damaged=frozenset({2, 31})))
    with BatchStream(source, 8) as stream, caplog.at_level(logging.WARNING, logger="densewalk"):
        for _ in range(12):
            next(stream)
        assert [(clip.key, clip.group) for clip in stream.damaged] == [("clip-002", "group-0"), ("clip-031", "group-4")]
    assert sorted(record.getMessage().split(":")[0] for record in caplog.records) == [
        "damaged clip clip-002 in group-0, the next ones take its place",
        "damaged clip clip-031 in group-4, the next ones take its place",
    ]


@pytest.mark.parametrize(("allowed", "damaged", "limit"), [(0, 1, 0), (3, 4, 3), (1000, 21, 20)])
def test_too_many_damaged_clips_stop_with_the_list(allowed: int, damaged: int, limit: int) -> None:
    gone = frozenset(range(damaged))
    collection = PaintedCollection(groups=(40,), damaged=gone)
    with BatchStream(_clips(collection), 8, max_damaged=allowed) as stream:
        with pytest.raises(
            DataError, match=rf"clips are damaged and at most {limit} may be.*data\.max_damaged"
        ) as caught:
            list(itertools.islice(stream, 12))
        assert all(f"{clip.key} in {clip.group}: clip" in str(caught.value) for clip in stream.damaged)
        assert len(stream.damaged) > limit
        state = stream.state_dict()
        with pytest.raises(DataError, match="are damaged"):
            next(stream)
        assert stream.state_dict() == state
    sound = PaintedCollection(groups=(40,), damaged=frozenset(range(limit)))
    with BatchStream(_clips(sound), 8, max_damaged=allowed) as stream:
        for _ in range(12):
            next(stream)
        assert len(stream.damaged) == limit


def test_stream_of_a_stored_dataset_shows_each_of_its_clips(shared_dataset: Dataset) -> None:
    with BatchStream(ClipSource(shared_dataset, PLAN), 3) as stream:
        keys = [key for _ in range(2) for key in next(stream).keys]
    assert sorted(keys) == sorted(row.key for row in shared_dataset)


def test_closed_stream_gives_nothing() -> None:
    stream = BatchStream(NumberedSource(), 2)
    next(stream)
    stream.close()
    stream.close()
    with pytest.raises(RuntimeError, match="the stream is closed"):
        next(stream)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_on_a_gpu_are_those_of_the_cpu(workers: int) -> None:
    with BatchStream(_mixed(), 12) as near, BatchStream(_mixed(), 12, workers=workers, device="cuda") as far:
        for _ in range(8):
            one, other = next(near), next(far)
            assert other.views[0].video_BTCHW.device.type == "cuda"
            assert one.keys == other.keys
            for a, b in zip(one.views, other.to("cpu").views, strict=True):
                assert torch.equal(a.clip_from_view_B33, b.clip_from_view_B33)
                assert (a.video_BTCHW.int() - b.video_BTCHW.int()).abs().max() <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 6, "world_size": 4}, "batch_size=6 is not divisible by 4 processes; use a multiple of 4"),
        ({"batch_size": 0}, "batch_size=0; expected at least 1"),
        ({"batch_size": 4, "workers": -1}, r"data\.workers=-1"),
        ({"batch_size": 4, "rank": 2, "world_size": 2}, "rank 2 of a world of 2 processes does not exist"),
        ({"batch_size": 4, "world_size": 0}, "does not exist"),
        ({"batch_size": 4, "max_damaged": -1}, r"data\.max_damaged=-1"),
        ({"batch_size": 4, "batches_ahead": 0}, "batches_ahead=0"),
        ({"batch_size": 4, "deadline_seconds": 0.0}, r"data\.deadline_seconds=0"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BatchStream(NumberedSource(), **settings)

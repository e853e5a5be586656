import pickle
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError, TrainingError, UnreachableError
from densewalk.datasets.palindrome import frames_of
from densewalk.datasets.plan import PalindromePlan
from densewalk.datasets.samples import ClipSample, SampleSource
from densewalk.datasets.stream.clip_source import ClipSource
from densewalk.datasets.stream.order import COLUMN_SPAN
from tests.painted_collection import PaintedCollection

PLAN = PalindromePlan(size=16, num_frames=3, gap_seconds=(0.1, 0.5), crop_area=(0.05, 0.3))


def _source(collection: PaintedCollection | None = None, **settings: int) -> ClipSource:
    return ClipSource(collection or PaintedCollection(), PLAN, **{"columns": 2, "window": 3, **settings})


def _epoch(source: ClipSource, epoch: int = 0) -> list[str]:
    return [sample.key for sample in source.samples(range(epoch * len(source), (epoch + 1) * len(source)))]


def _due(source: ClipSource, number: int) -> int:
    return int(source.samples([number])[0].key.removeprefix("clip-"))


def _same(one: ClipSample, other: ClipSample) -> bool:
    facts = [
        (s.key, s.frames, s.corner_xy, s.views, s.passed_over, s.video_THWC.shape, s.video_THWC.tobytes())
        for s in (one, other)
    ]
    return facts[0] == facts[1]


def test_clips_are_a_source_of_samples_read_from_a_collection() -> None:
    assert isinstance(PaintedCollection(), ClipCollection)
    assert isinstance(_source(), SampleSource)


@pytest.mark.parametrize("draws", [1, 3])
def test_every_epoch_shows_every_clip_once_for_each_of_its_draws(draws: int) -> None:
    source = _source(draws_per_clip=draws)
    epochs = [_epoch(source, epoch) for epoch in range(3)]
    for keys in epochs:
        assert sorted(keys) == sorted([*source.collection.table.keys] * draws)
    assert len({tuple(keys) for keys in epochs}) == 3


def test_numbers_name_the_clips_of_the_canonical_order() -> None:
    source = _source(draws_per_clip=2)
    for number in range(2 * len(source)):
        epoch, turn = divmod(number // 2, len(source.order))
        clip = source.order.place(epoch, turn)
        assert source.clip(number) == clip
        assert source.samples([number])[0].key == f"clip-{clip:03d}"


def test_sample_is_a_function_of_content_seed_and_number_alone() -> None:
    numbers = [0, 7, 3, 20, 3]
    once = [_source(seed=5).samples([number])[0] for number in numbers]
    together = pickle.loads(pickle.dumps(_source(seed=5))).samples(numbers)
    other = _source(seed=6).samples(numbers)
    assert all(_same(a, b) for a, b in zip(once, together, strict=True))
    assert not any(_same(a, b) for a, b in zip(once, other, strict=True))
    assert _same(once[2], once[4])


def test_samples_hold_the_frames_and_the_part_of_the_raster_that_their_views_show() -> None:
    samples = _source().samples(range(24))
    for sample in samples:
        clip = int(sample.key.removeprefix("clip-"))
        assert sample.frames == frames_of(sample.views)
        assert [tuple(frame) for frame in sample.video_THWC[:, 0, 0].tolist()] == [
            (8 * frame, 120, clip) for frame in sample.frames
        ]
        assert (sample.video_THWC == sample.video_THWC[:, :1, :1]).all()
    assert min(sample.video_THWC[0, :, :, 0].size for sample in samples) < 24 * 24


def test_draws_of_a_clip_differ_and_are_made_of_one_read() -> None:
    collection = PaintedCollection()
    source = _source(collection, draws_per_clip=4)
    samples = source.samples(range(8))
    assert [len({s.key for s in samples[start : start + 4]}) for start in (0, 4)] == [1, 1]
    assert len({s.views for s in samples}) == 8
    assert len(collection.reads) == 2
    assert collection.reads[0][1] == tuple(sorted({frame for s in samples[:4] for frame in s.frames}))
    alone = [_source(draws_per_clip=4).samples([number])[0] for number in range(8)]
    assert all(_same(a, b) for a, b in zip(samples, alone, strict=True))


def test_short_clips_are_left_out_and_counted() -> None:
    source = _source(PaintedCollection(groups=(3, 2, 4), frames={0: 2, 3: 1, 4: 2, 8: 2}))
    assert (len(source), source.too_short) == (5, 4)
    assert set(_epoch(source)) == {f"clip-{clip:03d}" for clip in (1, 2, 5, 6, 7)}
    source.ahead(range(5))
    assert sorted(source.collection.told[0]) == [0, 2]


def test_collection_of_many_clips_is_looked_through_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    short = dict.fromkeys(range(0, 40, 3), 2)
    whole = _source(PaintedCollection(groups=(20, 20), frames=short))
    monkeypatch.setattr("densewalk.datasets.stream.clip_source._CHUNK", 7)
    pieces = _source(PaintedCollection(groups=(20, 20), frames=short))
    assert _epoch(pieces) == _epoch(whole)
    assert pieces.too_short == 14


def test_no_clip_long_enough_names_the_option() -> None:
    with pytest.raises(
        DataError, match=r"none of the 12 clips in painted clips .* lower objective\.plan\.gap_seconds \(now \(9"
    ):
        ClipSource(PaintedCollection(), replace(PLAN, gap_seconds=(9.0, 10.0)))


def test_damaged_clip_is_passed_over_and_the_next_row_of_its_column_takes_its_place() -> None:
    sound = _source()
    due = [_due(sound, number) for number in range(12)]
    for number in range(12):
        (sample,) = _source(PaintedCollection(damaged=frozenset({due[number]}))).samples([number])
        expected = due[number + 2] if number + 2 < 12 else due[number % 2]
        assert sample.key == f"clip-{expected:03d}"
        (passed,) = sample.passed_over
        assert passed.key == f"clip-{due[number]:03d}"
        assert passed.group == sound.collection.table.groups[sound.collection.table.group_N[due[number]]]
        assert passed.reason == f"clip {due[number]} was cut off"


def test_neighbouring_damaged_clips_are_passed_over_together() -> None:
    due = [_due(_source(), number) for number in range(12)]
    damaged = frozenset(due[number] for number in (4, 6, 8))
    (sample,) = _source(PaintedCollection(damaged=damaged)).samples([4])
    assert sample.key == f"clip-{due[10]:03d}"
    assert [clip.key for clip in sample.passed_over] == [f"clip-{due[number]:03d}" for number in (4, 6, 8)]
    assert list(_source().candidates(4))[:4] == [due[number] for number in (4, 6, 8, 10)]


@given(
    damaged=st.frozensets(st.integers(0, 11), max_size=5),
    cut_at=st.dictionaries(st.integers(0, 11), st.integers(1, 19), max_size=4),
    draws=st.integers(1, 3),
    data=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_what_fills_a_place_depends_on_order_and_bytes_alone(
    damaged: frozenset[int], cut_at: dict[int, int], draws: int, data: st.DataObject
) -> None:
    collection = PaintedCollection(damaged=damaged, cut_at=cut_at)
    numbers = data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=12))

    def each_alone() -> list[ClipSample]:
        return [_source(collection, draws_per_clip=draws).samples([number])[0] for number in numbers]

    try:
        alone = each_alone()
    except DataError:
        with pytest.raises(DataError):
            _source(collection, draws_per_clip=draws).samples(numbers)
        return
    together = _source(collection, draws_per_clip=draws).samples(numbers)
    assert all(_same(a, b) for a, b in zip(alone, together, strict=True))
    for sample in together:
        assert int(sample.key.removeprefix("clip-")) not in damaged


def test_clip_of_which_only_some_frames_are_damaged_is_used_where_it_can_be() -> None:
    source = _source(PaintedCollection(cut_at={5: 10}))
    samples = source.samples(range(20 * 12))
    assert 0 < sum(sample.key == "clip-005" for sample in samples) < 20
    assert {clip.key for sample in samples for clip in sample.passed_over} == {"clip-005"}


def test_shunned_clip_is_not_read_again() -> None:
    collection = PaintedCollection()
    source = _source(collection)
    due = _due(source, 3)
    source.shun(f"clip-{due:03d}", "reading it hung")
    collection.reads.clear()
    (sample,) = source.samples([3])
    assert [(clip.key, clip.reason) for clip in sample.passed_over] == [(f"clip-{due:03d}", "reading it hung")]
    assert due not in {clip for clip, _ in collection.reads}


def test_more_than_half_of_the_clips_damaged_is_the_end() -> None:
    six_of_twelve = PaintedCollection(damaged=frozenset(range(6)))
    assert {sample.key for sample in _source(six_of_twelve).samples(range(24))} <= {
        f"clip-{clip:03d}" for clip in range(6, 12)
    }
    with pytest.raises(DataError, match=r"all 7 clips tried for one sample of painted clips are damaged") as caught:
        _source(PaintedCollection(damaged=frozenset(range(12)))).samples([0])
    assert str(caught.value).count("was cut off") == 7


def test_search_for_a_sound_clip_in_a_lost_collection_is_bounded() -> None:
    collection = PaintedCollection(groups=(3000,), damaged=frozenset(range(3000)))
    with pytest.raises(DataError, match="all 1001 clips tried"):
        _source(collection).samples([0])
    assert len(collection.reads) == 1001


def test_place_that_does_not_answer_is_no_damage() -> None:
    class Silent(PaintedCollection):
        def read(self, clip: int, frames: Sequence[int]) -> np.ndarray:
            raise UnreachableError("the server does not answer")

    with pytest.raises(UnreachableError):
        _source(Silent()).samples([0, 1])


def test_clip_of_another_size_than_the_table_says_is_damaged() -> None:
    with pytest.raises(DataError, match=r"clip-\d+ in group-\d is 30x24, the table of painted clips says 32x24"):
        _source(PaintedCollection(read_size_hw=(24, 30))).samples([0])


def test_collection_without_motion_is_refused_when_the_plan_asks_for_it() -> None:
    plan = replace(PLAN, motion=True)
    with pytest.raises(
        ConfigError, match=r"painted clips does not know the true motion.*objective\.plan\.motion=false"
    ):
        ClipSource(PaintedCollection(), plan)
    (sample,) = ClipSource(PaintedCollection(has_motion=True), plan).samples([3])
    a, b, c = sample.frames
    assert sample.motion is not None
    assert sample.motion.source_frame_BP.tolist() == [[a, b, b, c]]
    assert sample.motion.target_frame_BP.tolist() == [[b, a, c, b]]
    assert float(sample.motion.flow_BP2HW[0, 0, 0, 0, 0]) == int(sample.key.removeprefix("clip-"))


def test_collection_is_told_the_groups_of_coming_samples_in_the_order_of_need() -> None:
    source = _source(PaintedCollection(groups=(3,) * 8), draws_per_clip=2)
    numbers = range(len(source) - 6, len(source) + 8)
    source.ahead(numbers)
    group_N = source.collection.table.group_N
    assert source.collection.told == [list(dict.fromkeys(int(group_N[source.clip(number)]) for number in numbers))]


def test_columns_of_the_order_are_spread_over_the_span_of_all_sources() -> None:
    source = _source(PaintedCollection(groups=(40,)), columns=4, draws_per_clip=2)
    columns = [source.column(number) for number in range(2 * len(source))]
    assert columns[:8] == [turn * COLUMN_SPAN // 4 for turn in (0, 0, 1, 1, 2, 2, 3, 3)]
    assert [source.column(number) for number in range(len(source), len(source) + 8)] == columns[:8]


def test_identity_tells_sources_apart_whose_numbers_mean_something_else() -> None:
    base = PaintedCollection()
    sources = [
        _source(base),
        _source(base, seed=1),
        _source(base, columns=3),
        _source(base, window=4),
        _source(base, draws_per_clip=2),
        _source(PaintedCollection(groups=(4, 4, 4))),
        ClipSource(base, replace(PLAN, size=24), columns=2, window=3),
    ]
    assert len({source.identity for source in sources}) == len(sources)
    assert _source(PaintedCollection()).identity == sources[0].identity
    assert pickle.loads(pickle.dumps(sources[0])).identity == sources[0].identity


def test_views_of_a_stored_dataset_show_the_frames_they_name(shared_dataset: Dataset) -> None:
    source = ClipSource(shared_dataset, PLAN)
    for sample in source.samples(range(2 * len(source))):
        red_T = sample.video_THWC[..., 0].mean((1, 2))
        assert np.round((red_T - 16) / 8).astype(int).tolist() == list(sample.frames)


def test_missing_shard_is_damage_of_its_clips(own_dataset: Dataset) -> None:
    (own_dataset.folder / "shards" / "clips-00001.tar").unlink()
    samples = ClipSource(own_dataset, PLAN).samples(range(12))
    damaged = {(clip.key, clip.group) for sample in samples for clip in sample.passed_over}
    assert damaged == {(row.key, row.shard) for row in own_dataset if row.shard == "clips-00001.tar"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed=-1 must not be negative"),
        ({"draws_per_clip": 0}, r"data\.draws_per_clip=0"),
        ({"columns": 0}, r"data\.columns=0"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _source(**settings)


def test_want_of_memory_names_clip_and_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    source = _source()

    def read(*_: object) -> None:
        raise MemoryError("Unable to allocate 8.00 GiB")

    monkeypatch.setattr(source.collection, "read", read)
    with pytest.raises(TrainingError, match=r"to read clip clip-\S+ in \S+ of .*8\.00 GiB; lower data\.workers"):
        source.samples([0])

"""The search: the rule holds, whatever the order, the memory and the runs; benchmarks and flat clips."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.film import NUM_COSINES, film_text, read_film
from densewalk.pipelines.dedup.matching import match
from densewalk.pipelines.dedup.signed import Duplicate, Signed

Sign = Callable[..., Signed]
ROOT = Path(__file__).parents[3]
random_order = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4, deadline=None)


def _search(
    work: Path, new: Iterable[Signed], known: Iterable[Signed] = (), held_out: Iterable[Signed] = (), **options: float
) -> list[Duplicate]:
    config = DedupConfig(**options)  # type: ignore[arg-type]
    found = list(find_duplicates(iter(new), iter(known), iter(held_out), work=work, config=config))
    assert not list(work.glob("duplicates-*"))
    return found


def _family(sign: Sign, seed: int) -> list[Signed]:
    """Clips of eight scenes: whole ones, parts, noisy and shorter ones, some of equal bytes, in a random order."""
    rng = random.Random(seed)
    clips = [
        sign(
            f"{k:03d}",
            rng.randrange(8),
            samples=rng.choice([6, 12, 24, 32]),
            noise=rng.choice([0, 4, 20, 40]),
            noise_seed=k,
            pixels=rng.choice([100, 200]),
            seconds=rng.choice([3.0, 6.0, 6.5]),
            sha256=rng.choice(["", "", "11" * 32, "22" * 32]),
            shot=rng.choice(["", "one", "other"]),
        )
        for k in range(30)
    ]
    rng.shuffle(clips)
    return clips


def _order(signed: Signed) -> tuple[int, float, str]:
    return -signed.pixels, -signed.seconds, signed.key


def _same(better: Signed, worse: Signed, config: DedupConfig) -> bool:
    if better.shot and better.shot == worse.shot:
        return False
    a, b = read_film(better.signature), read_film(worse.signature)
    needed = ceil(config.min_share * len(b))
    return len(a) >= needed and match(a, b, min_samples=needed).similarity >= config.min_similarity


def _by_rule(new: Iterable[Signed], known: Iterable[Signed] = ()) -> dict[str, str]:
    """Compare everybody with everybody: who gives way to whom."""
    config = DedupConfig()
    staying, ways = list(known), dict[str, str]()
    first_of: dict[str, str] = {signed.sha256: signed.key for signed in reversed(staying)}
    for clip in sorted(new, key=_order):
        twin = first_of.get(clip.sha256) if clip.sha256 else None
        first_of.setdefault(clip.sha256, clip.key)
        if twin is not None:
            ways[clip.key] = ways.get(twin, twin)
        elif better := next((other for other in staying if _same(other, clip, config)), None):
            ways[clip.key] = better.key
        else:
            staying.append(clip)
    return ways


@random_order
@given(seed=st.integers(0, 10_000))
def test_a_clip_gives_way_exactly_when_a_better_one_that_stays_shows_the_same(
    tmp_path: Path, sign: Sign, seed: int
) -> None:
    clips = _family(sign, seed)
    found = _search(tmp_path, clips)
    assert {duplicate.key: duplicate.of for duplicate in found} == _by_rule(clips)
    assert [duplicate.key for duplicate in found] == sorted(duplicate.key for duplicate in found)


@random_order
@given(seed=st.integers(0, 10_000), shuffled=st.randoms(use_true_random=False))
def test_order_and_memory_change_nothing(tmp_path: Path, sign: Sign, seed: int, shuffled: random.Random) -> None:
    clips = _family(sign, seed)
    first = _search(tmp_path, clips)
    shuffled.shuffle(clips)
    assert _search(tmp_path, clips, memory_bytes=1 << 20) == first


@random_order
@given(seed=st.integers(0, 10_000), split=st.integers(0, 30))
def test_what_a_dataset_holds_wins_over_what_is_new(tmp_path: Path, sign: Sign, seed: int, split: int) -> None:
    clips = _family(sign, seed)
    first_run, second_run = clips[:split], clips[split:]
    gone = {duplicate.key for duplicate in _search(tmp_path, first_run)}
    known = sorted((clip for clip in first_run if clip.key not in gone), key=lambda clip: clip.key)
    found = _search(tmp_path, second_run, known)
    assert {duplicate.key for duplicate in found} <= {clip.key for clip in second_run}
    staying = {clip.key for clip in (*known, *second_run)} - {duplicate.key for duplicate in found}
    assert {duplicate.of for duplicate in found} <= staying
    again = _by_rule(second_run, sorted(known, key=_order))
    assert {duplicate.key for duplicate in found} == again.keys()


def test_equal_bytes_are_found_where_pictures_say_nothing(tmp_path: Path) -> None:
    black = film_text(np.zeros((8, NUM_COSINES), np.int8))
    clips = [Signed(key=key, signature=black, sha256=sha * 32) for key, sha in (("b", "aa"), ("a", "aa"), ("c", "bb"))]
    (found,) = _search(tmp_path, clips)
    assert (found.key, found.of, found.kind, found.similarity) == ("b", "a", "exact", 1.0)


def test_all_copies_of_a_clip_that_gives_way_go_to_the_same_one(tmp_path: Path, sign: Sign) -> None:
    better = sign("best", 1, pixels=900)
    twins = [sign(f"twin{k}", 1, noise=3, sha256="cc" * 32) for k in range(3)]
    found = _search(tmp_path, [*twins, better])
    assert [(duplicate.key, duplicate.of, duplicate.kind) for duplicate in found] == [
        (f"twin{k}", "best", "near") for k in range(3)
    ]


def test_clips_without_signatures_are_compared_by_bytes_alone(tmp_path: Path) -> None:
    clips = [Signed(key="a", sha256="aa" * 32), Signed(key="b", sha256="aa" * 32), Signed(key="c"), Signed(key="d")]
    assert [duplicate.key for duplicate in _search(tmp_path, clips)] == ["b"]
    assert not _search(tmp_path, [])


def test_pieces_of_one_shot_are_no_copies_of_each_other(tmp_path: Path, sign: Sign) -> None:
    pieces = [sign(f"piece{k}", 1, noise=2, noise_seed=k, shot="source-0") for k in range(3)]
    assert not _search(tmp_path, pieces)
    assert not _search(tmp_path, pieces[1:], pieces[:1])
    found = _search(tmp_path, [*pieces, sign("elsewhere", 1, pixels=9, shot="source-90")])
    assert [duplicate.key for duplicate in found] == ["piece0", "piece1", "piece2"]


def test_a_part_gives_way_to_the_whole_and_a_whole_never_to_a_small_part(tmp_path: Path, sign: Sign) -> None:
    whole, part = sign("whole", 1, samples=40), sign("part", 1, samples=12)
    (found,) = _search(tmp_path, [part], [whole])
    assert (found.key, found.of, found.offset_seconds) == ("part", "whole", 0)
    assert not _search(tmp_path, [whole], [part])
    assert _search(tmp_path, [whole], [part], min_share=0.25)


def test_a_second_in_common_with_a_held_out_video_is_enough(
    tmp_path: Path, sign: Sign, draw_film: Callable[..., np.ndarray]
) -> None:
    clip_SF = draw_film(1, samples=40)
    clip_SF[:4] = draw_film(2, samples=12)[8:]
    held_out = sign("val/bear.mp4@0s", 2, samples=12)
    clip = Signed(key="clip", signature=film_text(clip_SF))
    (found,) = _search(tmp_path, [clip], [sign("copy", 1, samples=40)], [held_out])
    assert (found.of, found.kind, found.offset_seconds) == ("val/bear.mp4@0s", "held-out", 2.0)


def test_a_still_that_is_held_out_is_found_in_a_clip(
    tmp_path: Path, sign: Sign, draw_film: Callable[..., np.ndarray]
) -> None:
    still = Signed(key="image", signature=film_text(draw_film(1, samples=40)[21:22]))
    found = _search(tmp_path, [sign("a", 1, samples=40), sign("b", 2, samples=40)], (), [still])
    assert [(duplicate.key, duplicate.of) for duplicate in found] == [("a", "image")]


_MEASURE = """
import sys
from tests.benchmarks.near_duplicates import search
if __name__ == "__main__":
    seconds, mib, found = search(int(sys.argv[1]), memory_bytes=16 << 20)
    print(mib, found)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    script = tmp_path / "measure.py"
    script.write_text(_MEASURE)
    peaks = {}
    for count in (2000, 20_000):
        command = [sys.executable, str(script), str(count)]
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
        )
        mib, found = answer.stdout.split()
        peaks[count] = float(mib)
        assert int(found) >= 0.99 * count / 20
    assert peaks[20_000] < peaks[2000] + 24
    assert peaks[20_000] < 80

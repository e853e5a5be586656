"""Clips that show the same are found both ways round, whichever of the two is the longer."""

import numpy as np
import pytest

from densewalk.pipelines.dedup.film import film_text
from densewalk.pipelines.dedup.lookalikes import find_lookalikes
from densewalk.pipelines.dedup.signed import Duplicate, Signed, twin_of


def _film(seed: int, samples: int = 40) -> np.ndarray:
    """A film whose pictures change smoothly."""
    noise = np.random.default_rng(seed).normal(size=(samples + 8, 32))
    smooth = np.apply_along_axis(lambda column: np.convolve(column, np.ones(9) / 3, "valid"), 0, noise)
    return np.clip(np.rint(smooth * 40), -127, 127).astype(np.int8)


def _signed(key: str, film_SF: np.ndarray) -> Signed:
    return Signed(key=key, signature=film_text(film_SF))


def _found(rows: list[Signed], asked: str = "asked") -> set[str]:
    return find_lookalikes(lambda key: key.startswith(asked), lambda: rows, min_similarity=0.8, min_share=0.5)


def _worn(film_SF: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(9).integers(-2, 3, film_SF.shape)
    return np.clip(film_SF + noise, -127, 127).astype(np.int8)


@pytest.mark.parametrize(("start", "end"), [(0, 40), (10, 22), (30, 40)])
def test_an_excerpt_and_the_whole_find_each_other(start: int, end: int) -> None:
    whole, excerpt = _film(1), _worn(_film(1)[start:end])
    others = [_signed(f"other-{seed}", _film(seed)) for seed in range(2, 40)]
    assert _found([_signed("asked", whole), _signed("excerpt", excerpt), *others]) == {"excerpt"}
    assert _found([_signed("asked", excerpt), _signed("whole", whole), *others]) == {"whole"}


def test_different_clips_are_not_found() -> None:
    assert (
        _found([_signed("asked", _film(1)), *(_signed(f"other-{seed}", _film(seed)) for seed in range(2, 300))])
        == set()
    )


def test_clips_without_signature_and_datasets_without_clips_give_nothing() -> None:
    assert _found([Signed(key="asked"), Signed(key="other")]) == set()
    assert _found([]) == set()


def test_many_clips_are_asked_about_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("densewalk.pipelines.dedup.lookalikes._ASKED_AT_ONCE", 3)
    monkeypatch.setattr("densewalk.pipelines.dedup.lookalikes._OTHERS_AT_ONCE", 4)
    asked = [_signed(f"asked-{seed}", _film(seed)) for seed in range(8)]
    others = [_signed(f"copy-{seed}", _worn(_film(seed))) for seed in range(4, 12)]
    assert _found([*asked, *others]) == {f"copy-{seed}" for seed in range(4, 8)}


@pytest.mark.parametrize("similarity", [1.0, 0.8123])
@pytest.mark.parametrize("offset", [0.0, -3.5, 12.25])
def test_the_twin_of_a_duplicate_is_read_from_what_the_ledger_says(similarity: float, offset: float) -> None:
    for of in ("ab12-0000000-0000025", "held out: /eval/a film.mp4 at 3 s"):
        duplicate = Duplicate(key="k", of=of, similarity=similarity, offset_seconds=offset, kind="near")
        assert twin_of(duplicate.refusal().detail) == of


@pytest.mark.parametrize("detail", ["", "0.5 s, at least 1", "of a clip that was purged", "kept /a at +1.00 s"])
def test_other_details_name_no_twin(detail: str) -> None:
    assert twin_of(detail) is None

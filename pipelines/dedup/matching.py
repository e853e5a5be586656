"""Whether two films show the same thing at some offset: one picture after another, and in what changes.

    s = sum a b / sqrt((sum a^2 + N) (sum b^2 + N))
    t = (sum a' b' + N s^3) / sqrt((sum a'^2 + N) (sum b'^2 + N))       a' = a - mean of a over time
    similarity = min(s, t) at the best offset

Sums run over the samples that both films have at the offset; N is the energy of coding noise in so many samples. Noise
in the denominator of s keeps flat and dark clips from being alike. t compares what moves: two clips of one static
camera share s, not t. Where nothing moves t falls back on s^3, so that pictures alone must agree the better.
Offsets go in half samples, between which the better film is read by its mean of neighbours.

Shapes: A B samples of the two films, F cosines, O offsets.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int8, Int64

from densewalk.pipelines.dedup.film import SAMPLES_PER_SECOND

__all__ = ["Match", "match"]

_NOISE = 2.0
"""Usual change of a film's number by coding."""
_BLOCK = 256
"""Samples of the first film that are compared with all of the second at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How well two films agree at their best offset."""

    similarity: float
    """At most 1."""
    offset_seconds: float
    """Time within the first film at which the second begins; may be negative."""


def match(better_AF: Int8[np.ndarray, "a f"], other_BF: Int8[np.ndarray, "b f"], *, min_samples: int) -> Match:
    """Compare two films at all offsets at which they share `min_samples` samples, or all of the shorter film."""
    exact_AF, other = better_AF.astype(np.float64), other_BF.astype(np.float64)
    between = (exact_AF[1:] + exact_AF[:-1]) / 2
    shared = min(min_samples, len(exact_AF), len(other))
    best = _best(exact_AF, other, shared)
    if len(between) >= shared:
        similarity, offset = _best(between, other, shared)
        best = max(best, (similarity, offset + 0.5))
    return Match(similarity=best[0], offset_seconds=best[1] / SAMPLES_PER_SECOND)


def _best(a_AF: Float64[np.ndarray, "a f"], b_BF: Float64[np.ndarray, "b f"], shared: int) -> tuple[float, float]:
    """Return the highest similarity and its offset in samples; sums are of halves of integers, hence exact."""
    offset_O = np.arange(shared - len(b_BF), len(a_AF) - shared + 1)
    start_O, end_O = np.maximum(offset_O, 0), np.minimum(offset_O + len(b_BF), len(a_AF))
    noise_O = _NOISE**2 * (end_O - start_O) * a_AF.shape[1]
    product_O = _products(a_AF, b_BF, offset_O)
    sum_a_OF, square_a_O = _sums(a_AF, start_O, end_O)
    sum_b_OF, square_b_O = _sums(b_BF, start_O - offset_O, end_O - offset_O)
    s_O = product_O / np.sqrt((square_a_O + noise_O) * (square_b_O + noise_O))
    length_O = end_O - start_O
    moving_O = product_O - (sum_a_OF * sum_b_OF).sum(1) / length_O
    moving_a_O = square_a_O - (sum_a_OF**2).sum(1) / length_O
    moving_b_O = square_b_O - (sum_b_OF**2).sum(1) / length_O
    t_O = (moving_O + noise_O * s_O**3) / np.sqrt((moving_a_O + noise_O) * (moving_b_O + noise_O))
    similarity_O = np.minimum(s_O, t_O)
    at = int(np.argmax(similarity_O))
    return float(similarity_O[at]), float(offset_O[at])


def _products(
    a_AF: Float64[np.ndarray, "a f"], b_BF: Float64[np.ndarray, "b f"], offset_O: Int64[np.ndarray, "o"]
) -> Float64[np.ndarray, "o"]:
    """Sum the products of samples whose places differ by the offset, a block of rows at a time."""
    columns = len(b_BF)
    sums = np.zeros(len(a_AF) + columns - 1)
    for first in range(0, len(a_AF), _BLOCK):
        block_AB = a_AF[first : first + _BLOCK] @ b_BF.T
        rows = len(block_AB)
        diagonal_AB = np.arange(rows)[:, None] - np.arange(columns) + columns - 1
        sums[first : first + rows + columns - 1] += np.bincount(diagonal_AB.ravel(), weights=block_AB.ravel())
    return sums[offset_O + columns - 1]


def _sums(
    film_AF: Float64[np.ndarray, "a f"], start_O: Int64[np.ndarray, "o"], end_O: Int64[np.ndarray, "o"]
) -> tuple[Float64[np.ndarray, "o f"], Float64[np.ndarray, "o"]]:
    """Return the sum of the samples of each stretch and the sum of all their squares."""
    sum_AF = np.concatenate((np.zeros((1, film_AF.shape[1])), np.cumsum(film_AF, 0)))
    square_A = np.concatenate(([0.0], np.cumsum((film_AF**2).sum(1))))
    return sum_AF[end_O] - sum_AF[start_O], square_A[end_O] - square_A[start_O]

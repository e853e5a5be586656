"""Exact nearest neighbours by inner product or squared distance, with one answer whatever computes it.

A back end (torch, or faiss' flat indices) proposes more candidates than are asked for in float32; their scores are
computed again in float64, each by the same order of sums, and sorted by (score, lowest index). A query whose last
neighbour is no nearer to it than float32 can tell from what was not proposed is searched again in float64 as a whole.
So ties, duplicates and the order of a matrix product's sums change nothing. Memory and queries go in blocks; what is in
flight does not grow with either.

Shapes: M vectors of the memory, Q queries, D width, K neighbours, C candidates.
"""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError

__all__ = ["Backend", "Metric", "Nearest", "Neighbours"]

Backend = Literal["auto", "torch", "faiss"]
"""Who proposes candidates; `auto` is faiss on the CPU when it is installed and torch otherwise."""
Metric = Literal["product", "distance"]
"""Largest inner product, or smallest squared distance."""

_QUERIES_AT_ONCE = (512, 2**15)
"""Fewest and most, between which the size of the memory decides."""
_NUMBERS_AT_ONCE = {"cpu": 2**22, "cuda": 2**26}
"""Most scores, and most numbers of the candidates' vectors, that exist at a time; large operations suit a GPU."""
_ROUNDOFF_32, _ROUNDOFF_64 = 2.0**-24, 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The neighbours of every query, best first."""

    score_QK: Float[Tensor, "q k"]
    """Inner products, or minus the squared distances."""
    index_QK: Int[Tensor, "q k"]
    """Rows of the memory; of equal scores the lowest row comes first."""


class Neighbours:
    """Vectors that are searched.

    Raises `BenchmarkError` when faiss is asked for and absent, when there is no vector, or one that is not finite.
    """

    def __init__(
        self, memory_MD: Float[Tensor, "m d"], *, metric: Metric = "product", backend: Backend = "auto"
    ) -> None:
        if not len(memory_MD):
            raise BenchmarkError("nearest neighbours were asked of a memory without vectors")
        _require_finite(memory_MD, "memory")
        self.memory_MD, self.metric = memory_MD.float(), metric
        self._at_once = _NUMBERS_AT_ONCE[memory_MD.device.type]
        self._reach = float(torch.linalg.vector_norm(self.memory_MD, dim=1).max())
        self._index: Any = _faiss_index(self.memory_MD, metric) if _wants_faiss(backend, memory_MD.device) else None

    def nearest(self, query_QD: Float[Tensor, "q d"], count: int) -> Nearest:
        """Return the `count` nearest vectors of every query, on the memory's device.

        Raises `BenchmarkError` when there are fewer vectors or when a query is not finite.
        """
        if not 1 <= count <= len(self.memory_MD):
            raise BenchmarkError(f"{count} neighbours were asked of a memory of {len(self.memory_MD)} vectors")
        _require_finite(query_QD, "query")
        query_QD = query_QD.to(self.memory_MD).contiguous()
        fewest, most = _QUERIES_AT_ONCE
        size = min(most, max(fewest, self._at_once // len(self.memory_MD)))
        found = [self._nearest(block, count) for block in query_QD.split(size)]
        return Nearest(score_QK=torch.cat([n.score_QK for n in found]), index_QK=torch.cat([n.index_QK for n in found]))

    def _nearest(self, query_QD: Tensor, count: int) -> Nearest:
        wanted = min(len(self.memory_MD), 2 * count)
        propose = self._candidates if self._index is None else self._faiss_candidates
        rough_QC, index_QC = propose(query_QD, wanted)
        score_QK, index_QK = self._best(query_QD, index_QC, count)
        if wanted < len(self.memory_MD):
            unseen_Q = rough_QC.amin(1).double() + self._doubt(query_QD, _ROUNDOFF_32)
            if self.metric == "distance":
                unseen_Q = unseen_Q - query_QD.double().square().sum(1)
            unsure_Q = score_QK[:, -1] <= unseen_Q
            if unsure_Q.any():
                score_QK[unsure_Q], index_QK[unsure_Q] = self._search_all(query_QD[unsure_Q], count)
        return Nearest(score_QK=score_QK.float(), index_QK=index_QK)

    def _candidates(self, query_QD: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
        """Return float32 scores of the most promising vectors and their rows."""
        best: tuple[Tensor, Tensor] | None = None
        for start, score_QM in self._score_blocks(query_QD):
            score, index = score_QM.topk(min(wanted, score_QM.shape[1]), dim=1, sorted=False)
            index = index + start
            if best is not None:
                score, index = torch.cat((best[0], score), dim=1), torch.cat((best[1], index), dim=1)
                score, order = score.topk(min(wanted, score.shape[1]), dim=1, sorted=False)
                index = index.gather(1, order)
            best = score, index
        assert best is not None, "a memory has vectors"
        return best

    def _faiss_candidates(self, query_QD: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
        score, index = self._index.search(query_QD.cpu().numpy(), wanted)
        score_QC = torch.from_numpy(score).to(query_QD)
        if self.metric == "distance":
            score_QC = query_QD.square().sum(1, keepdim=True) - score_QC
        return score_QC, torch.from_numpy(index).to(query_QD.device)

    def _best(self, query_QD: Tensor, index_QC: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the best of some candidates by their scores in float64; equal vectors have equal ones."""
        index_QC = index_QC.sort(dim=1).values
        size = max(1, self._at_once // (index_QC.shape[1] * query_QD.shape[1]))
        blocks = zip(query_QD.double()[:, None].split(size), index_QC.split(size), strict=True)
        exact_QC = torch.cat([self._exact(query_Q1D, self.memory_MD[index].double()) for query_Q1D, index in blocks])
        score_QC, order_QC = exact_QC.sort(dim=1, descending=True, stable=True)
        return score_QC[:, :count], index_QC.gather(1, order_QC)[:, :count]

    def _exact(self, query_Q1D: Tensor, near_QCD: Tensor) -> Tensor:
        if self.metric == "product":
            return near_QCD.mul_(query_Q1D).sum(-1)
        return -near_QCD.sub_(query_Q1D).square_().sum(-1)

    def _search_all(self, query_QD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return scores and rows of the neighbours among all vectors: every tie of the last is looked at."""
        found = []
        for some_QD in query_QD.split(max(1, self._at_once // len(self.memory_MD))):
            rough_QM = torch.cat([block for _, block in self._score_blocks(some_QD.double())], dim=1)
            floor_Q = rough_QM.topk(count, dim=1).values[:, -1] - 2 * self._doubt(some_QD, _ROUNDOFF_64)
            most = int((rough_QM >= floor_Q[:, None]).sum(1).max())
            found.append(self._best(some_QD, rough_QM.topk(most, dim=1).indices, count))
        return torch.cat([score for score, _ in found]), torch.cat([index for _, index in found])

    def _score_blocks(self, query_QD: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield the first row and the scores of blocks of the memory, in the precision of the queries.

        Of distances, the query's own squared length is left out, which changes no order.
        """
        size = max(1, self._at_once // max(1, len(query_QD)))
        for start in range(0, len(self.memory_MD), size):
            block_MD = self.memory_MD[start : start + size].to(query_QD.dtype)
            if self.metric == "product":
                yield start, query_QD @ block_MD.T
            else:
                yield start, torch.addmm(-block_MD.square().sum(1), query_QD, block_MD.T, alpha=2)

    def _doubt(self, query_QD: Tensor, roundoff: float) -> Tensor:
        """Return how far a score from a matrix product of that precision may be from the true one, by query."""
        norm_Q = torch.linalg.vector_norm(query_QD, dim=1).double()
        size_Q = norm_Q * self._reach if self.metric == "product" else (norm_Q + self._reach).square()
        return (2 * math.sqrt(query_QD.shape[1]) + 4) * roundoff * size_Q


def _wants_faiss(backend: Backend, device: torch.device) -> bool:
    there = importlib.util.find_spec("faiss") is not None
    if backend == "faiss" and not there:
        raise BenchmarkError(
            "backend=faiss, but faiss is not installed; pip install 'densewalk[faiss]' or backend=torch"
        )
    return backend == "faiss" or (backend == "auto" and there and device.type == "cpu")


def _faiss_index(memory_MD: Tensor, metric: Metric) -> Any:
    import faiss

    index = (faiss.IndexFlatIP if metric == "product" else faiss.IndexFlatL2)(memory_MD.shape[1])
    index.add(np.ascontiguousarray(memory_MD.cpu().numpy()))
    return index


def _require_finite(vector_ND: Tensor, what: str) -> None:
    unsound = int((~torch.isfinite(vector_ND.sum(1))).sum())
    if unsound:
        raise BenchmarkError(
            f"{unsound} of {len(vector_ND)} {what} vectors are not finite; check the subject's weights"
        )

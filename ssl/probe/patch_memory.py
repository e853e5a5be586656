"""In-context segmentation by nearest neighbours: a memory of labelled patches answers for every patch of a new image.

    label of q = sum_k softmax_k(cos(q, m_k) / temperature) share(m_k),   k over the nearest patches

(Hummingbird, Balazevic et al. 2023, section 3; sampling as in open-hummingbird-eval.) A patch's label is the share of
each class among the labelled pixels of its cell. A bounded memory takes the same number of patches of every image: each
patch scores the sum, over the classes it shows, of how many of the image's patches show them, times a uniform random
number, and the smallest scores stay, so rare classes are kept. Queries are searched for as they are, since their length
does not change which inner products with unit vectors are largest.

Shapes: D width, gh gw grid rows and columns, N = gh gw patches of an image, M patches kept, L classes, K neighbours;
2 = (x, y).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.neighbours import Backend, Nearest, Neighbours

__all__ = ["PatchMemory", "PatchMemoryBuilder", "rare_patches"]

_QUERIES_AT_ONCE = 1024
_SHORTEST = 1e-12
"""Length below which a vector has no direction."""


def rare_patches(count_NL: Int[Tensor, "n l"], count: int, generator: torch.Generator) -> Int[Tensor, "k"]:
    """Return up to `count` patches with a labelled pixel, those of classes that are rare in the image preferred."""
    shows_NL = count_NL > 0
    labelled = shows_NL.any(1).nonzero()[:, 0]
    score = (shows_NL.float() @ shows_NL.sum(0).float())[labelled]
    score = score * torch.rand(len(labelled), generator=generator)
    return labelled[score.topk(min(count, len(labelled)), largest=False).indices]


class PatchMemoryBuilder:
    """Collects labelled patches of one image after the other; `per_image` of each, 0 for all that are labelled."""

    def __init__(self, *, per_image: int, seed: int) -> None:
        self._per_image = per_image
        self._generator = torch.Generator().manual_seed(seed)
        self._features: list[Tensor] = []
        self._shares: list[Tensor] = []
        self._places: list[Tensor] = []
        self._sources: list[int] = []

    def add(
        self,
        feature_DHW: Float[Tensor, "d gh gw"],
        count_NL: Int[Tensor, "n l"],
        *,
        source: int,
        place_N2: Float[Tensor, "n 2"],
    ) -> None:
        """Take patches of an image: `source` and `place_N2` say which image it is and where in it each patch lies."""
        if self._per_image:
            kept_K = rare_patches(count_NL, self._per_image, self._generator)
        else:
            kept_K = count_NL.sum(1).nonzero()[:, 0]
        feature_ND = feature_DHW.flatten(1).T
        self._features.append(F.normalize(feature_ND[kept_K.to(feature_ND.device)].float(), dim=1))
        share_KL = count_NL[kept_K].float()
        self._shares.append(share_KL / share_KL.sum(1, keepdim=True))
        self._places.append(place_N2[kept_K])
        self._sources += [source] * len(kept_K)

    def build(self, backend: Backend) -> "PatchMemory":
        """Return the memory; raises `BenchmarkError` when no patch was labelled."""
        if not self._sources:
            raise BenchmarkError("the memory is empty: no training image has a labelled pixel (every label is 255)")
        return PatchMemory(
            torch.cat(self._features),
            torch.cat(self._shares),
            source_M=torch.tensor(self._sources),
            place_M2=torch.cat(self._places),
            backend=backend,
        )


class PatchMemory:
    """Unit features, the shares of classes, and where each patch is from."""

    def __init__(
        self,
        feature_MD: Float[Tensor, "m d"],
        share_ML: Float[Tensor, "m l"],
        *,
        source_M: Int[Tensor, "m"],
        place_M2: Float[Tensor, "m 2"],
        backend: Backend,
    ) -> None:
        self._neighbours = Neighbours(feature_MD, backend=backend)
        self.share_ML = share_ML.to(feature_MD.device)
        self.source_M, self.place_M2 = source_M, place_M2

    def __len__(self) -> int:
        return len(self.share_ML)

    def nearest(self, feature_ND: Float[Tensor, "n d"], count: int) -> Nearest:
        """Return the nearest patches by cosine, all when there are fewer than `count`."""
        near = self._neighbours.nearest(feature_ND, min(count, len(self)))
        norm_N1 = torch.linalg.vector_norm(feature_ND.float(), dim=1, keepdim=True).clamp_min(_SHORTEST)
        return Nearest(score_QK=near.score_QK / norm_N1.to(near.score_QK), index_QK=near.index_QK)

    def read(
        self, feature_DHW: Float[Tensor, "d gh gw"], *, count: int, temperature: float
    ) -> Float[Tensor, "l gh gw"]:
        """Return the shares of classes that every patch of an image is given by its `count` nearest."""
        blocks = feature_DHW.flatten(1).T.split(_QUERIES_AT_ONCE)
        share_NL = torch.cat([self._share(block, count, temperature) for block in blocks])
        return share_NL.T.unflatten(1, feature_DHW.shape[1:])

    def _share(self, feature_ND: Tensor, count: int, temperature: float) -> Tensor:
        near = self.nearest(feature_ND, count)
        weight_NK = (near.score_QK / temperature).softmax(1)
        return torch.einsum("nk,nkl->nl", weight_NK, self.share_ML[near.index_QK])

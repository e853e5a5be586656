"""Labels from matches: a node takes the labels of its strongest matches among the first frame and the most recent ones.

    label(i) = sum_k w_ik label(match k of i),    w_i = softmax over k of (products of i / temperature)

(Jabri et al., CRW, section 4.1.) What is kept is allocated once, for the first frame and `context` others.

Shapes: C kept frames, L labels, gh gw grid rows and columns, N nodes, E feature width, K matches.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.ssl.propagate.config import PropagationConfig
from densewalk.ssl.propagate.matches import Matches, Neighbourhood, strongest_matches
from densewalk.ssl.propagate.seen import Seen, Sight

__all__ = ["Context"]


class Context:
    """The first frame and the last `config.context` frames of a video, with their labels."""

    def __init__(
        self, sight: Sight, config: PropagationConfig, first: Seen, label_LHW: Float[Tensor, "l gh gw"]
    ) -> None:
        """Open a video with its first frame, which stays, and the copies of it that `config` asks for."""
        self._sight, self._config = sight, config
        self._near = Neighbourhood(radius=config.radius, shape=config.shape)
        self._first_near = self._near if config.first_within_radius else Neighbourhood(radius=None)
        slots, kept = 1 + config.context, first.target_HWE
        self._maps = [first.map_1DHW] * slots if kept is None else []
        self._target_CHWE = None if kept is None else kept.new_empty((slots, *kept.shape))
        self._label_CNL = label_LHW.new_empty((slots, label_LHW[0].numel(), len(label_LHW)))
        self._grid_hw, self._num_added = label_LHW.shape[-2:], 0
        for _ in range(1 + config.first_copies):
            self.add(first, label_LHW)

    def add(self, seen: Seen, label_LHW: Float[Tensor, "l gh gw"]) -> None:
        """Keep a frame and its labels in place of the oldest one but the first."""
        if self._num_added > 0 and self._config.context == 0:
            return
        slot = 1 + (self._num_added - 1) % self._config.context if self._num_added else 0
        self._label_CNL[slot] = label_LHW.flatten(1).T
        if self._target_CHWE is None or seen.target_HWE is None:
            self._maps[slot] = seen.map_1DHW
        else:
            self._target_CHWE[slot] = seen.target_HWE
        self._num_added += 1

    def labels_for(self, seen: Seen) -> Float[Tensor, "l gh gw"]:
        """Return the labels that a frame takes from the kept ones."""
        carried_NL = self._mixed_jointly(seen) if self._config.mixing == "joint" else self._mixed_per_frame(seen)
        return carried_NL.T.unflatten(-1, self._grid_hw)

    def _mixed_jointly(self, seen: Seen) -> Tensor:
        found = list(self._matches(seen))
        product_NJ = torch.cat([matches.product_NK for matches in found], dim=1)
        node_NJ = torch.cat([matches.node_NK for matches in found], dim=1)
        product_NK, chosen_NK = product_NJ.topk(self._config.top_k, dim=1)
        return self._weighted((product_NK / self._sight.temperature).softmax(1), node_NJ.gather(1, chosen_NK))

    def _mixed_per_frame(self, seen: Seen) -> Tensor:
        temperature = self._sight.temperature
        shares = [
            self._weighted((found.product_NK / temperature - found.log_sum_N[:, None]).exp(), found.node_NK)
            for found in self._matches(seen)
        ]
        return torch.stack(shares).mean(0)

    def _weighted(self, weight_NK: Tensor, node_NK: Tensor) -> Tensor:
        label_NKL = self._label_CNL.flatten(0, 1)[node_NK]
        return (weight_NK.to(label_NKL.dtype)[:, None] @ label_NKL)[:, 0]

    def _matches(self, seen: Seen) -> Iterator[Matches]:
        """Yield the strongest matches in runs of kept frames; nodes are numbered through all kept frames."""
        for frames, near in self._runs():
            if seen.source_HWE is None or self._target_CHWE is None:
                source_HWE, target_HWE = self._sight.pair(seen.map_1DHW, self._maps[frames.start])
                target_CHWE = target_HWE[None]
            else:
                source_HWE, target_CHWE = seen.source_HWE, self._target_CHWE[frames]
            found = strongest_matches(
                source_HWE,
                target_CHWE,
                top_k=self._config.top_k,
                near=near,
                log_sum_at=self._sight.temperature if self._config.mixing == "per-frame" else None,
            )
            yield replace(found, node_NK=found.node_NK + frames.start * self._label_CNL.shape[1])

    def _runs(self) -> list[tuple[slice, Neighbourhood]]:
        """Return runs of kept frames that are looked at together, and where in them."""
        num_kept = min(self._num_added, len(self._label_CNL))
        if self._target_CHWE is None or self._config.mixing == "per-frame":
            return [(slice(c, c + 1), self._near if c else self._first_near) for c in range(num_kept)]
        if self._first_near == self._near or num_kept == 1:
            return [(slice(0, num_kept), self._first_near)]
        return [(slice(0, 1), self._first_near), (slice(1, num_kept), self._near)]

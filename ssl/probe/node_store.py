"""Frozen features of a whole data set on disk, computed once: a row of floats a node, and what its cell shows.

A node's target is the share of every class among all pixels of its cell (`ssl/probe/cells.py`); ignored pixels are in
no share, so a cell that shows nothing else counts nowhere and every image weighs by its nodes, not by the resolution of
its labels.

Rows are kept as float32: in half precision a channel whose mean is a hundred times its deviation keeps four bits of
what varies. Files lie in a temporary folder (the environment's TMPDIR) and go with the store; memory holds one batch.

Shapes: N nodes, D feature width, L classes, H W label rows and columns, gh gw grid rows and columns.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from densewalk.datasets.errors import BenchmarkError
from densewalk.ssl.probe.cells import cell_shares

__all__ = ["NodeStore"]


class NodeStore:
    """Nodes of many images in the order they were added; a context that removes its files when it ends."""

    def __init__(self, *, num_classes: int) -> None:
        self.num_classes = num_classes
        self.dim = 0
        self.num_nodes = 0
        self._folder = tempfile.TemporaryDirectory(prefix="densewalk-nodes-")
        self._features, self._shares = (Path(self._folder.name) / name for name in ("features", "shares"))

    def __enter__(self) -> "NodeStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def add(self, feature_DHW: Float[Tensor, "d gh gw"], label_HW: UInt8[np.ndarray, "h w"]) -> None:
        """Append the nodes of one image.

        Raises `BenchmarkError` on a label that is no class, on another width than before and when the disk is full.
        """
        rows_ND = feature_DHW.flatten(1).T.cpu().float().contiguous().numpy()
        grid_hw = (feature_DHW.shape[1], feature_DHW.shape[2])
        share_NL = cell_shares(label_HW, grid_hw, num_classes=self.num_classes)
        if self.num_nodes and rows_ND.shape[1] != self.dim:
            raise BenchmarkError(f"features of one image have {rows_ND.shape[1]} channels, of others {self.dim}")
        self.dim = rows_ND.shape[1]
        try:
            for path, rows in ((self._features, rows_ND), (self._shares, share_NL)):
                with path.open("ab") as file:
                    file.write(rows.tobytes())
        except OSError as error:
            raise BenchmarkError(
                f"cannot keep features after {self.num_nodes} nodes of {4 * (self.dim + self.num_classes)} bytes in "
                f"{self._folder.name}: {error}; set TMPDIR to a folder with more room or lower num_train"
            ) from error
        self.num_nodes += len(rows_ND)

    def batches(
        self, num_nodes: int, device: torch.device | str = "cpu"
    ) -> Iterator[tuple[Float[Tensor, "_ d"], Float[Tensor, "_ l"]]]:
        """Yield features and shares of `num_nodes` nodes at a time, in double precision."""
        feature_ND, share_NL = self._rows(self._features, self.dim), self._rows(self._shares, self.num_classes)
        for start in range(0, self.num_nodes, num_nodes):
            part = slice(start, start + num_nodes)
            yield (
                torch.from_numpy(np.array(feature_ND[part])).to(device).double(),
                torch.from_numpy(np.array(share_NL[part])).to(device).double(),
            )

    def _rows(self, path: Path, width: int) -> np.ndarray:
        return np.memmap(path, np.float32, mode="r", shape=(self.num_nodes, width))

"""Masks made elsewhere as a subject: nothing but finished masks can be asked of it."""

from pathlib import Path

from torch import nn

from densewalk.ssl.matchers.offer import Offer

__all__ = ["MaskFolder"]


class MaskFolder(nn.Module):
    """A folder of <sequence>/<frame>.png."""

    offers: frozenset[Offer] = frozenset(("masks",))

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

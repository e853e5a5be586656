"""Signatures: each clip gets the text by which near-duplicates are known, whatever clip of whatever run they are of."""

from collections.abc import Sequence
from dataclasses import replace

from densewalk.pipelines.dedup.film import clip_film, film_text
from densewalk.pipelines.records import Cutting
from densewalk.pipelines.spool import read_thumbnails
from densewalk.pipelines.stage import Stage

__all__ = ["Signatures"]


class Signatures(Stage[Cutting, Cutting]):
    """Signs the clips of a reel from its thumbnails; nothing that could be configured changes a signature."""

    name = "signatures"
    version = 1

    def __call__(self, records: Sequence[Cutting]) -> list[Cutting]:
        """Return the records with every clip signed."""
        return [_signed(cutting) for cutting in records]


def _signed(cutting: Cutting) -> Cutting:
    if not cutting.clips:
        return cutting
    reel = cutting.shots.reel
    thumbnail_MHWC = read_thumbnails(reel)
    clips = (replace(clip, signature=film_text(clip_film(reel, thumbnail_MHWC, clip))) for clip in cutting.clips)
    return replace(cutting, clips=tuple(clips))

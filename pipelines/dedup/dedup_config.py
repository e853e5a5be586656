"""What counts as a duplicate: the section `dedup` of a preparation."""

from dataclasses import dataclass

from densewalk.datasets.config import require

__all__ = ["DedupConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupConfig:
    """How near-duplicates are found."""

    near: bool = True
    """Whether clips are compared by what they show; clips of equal bytes are found in any case."""
    min_similarity: float = 0.8
    """Similarity from which two films show the same thing, 0-1; see matching.py. Of real clips, 2556 pairs of different
    ones reach 0.6, and copies that were cropped by 5 % or re-encoded at CRF 35 begin at 0.9."""
    min_share: float = 0.5
    """Share of a clip's length that a better clip must show before the clip is dropped."""
    held_out: tuple[str, ...] = ()
    """Evaluation videos that no clip may show: videos, images, and folders of them at any depth. A folder that holds
    images counts as the frames of one video."""
    held_out_fps: float = 24.0
    """Frame rate of folders of images; 4/5 and 5/4 of it are looked for too, so 24 covers 20 to 30."""
    memory_bytes: int = 256 << 20
    """Memory that the search may take for its tables, whatever the size of the corpus; the rest lies on disk."""

    def __post_init__(self) -> None:
        require(
            not 0.5 <= self.min_similarity <= 1
            and f"dedup.min_similarity={self.min_similarity:g} must lie in [0.5, 1]: different videos reach 0.6",
            not 0 < self.min_share <= 1 and f"dedup.min_share={self.min_share:g} must lie in (0, 1]",
            not 4 <= self.held_out_fps <= 1000 and f"dedup.held_out_fps={self.held_out_fps:g} must lie in [4, 1000]",
            bool(self.held_out)
            and not self.near
            and "dedup.held_out needs dedup.near=true: it is compared by pictures",
            self.memory_bytes < 1 << 20 and f"dedup.memory_bytes={self.memory_bytes} must be at least 1 MiB",
        )

"""Undisturbed preparations, each made once: what every disturbed one is compared with, and how long it takes."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.comparison import Content
from tests.chaos.corpus import Corpus, build_corpus
from tests.chaos.places import Folder
from tests.chaos.preparation import Order, Preparation

__all__ = ["ATTEMPTS", "SETTINGS", "Reference", "References"]

ATTEMPTS = 3
"""Workers that a poison may take; more than a trial kills."""
SETTINGS = (
    "shots.detector=adaptive",
    "decode.reel_frames=150",
    "decode.short_side_px=128",
    "clips.min_seconds=0.5",
    "clips.max_seconds=2.5",
    "pack.shard_clips=4",
    "engine.cpus=2",
    f"engine.attempts={ATTEMPTS}",
)
"""What makes a preparation short and rich in events."""
_LIMIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Reference:
    """What a preparation gives and costs."""

    content: Content
    seconds: float
    num_steps: int
    """Accesses of the command to the dataset folder."""


class References:
    """The corpus of all trials, which is written to `folder`, and its undisturbed preparations."""

    def __init__(self, folder: Path) -> None:
        self._made: dict[tuple[tuple[Path, ...], str, tuple[str, ...]], Reference] = {}
        self.corpus: Corpus = build_corpus(folder / "corpus")

    def get(self, files: Sequence[Path], engine: str, extra: Sequence[str] = ()) -> Reference:
        """Return what files give under an engine and settings. Raises `RuntimeError` when the command fails."""
        key = (tuple(files), engine, tuple(extra))
        if key not in self._made:
            self._made[key] = self._make(files, engine, extra)
        return self._made[key]

    def _make(self, files: Sequence[Path], engine: str, extra: Sequence[str]) -> Reference:
        with tempfile.TemporaryDirectory(prefix="dw-chaos-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            out = Folder(folder / "out")
            order = Order(files=files, out=out.out, engine=engine, settings=(*SETTINGS, *extra))
            run = Preparation(order, folder, 0, {"DENSEWALK_CHAOS_STEP": f"command:0:{out.work}"})
            code = run.exit_code(_LIMIT_SECONDS)
            if code != 0:
                raise RuntimeError(f"an undisturbed preparation ended with {code}:\n{run.said()}")
            steps = folder / "notes" / "steps"
            return Reference(out.content(), run.seconds(), int(steps.read_text()) if steps.exists() else 0)

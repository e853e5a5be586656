"""What becomes of one file: probe and decode under tight limits, and whether our own code did wrong meanwhile."""

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.records import Held, Probed, Reel, Segment
from densewalk.pipelines.spool import FRAMES, TIMES
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from densewalk.pipelines.stages.probe import Probe, ProbeConfig

__all__ = ["BUG", "Ending", "Trial"]

BUG = "bug"
_TOLERATED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a file ended: `decoded`, `rejected`, `failed`, or a `bug` of ours."""

    outcome: str
    reason: str
    detail: str
    seconds: float
    num_frames: int = 0
    digest: str = ""
    """Of all frames and times, to compare two runs."""


class Trial:
    """Runs files through the stages that meet them first; a context manager that owns their children."""

    def __init__(self, scratch: Path, *, deadline_seconds: float = 10.0) -> None:
        self.scratch = scratch
        limits = MediaLimits(min_side_px=16, max_frames=2000)
        self.deadline_seconds = deadline_seconds
        self._probe = Probe(ProbeConfig(limits=limits, deadline_seconds=deadline_seconds, memory_bytes=2 << 30))
        decode = DecodeConfig(
            short_side_px=64, reel_frames=150, deadline_seconds=deadline_seconds, memory_bytes=2 << 30
        )
        self._decode = Decode(decode, limits, scratch)

    def __enter__(self) -> "Trial":
        self._probe.setup()
        self._decode.setup()
        return self

    def __exit__(self, *_: object) -> None:
        self._probe.close()
        self._decode.close()

    def __call__(self, path: Path, *segments: Segment) -> Ending:
        """Return how a file ends of which `segments` are wanted; nothing it left in the scratch folder stays."""
        started = time.monotonic()
        try:
            ending = self._ending(path, segments)
        except Exception as error:  # whatever reaches us here is our own fault, and is what is looked for
            ending = {"outcome": BUG, "reason": type(error).__name__, "detail": str(error)}
        seconds = time.monotonic() - started
        left = sorted(str(path.relative_to(self.scratch)) for path in self.scratch.rglob("*"))
        if left:
            shutil.rmtree(self.scratch / left[0].split("/")[0], ignore_errors=True)
            ending = {"outcome": BUG, "reason": "files left behind", "detail": ", ".join(left)}
        if seconds > 2 * self.deadline_seconds + _TOLERATED_SECONDS:
            ending = {"outcome": BUG, "reason": "deadline overrun", "detail": f"{seconds:.1f} s, {ending}"}
        return Ending(seconds=seconds, **ending)

    def _ending(self, path: Path, segments: tuple[Segment, ...]) -> dict[str, Any]:
        source = Source(id=path.stem, uri=str(path), bytes=path.stat().st_size, sha256="")
        (probed,) = self._probe([Held(source=source, path=str(path), segments=segments)])
        if isinstance(probed, Verdict):
            return _spoken(probed)
        assert isinstance(probed, Probed)
        num_frames, digest, faults = 0, hashlib.sha256(), []
        verdict = None
        for result in self._decode([probed]):
            if isinstance(result, Verdict):
                verdict = result
                continue
            num_frames += self._taken(result, digest)
            faults.append(result.fault)
        if verdict is not None:
            return _spoken(verdict)
        detail = "; ".join(filter(None, faults))
        return {
            "outcome": "decoded",
            "reason": "decoded",
            "detail": detail,
            "num_frames": num_frames,
            "digest": digest.hexdigest(),
        }

    def _taken(self, reel: Reel, digest: Any) -> int:
        """Check a reel against its record, take its digest and remove it, as the last stage would."""
        frames = (Path(reel.folder) / FRAMES).read_bytes()
        assert len(frames) == reel.num_frames * reel.height * reel.width * 3 // 2, "frames and their number disagree"
        assert reel.num_frames > 0
        assert reel.fps > 0
        digest.update(frames)
        digest.update((Path(reel.folder) / TIMES).read_bytes())
        shutil.rmtree(reel.folder)
        if not any(Path(reel.folder).parent.iterdir()):
            Path(reel.folder).parent.rmdir()
        return reel.num_frames


def _spoken(verdict: Verdict) -> dict[str, Any]:
    return {"outcome": verdict.outcome, "reason": verdict.reason, "detail": verdict.detail}

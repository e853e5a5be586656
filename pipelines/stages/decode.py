"""Decode: a source becomes reels of spooled frames, thumbnails, times and motion, made by a killable child process."""

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from densewalk.datasets.config import require
from densewalk.datasets.errors import DataError
from densewalk.datasets.ledger import Verdict, source_verdict
from densewalk.datasets.records import Source
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.decoding.build import MediaBuild
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.reels import TRAIL
from densewalk.pipelines.decoding.sandbox import Answer, ChildDiedError, DeadlinePassedError, Sandbox, UnreadableError
from densewalk.pipelines.records import Probed, Reel, Segment
from densewalk.pipelines.shots.windows import STEP
from densewalk.pipelines.stage import Stage

__all__ = ["Decode", "DecodeConfig"]

_ATTEMPTS = 3
"""Children that may be killed over one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeConfig:
    """How sources are decoded."""

    short_side_px: int = 256
    """Shorter side of stored frames; smaller sources keep their size."""
    reel_frames: int = 9000
    """Frames of a reel, a multiple of 50; about two reels of a source lie in the scratch folder at a time."""
    white_nits: float = 203.0
    """Light of HDR that comes out as SDR white before the roll-off; 203 is the reference white of ITU-R BT.2408."""
    motion_vectors: bool = True
    """Whether the codec is asked for its motion vectors, which takes it up to a tenth longer."""
    deadline_seconds: float = 3600.0
    """Time that decoding a source may take; then its decoder is killed and the source fails."""
    memory_bytes: int = 4 << 30
    """Address space of the decoder's process."""

    def __post_init__(self) -> None:
        require(
            (self.short_side_px < 2 or self.short_side_px % 2 == 1)
            and f"decode.short_side_px={self.short_side_px} must be even and above 0",
            (self.reel_frames <= TRAIL or self.reel_frames % STEP != 0)
            and f"decode.reel_frames={self.reel_frames} must be a multiple of {STEP} above {TRAIL}",
            not 50 <= self.white_nits <= 1000 and f"decode.white_nits={self.white_nits:g} must be 50 to 1000",
            not self.deadline_seconds > 0 and f"decode.deadline_seconds={self.deadline_seconds:g} must be above 0",
            self.memory_bytes < 1 << 30 and f"decode.memory_bytes={self.memory_bytes} must be at least 1 GiB",
        )


class Decode(Stage[Probed, Reel]):
    """Decodes each source once, into a folder of its own below `scratch`; reels that are in `staging` go no further."""

    name = "decode"
    version = 2
    spreads = True

    def __init__(
        self, config: DecodeConfig, limits: MediaLimits, scratch: Path, staging: Staging | None = None
    ) -> None:
        self.config = config
        self.limits = limits
        self.scratch = scratch
        self.staging = staging
        self.build = MediaBuild.here()
        self._sandbox: Sandbox | None = None

    def setup(self) -> None:
        """Prepare the child; it starts with the first source.

        Raises `ConfigError` on a machine with other media libraries than that where the stage was made.
        """
        self.build.require_here()
        self._sandbox = Sandbox(
            "densewalk.pipelines.decoding.decode_child",
            deadline_seconds=self.config.deadline_seconds,
            memory_bytes=self.config.memory_bytes,
            writable=self.scratch,
        )

    def close(self) -> None:
        """End the child."""
        if self._sandbox is not None:
            self._sandbox.close()

    def __call__(self, records: Sequence[Probed]) -> Iterator[Reel | Verdict]:
        """Yield the reels of the sources, each when it is asked for; a source that ends early ends with a verdict.

        A reel's folder belongs to whoever takes the reel. Of a source that fails after some reels, a file that hangs
        or kills its decoder, only the verdict counts. A source whose last reel was staged before ends as `written`.
        Raises `DataError` when the scratch folder is full.
        """
        for probed in records:
            yield from self._decode(probed)

    def _decode(self, probed: Probed) -> Iterator[Reel | Verdict]:
        folders: list[Path] = []
        handed_out: set[str] = set()
        try:
            with closing(self._results(probed, folders)) as results:
                for item in results:
                    if not isinstance(item, Reel):
                        yield item
                    elif not self._is_staged(item):
                        handed_out.add(item.folder)
                        yield item
                    else:
                        shutil.rmtree(item.folder, ignore_errors=True)
                        if item.is_last:
                            yield source_verdict(item.source, "written")
        finally:
            for folder in folders:
                _clear(folder, handed_out)
        if probed.held.temporary:
            Path(probed.held.path).unlink(missing_ok=True)

    def _is_staged(self, reel: Reel) -> bool:
        source = reel.source
        return self.staging is not None and self.staging.has_reel(
            source.id, _name(source, reel.segments), reel.number, is_last=reel.is_last
        )

    def _results(self, probed: Probed, folders: list[Path]) -> Generator[Reel | Verdict, None, None]:
        source = probed.held.source
        try:
            for answer in self._answers(probed, folders):
                if "no_space" in answer:
                    raise DataError(
                        f"no space left in {self.scratch}: {answer['no_space']}; free some and repeat the command"
                    )
                if "outcome" in answer:
                    yield source_verdict(source, answer["outcome"], answer["reason"], answer["detail"])
                else:
                    yield _reel(probed, answer)
        except ChildDiedError as error:
            yield source_verdict(source, "failed", "decoder died", str(error))
        except DeadlinePassedError:
            detail = f"decode.deadline_seconds={self.config.deadline_seconds:g}"
            yield source_verdict(source, "failed", "deadline passed", detail)
        except UnreadableError as error:
            yield source_verdict(source, "failed", "not readable", str(error))

    def _answers(self, probed: Probed, folders: list[Path]) -> Iterator[Answer]:
        """Yield the child's answers; `folders` gets those it writes into.

        A child that somebody killed, such as a kernel short of memory, says nothing of the file: the next one decodes
        it again, elsewhere, since others may be reading the reels that were given already.
        """
        assert self._sandbox is not None, "setup was not called"
        held, given = probed.held, 0
        for attempt in range(1, _ATTEMPTS + 1):
            # Copies of one content may be decoded at once, so its id alone is no name.
            folders.append(self.scratch / f"{held.source.id}-{_name(held.source, held.segments)}-{attempt}")
            try:
                for answer in self._sandbox.stream(self._request(probed, folders[-1]), file=Path(held.path)):
                    if answer.get("number", given) < given:
                        shutil.rmtree(answer["folder"], ignore_errors=True)
                        continue
                    given += 1
                    yield answer
                return
            except ChildDiedError as error:
                if not error.killed or attempt == _ATTEMPTS:
                    raise

    def _request(self, probed: Probed, folder: Path) -> dict[str, Any]:
        aspect = Fraction(probed.facts.sample_aspect).limit_denominator(10_000)
        return {
            "folder": str(folder),
            "rotation": probed.facts.rotation,
            "sample_aspect": aspect.as_integer_ratio(),
            "segments": [(segment.start_seconds, segment.end_seconds) for segment in probed.held.segments],
            "short_side": self.config.short_side_px,
            "reel_frames": self.config.reel_frames,
            "white_nits": self.config.white_nits,
            "motion_vectors": self.config.motion_vectors,
            "limits": asdict(self.limits),
            "codecs": [probed.facts.codec],
        }


def _name(source: Source, segments: tuple[Segment, ...]) -> str:
    return staged_name(source.uri, source.licence, source.label, segments)


def _clear(folder: Path, handed_out: set[str]) -> None:
    """Remove the reels nobody was given, and the source's folder once it is empty."""
    for reel in folder.glob("*"):
        if str(reel) not in handed_out:
            shutil.rmtree(reel, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _reel(probed: Probed, answer: dict[str, Any]) -> Reel:
    held = probed.held
    answer["time_base"] = tuple(answer["time_base"])
    return Reel(source=held.source, facts=probed.facts, segments=held.segments, **answer)

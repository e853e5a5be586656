"""Probe: which files are videos that may be decoded, judged by a confined child before anything else looks at them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from densewalk.datasets.config import require
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import Verdict, source_verdict
from densewalk.pipelines.decoding.build import MediaBuild
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.sandbox import ChildDiedError, DeadlinePassedError, Sandbox, UnreadableError
from densewalk.pipelines.records import Held, Probed, StreamFacts
from densewalk.pipelines.stage import Stage

__all__ = ["CODECS", "Probe", "ProbeConfig"]

CODECS = (
    *("h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg1video", "mpeg2video", "msmpeg4v2", "msmpeg4v3"),
    *("wmv1", "wmv2", "wmv3", "vc1", "flv1", "h263", "theora", "mjpeg", "prores", "dnxhd", "dvvideo", "ffv1"),
    *("huffyuv", "rawvideo"),
)
"""What cameras, editors, sites and data sets write. Others are rare, old and little tested against hostile files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """Which files are decoded."""

    codecs: tuple[str, ...] = CODECS
    """Names of codecs that may be decoded, as FFmpeg has them; files of others are rejected."""
    limits: MediaLimits = field(default_factory=MediaLimits)
    """How much of a file is read."""
    deadline_seconds: float = 300.0
    """Time a file may take, of which reading its packets is most; then its child is killed and the file fails."""
    memory_bytes: int = 4 << 30
    """Address space of the child."""

    def __post_init__(self) -> None:
        require(
            not self.codecs and "probe.codecs must name at least one codec",
            self.deadline_seconds <= 0 and f"probe.deadline_seconds={self.deadline_seconds:g} must be above 0",
            self.memory_bytes < 1 << 30 and f"probe.memory_bytes={self.memory_bytes} must be at least 1 GiB",
        )


class Probe(Stage[Held, Probed]):
    """Lets through the sources that are videos, with what their containers, packets and first frames say."""

    name = "probe"
    version = 1

    def __init__(self, config: ProbeConfig) -> None:
        self.config = config
        self.build = MediaBuild.here(config.codecs)
        self._sandbox: Sandbox | None = None

    def setup(self) -> None:
        """Prepare the child; it starts with the first source.

        Raises `ConfigError` for a codec nobody knows, and on a machine with other media libraries.
        """
        self.build.require_here(self.config.codecs)
        _check_names(self.config.codecs, self.build)
        self._sandbox = Sandbox(
            "densewalk.pipelines.decoding.probe_child",
            deadline_seconds=self.config.deadline_seconds,
            memory_bytes=self.config.memory_bytes,
        )

    def close(self) -> None:
        """End the child."""
        if self._sandbox is not None:
            self._sandbox.close()

    def __call__(self, records: Sequence[Held]) -> list[Probed | Verdict]:
        """Return sources with their facts, or verdicts; a temporary file goes with its verdict."""
        return [self._probe(held) for held in records]

    def _probe(self, held: Held) -> Probed | Verdict:
        result = self._answer(held)
        if held.temporary and isinstance(result, Verdict):
            Path(held.path).unlink(missing_ok=True)
        return result

    def _answer(self, held: Held) -> Probed | Verdict:
        assert self._sandbox is not None, "setup was not called"
        request = {"limits": asdict(self.config.limits), "codecs": self.config.codecs}
        try:
            answer = self._sandbox.call(request, file=Path(held.path))
        except UnreadableError as error:
            return source_verdict(held.source, "failed", "not readable", str(error))
        except ChildDiedError as error:
            return source_verdict(held.source, "failed", "prober died", str(error))
        except DeadlinePassedError:
            return source_verdict(
                held.source, "failed", "deadline passed", f"probe.deadline_seconds={self.config.deadline_seconds:g}"
            )
        if "outcome" in answer:
            return source_verdict(held.source, answer["outcome"], answer["reason"], answer["detail"])
        return Probed(held=held, facts=StreamFacts(**answer["facts"]))


def _check_names(codecs: tuple[str, ...], build: MediaBuild) -> None:
    unknown = [codec for codec in codecs if codec not in build.decoders]
    if unknown:
        raise ConfigError(
            f"probe.codecs names {', '.join(map(repr, unknown))}, which this build of FFmpeg cannot decode; "
            "take them out, or install the av package of the lock file"
        )

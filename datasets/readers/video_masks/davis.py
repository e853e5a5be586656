"""DAVIS-2016 and DAVIS-2017: videos of which every frame has a mask (Perazzi et al., 2016; Pont-Tuset et al., 2017).

The sequences of a split are listed by name, or, in the files of 2016, by lines of a frame and its mask. In 2016 every
label but 0 is the one object, whatever number the file gives it, so 2017's files serve as well. Of the test splits the
first mask alone is public: these sequences can be propagated and not scored.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles, MaskedVideo, MaskedVideos
from densewalk.datasets.readers.video_masks.presence import Presence, files_by_name, named_few, videos_left_out

__all__ = ["DAVIS_ORIGINS", "DavisResolution", "DavisSplit", "DavisYear", "read_davis"]

DavisYear = Literal["2016", "2017"]
DavisSplit = Literal["train", "val", "trainval", "test-dev", "test-challenge"]
DavisResolution = Literal["480p", "1080p", "Full-Resolution"]

_FEWEST_FRAMES = 3
_FILES = ("JPEGImages/<resolution>/<sequence>/%05d.jpg", "Annotations/<resolution>/<sequence>/%05d.png")
_LICENCE = "Creative Commons BY-NC 4.0"
DAVIS_ORIGINS: Mapping[DavisYear, Origin] = {
    "2016": Origin(
        name="DAVIS-2016",
        site="davischallenge.org (DAVIS 2016)",
        licence=_LICENCE,
        layout=(*_FILES, "ImageSets/480p/<split>.txt or ImageSets/2016/<split>.txt"),
    ),
    "2017": Origin(
        name="DAVIS-2017",
        site="davischallenge.org (DAVIS 2017, semi-supervised)",
        licence=_LICENCE,
        layout=(*_FILES, "ImageSets/2017/<split>.txt"),
    ),
}


def read_davis(
    root: Path,
    *,
    year: DavisYear,
    split: DavisSplit = "val",
    resolution: DavisResolution = "480p",
    sequences: Presence = "all",
) -> MaskedVideos:
    """Return the videos of a split.

    Raises `DataError` when the folder or the list of the split is not there, when the list is of another kind, and when
    frames or masks of a listed sequence are missing, unless `sequences` is "present", which leaves that one out.
    """
    origin = DAVIS_ORIGINS[year]
    listed = _listed(root, origin, year, split, resolution)
    videos: list[MaskedVideo] = []
    missing: dict[str, str] = {}
    for name, frames in listed.items():
        images = files_by_name(root / "JPEGImages" / resolution / name, ".jpg")
        masks = files_by_name(root / "Annotations" / resolution / name, ".png")
        if fault := _missing(images, masks, frames, is_test=split.startswith("test")):
            missing[name] = fault
            continue
        videos.append(
            MaskedVideo(
                name=name,
                frames=ImageFiles(tuple(images.values())),
                frame_names=tuple(images),
                mask_files={frame: masks[stem] for frame, stem in enumerate(images) if stem in masks},
                entries={},
                is_binary=year == "2016",
            )
        )
    left_out = videos_left_out(origin, root, missing, num_listed=len(listed), sequences=sequences)
    has_truth = all(len(video.mask_files) == len(video.frames) for video in videos)
    return MaskedVideos(videos=tuple(videos), left_out=left_out, has_truth=has_truth)


def _listed(
    root: Path, origin: Origin, year: DavisYear, split: DavisSplit, resolution: DavisResolution
) -> dict[str, list[str]]:
    """Return the sequences of a split and the frames of each that the list names, none where it names sequences."""
    require_files(origin, root, [])
    places = [year] if year == "2017" else [year, resolution, "480p"]
    files = [root / "ImageSets" / place / f"{split}.txt" for place in dict.fromkeys(places)]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        known = sorted(str(path.relative_to(root)) for path in root.glob("ImageSets/*/*.txt"))
        wanted = " or ".join(str(file.relative_to(root)) for file in files)
        raise DataError(
            f"{origin.name}: {root} has no {wanted} (option split={split}); "
            f"found {', '.join(known) or 'no list'}; {origin.expected}"
        )
    listed: dict[str, list[str]] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        words = line.split()
        parts = Path(words[0]).parts if words else ()
        if len(words) > 2 or (len(parts) > 1 and "JPEGImages" not in parts):
            raise DataError(f"line {number} of {file} is {line!r}; expected a sequence, or a frame and its mask")
        if len(parts) > 1:
            listed.setdefault(parts[-2], []).append(Path(parts[-1]).stem)
        elif parts:
            listed.setdefault(parts[0], [])
    if not listed:
        raise DataError(f"{file} lists no sequence; {origin.expected}")
    return listed


def _missing(images: Mapping[str, Path], masks: Mapping[str, Path], frames: list[str], *, is_test: bool) -> str | None:
    """Return what a sequence lacks, in words; frames are numbered from 0 on."""
    if not images:
        return "no frame"
    numbers = [int(stem) for stem in (*images, *masks) if stem.isdecimal()]
    numbered = {f"{number:05d}" for number in range(max(numbers, default=-1) + 1)}
    absent = [f"{stem}.jpg" for stem in sorted({*frames, *masks, *numbered} - set(images))]
    wanted = list(images)[:1] if is_test and len(masks) <= 1 else images
    absent += [f"{stem}.png" for stem in wanted if stem not in masks]
    if not absent and len(images) < _FEWEST_FRAMES:
        return f"has {len(images)} frames, of which none is scored: the first is given, the last left out"
    return f"lacks {named_few(absent)}" if absent else None

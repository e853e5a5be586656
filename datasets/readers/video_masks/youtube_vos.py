"""YouTube-VOS: videos with masks at every fifth frame, whose objects come in at different times (Xu et al., 2018).

`meta.json` says of every object in which frames it is annotated; the first of these is where it comes in, and of that
file its own label alone is read. Of the validation split nothing but these first masks is public: it can be propagated
and not scored, since the server keeps the truth.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles, MaskedVideo, MaskedVideos
from densewalk.datasets.readers.video_masks.presence import Presence, files_by_name, named_few, videos_left_out

__all__ = ["YOUTUBE_VOS", "read_youtube_vos"]

YOUTUBE_VOS = Origin(
    name="YouTube-VOS",
    site="youtube-vos.org",
    licence="annotations CC BY 4.0, research use; the videos belong to their uploaders",
    layout=(
        "<split>/JPEGImages/<video>/%05d.jpg",
        "<split>/Annotations/<video>/%05d.png",
        "<split>/meta.json, {videos: {<video>: {objects: {<number>: {category, frames}}}}}",
    ),
)


def read_youtube_vos(root: Path, *, split: str = "valid", sequences: Presence = "all") -> MaskedVideos:
    """Return the videos of a split, a folder under `root`.

    Raises `DataError` when the folder or `meta.json` is not there or of another kind, and when frames or masks that
    `meta.json` names are missing, unless `sequences` is "present", which leaves such videos out.
    """
    file = root / split / "meta.json"
    require_files(YOUTUBE_VOS, root, [file])
    objects = _objects(file)
    has_truth = _has_truth(root / split, objects)
    videos: list[MaskedVideo] = []
    missing: dict[str, str] = {}
    for name, frames_of in objects.items():
        images = files_by_name(root / split / "JPEGImages" / name, ".jpg")
        masks = files_by_name(root / split / "Annotations" / name, ".png")
        if fault := _missing(images, masks, frames_of, has_truth=has_truth):
            missing[name] = fault
            continue
        number_of = {stem: number for number, stem in enumerate(images)}
        videos.append(
            MaskedVideo(
                name=name,
                frames=ImageFiles(tuple(images.values())),
                frame_names=tuple(images),
                mask_files={number_of[stem]: path for stem, path in masks.items()},
                entries={number: number_of[frames[0]] for number, frames in frames_of.items()},
            )
        )
    left_out = videos_left_out(YOUTUBE_VOS, root / split, missing, num_listed=len(objects), sequences=sequences)
    return MaskedVideos(videos=tuple(videos), left_out=left_out, has_truth=has_truth)


def _objects(file: Path) -> dict[str, dict[int, list[str]]]:
    """Return the annotated frames of every object by video."""
    try:
        videos: Mapping[str, Any] = json.loads(file.read_text())["videos"]
        objects = {
            name: {int(number): sorted(map(str, entry["frames"])) for number, entry in video["objects"].items()}
            for name, video in videos.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else error
        raise DataError(f"{file} is of another kind: {reason}; {YOUTUBE_VOS.expected}") from error
    for name, frames_of in objects.items():
        if not frames_of or not all(frames_of.values()):
            raise DataError(f"{file}: video {name} has no object, or one without frames; {YOUTUBE_VOS.expected}")
    if not objects:
        raise DataError(f"{file} names no video; {YOUTUBE_VOS.expected}")
    return objects


def _has_truth(folder: Path, objects: Mapping[str, Mapping[int, Sequence[str]]]) -> bool:
    """Return whether some video has more masks than those in which its objects come in."""
    return any(
        files_by_name(folder / "Annotations" / name, ".png").keys() - {frames[0] for frames in frames_of.values()}
        for name, frames_of in objects.items()
    )


def _missing(
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    frames_of: Mapping[int, Sequence[str]],
    *,
    has_truth: bool,
) -> str | None:
    """Return what a video lacks, in words."""
    if not images:
        return "no frame"
    named = sorted({stem for frames in frames_of.values() for stem in (frames if has_truth else frames[:1])})
    absent = [f"{stem}.jpg" for stem in sorted({*named, *masks} - set(images))]
    absent += [f"{stem}.png" for stem in named if stem not in masks]
    return f"lacks {named_few(absent)}" if absent else None

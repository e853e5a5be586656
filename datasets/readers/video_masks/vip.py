"""VIP, Video Instance-level Parsing: people whose parts are labelled, 20 classes (Zhou et al., 2018).

Every image of `VIP_Fine` has a picture of category numbers; the videos of a split are listed by name, with or without
folders before it.
"""

from pathlib import Path

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.origin import Origin, require_files
from densewalk.datasets.readers.video_masks.masked_video import ImageFiles, MaskedVideo, MaskedVideos
from densewalk.datasets.readers.video_masks.presence import Presence, files_by_name, named_few, videos_left_out

__all__ = ["VIP", "VIP_CLASSES", "read_vip"]

VIP_CLASSES = (
    "background", "hat", "hair", "sun-glasses", "upper-clothes", "dress", "coat", "socks", "pants", "gloves",
    "scarf", "skirt", "torso-skin", "face", "right-arm", "left-arm", "right-leg", "left-leg", "right-shoe", "left-shoe",
)  # fmt: skip
"""Names of the classes by number."""

VIP = Origin(
    name="VIP",
    site="sysu-hcp.net/lip (Video Multi-Person Human Parsing, VIP_Fine.zip)",
    licence="research use",
    layout=(
        "lists/<split>_videos.txt",
        "Images/<video>/<frame>.jpg",
        "Annotations/Category_ids/<video>/<frame>.png",
    ),
)


def read_vip(root: Path, *, split: str = "val", sequences: Presence = "all") -> MaskedVideos:
    """Return the videos of a split of `root`, the folder VIP_Fine.

    Raises `DataError` when the folder or the list is not there, and when frames or labels of a listed video are
    missing, unless `sequences` is "present", which leaves that one out.
    """
    file = root / "lists" / f"{split}_videos.txt"
    require_files(VIP, root, [file])
    names = list(dict.fromkeys(Path(line.strip()).name for line in file.read_text().splitlines() if line.strip()))
    if not names:
        raise DataError(f"{file} lists no video; {VIP.expected}")
    videos: list[MaskedVideo] = []
    missing: dict[str, str] = {}
    for name in names:
        images = files_by_name(root / "Images" / name, ".jpg")
        labels = files_by_name(root / "Annotations" / "Category_ids" / name, ".png")
        absent = [f"{stem}.png" for stem in images if stem not in labels]
        absent += [f"{stem}.jpg" for stem in labels if stem not in images]
        if absent or not images:
            missing[name] = f"lacks {named_few(absent)}" if absent else "no frame"
            continue
        videos.append(
            MaskedVideo(
                name=name,
                frames=ImageFiles(tuple(images.values())),
                frame_names=tuple(images),
                mask_files={frame: labels[stem] for frame, stem in enumerate(images)},
                entries={},
            )
        )
    left_out = videos_left_out(VIP, root, missing, num_listed=len(names), sequences=sequences)
    return MaskedVideos(videos=tuple(videos), left_out=left_out)

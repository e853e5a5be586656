"""Held-out videos: films of files and folders of images, kept by content, found in clips made of them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.dedup.duplicates import find_duplicates
from densewalk.pipelines.dedup.film import read_film
from densewalk.pipelines.dedup.held_out import held_out_signatures
from densewalk.pipelines.dedup.signed import Signed
from densewalk.pipelines.records import Cutting, Reel
from densewalk.pipelines.stages.signatures import Signatures

DecodeVideo = Callable[[Path], Reel]
CuttingOf = Callable[..., Cutting]


def _no_video(path: Path) -> Iterator[Reel]:
    raise AssertionError(f"{path} was decoded")


def _held_out(work: Path, *paths: Path, decoded: Callable[[Path], Iterator[Reel]] = _no_video) -> list[Signed]:
    config = DedupConfig(held_out=tuple(map(str, paths)))
    return list(held_out_signatures(config, decoded=decoded, work=work))


def _pictures(folder: Path, count: int, *, related: bool) -> Path:
    """Write pictures of smooth noise: a panning camera's or unrelated ones."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 256, (12, 40, 3), np.uint8), (400, 96), interpolation=cv2.INTER_CUBIC)
    for number in range(count):
        other = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (128, 96), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number:05d}.png"), scene[:, 2 * number : 2 * number + 128] if related else other)
    return folder


def test_a_folder_of_frames_is_a_video_in_parts_that_overlap(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "set" / "bear", 120, related=True)
    parts = _held_out(tmp_path / "work", tmp_path / "set")
    at_all_rates = [f"{folder}@{start}s" for starts in ((0, 2, 4), (0, 2), (0, 2)) for start in starts]
    assert [part.key for part in parts] == at_all_rates
    first, second = (read_film(part.signature) for part in parts[3:5])
    assert (len(first), len(second)) == (12, 12)
    assert np.array_equal(first[8:], second[:4])


def test_a_folder_of_unrelated_images_is_a_set_of_stills(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "stills", 5, related=False)
    parts = _held_out(tmp_path / "work", folder)
    assert [part.key for part in parts] == [f"{folder / f'{k:05d}.png'}@0s" for k in range(5)]
    assert all(len(read_film(part.signature)) == 1 for part in parts)


def test_a_video_is_decoded_once_and_its_reels_are_removed(
    tmp_path: Path, make_video: Callable[..., Path], decode_video: DecodeVideo
) -> None:
    video = make_video("val/v.mp4", num_frames=60, fps=12)
    (tmp_path / "val" / "notes.txt").write_text("not a video")
    reels: list[Reel] = []

    def decoded(path: Path) -> Iterator[Reel]:
        reels.append(decode_video(path))
        yield reels[-1]

    parts = _held_out(tmp_path / "work", tmp_path / "val", decoded=decoded)
    assert [part.key for part in parts] == [f"{video}@0s", f"{video}@2s"]
    assert len(reels) == 1
    assert not Path(reels[0].folder).exists()
    assert _held_out(tmp_path / "work", tmp_path / "val") == parts


def test_changed_content_is_read_again(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "frames", 30, related=True)
    before = _held_out(tmp_path / "work", folder)
    assert _held_out(tmp_path / "work", folder) == before
    (folder / "00000.png").unlink()
    cv2.imwrite(str(folder / "00001.png"), np.zeros((96, 128, 3), np.uint8))
    assert _held_out(tmp_path / "work", folder) != before


def test_what_holds_nothing_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(ConfigError, match=r"dedup\.held_out"):
            _held_out(tmp_path / "work", path)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"dedup\.held_out: .*broken\.png"):
        _held_out(tmp_path / "work", tmp_path / "broken.png")


def _film(path: Path, images: list[Path], fps: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "28", "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 456, 256, "yuv420p"
        for image in images:
            frame = av.VideoFrame.from_ndarray(cv2.imread(str(image)), format="bgr24")
            container.mux(stream.encode(frame.reformat(width=456, height=256)))
        container.mux(stream.encode(None))
    return path


@pytest.mark.real_data
@pytest.mark.parametrize("fps", [24, *(pytest.param(fps, marks=pytest.mark.slow) for fps in (20, 30))])
def test_clips_of_davis_sequences_are_known_at_any_usual_rate(
    real_data: Path, tmp_path: Path, cutting_of: CuttingOf, fps: int
) -> None:
    frames = real_data / "davis2016" / "JPEGImages" / "480p"
    clips: list[Signed] = []
    for folder in sorted(path for path in frames.iterdir() if path.is_dir()):
        images = sorted(folder.glob("*.jpg"))
        cutting = cutting_of(
            _film(tmp_path / f"{folder.name}.mp4", images[min(len(images) // 3, len(images) - 25) :], fps)
        )
        (signed,) = Signatures()([cutting])
        clips.append(Signed(key=folder.name, signature=signed.clips[0].signature))
    bear = real_data / "videos" / "clips" / "co-tracker__bear.mp4"
    (signed,) = Signatures()([cutting_of(Path(shutil.copy(bear, tmp_path)))])
    clips.append(Signed(key="bear", signature=signed.clips[0].signature))
    held_out = _held_out(tmp_path / "work", frames)
    found = list(find_duplicates(clips, (), held_out, work=tmp_path, config=DedupConfig()))
    assert [duplicate.key for duplicate in found] == sorted(clip.key for clip in clips if clip.key != "bear")
    assert all(duplicate.kind == "held-out" and f"/{duplicate.key}@" in duplicate.of for duplicate in found)

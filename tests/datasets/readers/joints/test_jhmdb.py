"""JHMDB's layout as it is distributed: lists of the split, films or numbered frames, Matlab files; and its faults."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.joints.jhmdb import JHMDB_ACTIONS, find_clips

FRAMES, SIZE_HW = 4, (24, 32)
CLIPS = ("catch/Goal_(1)_catch_f_cm_np1_fr_med_2", "walk/BIG_FISH_walk_f_nm_np1_fr_med_2")


def _joints(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 40, (2, 15, FRAMES))


def _masks(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (*SIZE_HW, FRAMES), dtype=np.uint8)


def _frames(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (FRAMES, *SIZE_HW, 3), dtype=np.uint8)


@pytest.fixture
def jhmdb(tmp_path: Path) -> Path:
    """Two test clips and a training clip that the lists name and nobody has."""
    for action in JHMDB_ACTIONS:
        lines = [f"{name.partition('/')[2]}.avi 2" for name in CLIPS if name.startswith(f"{action}/")]
        path = tmp_path / "splits" / f"{action}_test_split1.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, f"Someone_{action}_f.avi 1", ""]))
    for seed, name in enumerate(CLIPS):
        for folder, file, content in (
            (
                "joint_positions",
                "joint_positions.mat",
                {"pos_img": _joints(seed), "pos_world": np.zeros((2, 15, FRAMES))},
            ),
            ("puppet_mask", "puppet_mask.mat", {"part_mask": _masks(seed)}),
        ):
            (tmp_path / folder / name).mkdir(parents=True)
            savemat(tmp_path / folder / name / file, content)
        (tmp_path / "Rename_Images" / name).mkdir(parents=True)
        for number, frame in enumerate(_frames(seed), start=1):
            Image.fromarray(frame).save(tmp_path / "Rename_Images" / name / f"{number:05d}.png")
    return tmp_path


def test_the_test_clips_of_the_lists_are_read_with_joints_in_raster_pixels_and_with_masks(jhmdb: Path) -> None:
    clips, left_out = find_clips(jhmdb, "joints")
    assert [clip.name for clip in clips] == list(CLIPS)
    assert left_out == ()
    for seed, clip in enumerate(clips):
        video_THWC, joint_TJ2 = clip.with_joints()
        assert np.array_equal(video_THWC, _frames(seed))
        assert joint_TJ2 == pytest.approx(_joints(seed).transpose(2, 1, 0) - 0.5)
    masked, _ = find_clips(jhmdb, "masks")
    assert np.array_equal(masked[1].with_masks()[1], _masks(1).transpose(2, 0, 1))


def test_films_stand_in_for_numbered_frames_and_masks_may_lie_flat(jhmdb: Path) -> None:
    name = CLIPS[0]
    for file in (jhmdb / "Rename_Images" / name).iterdir():
        file.unlink()
    (jhmdb / "puppet_mask" / name / "puppet_mask.mat").rename(jhmdb / "puppet_mask" / f"{name}.mat")
    film = jhmdb / "ReCompress_Videos" / f"{name}.avi"
    film.parent.mkdir(parents=True)
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.height, stream.width, stream.pix_fmt = *SIZE_HW, "yuv420p"
        for frame in _frames(0) // 8 + 100:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    clips, _ = find_clips(jhmdb, "masks")
    video_THWC, mask_THW = clips[0].with_masks()
    assert video_THWC.shape == (FRAMES, *SIZE_HW, 3)
    assert np.abs(video_THWC.mean((1, 2)) - 115.5).max() < 8
    assert np.array_equal(mask_THW, _masks(0).transpose(2, 0, 1))


def test_an_incomplete_clip_is_an_error_unless_what_is_present_is_asked_for(jhmdb: Path) -> None:
    (jhmdb / "joint_positions" / CLIPS[1] / "joint_positions.mat").unlink()
    with pytest.raises(DataError, match=r"1 of the 2 sequences.*no joint_positions/walk.*sequences=present.*jhmdb\.is"):
        find_clips(jhmdb, "joints")
    clips, left_out = find_clips(jhmdb, "joints", sequences="present")
    assert [clip.name for clip in clips] == [CLIPS[0]]
    assert left_out == (CLIPS[1],)
    (jhmdb / "Rename_Images" / CLIPS[0] / "00001.png").unlink()
    with pytest.raises(DataError, match=r"neither Rename_Images/catch.*nor ReCompress_Videos/catch"):
        find_clips(jhmdb, "joints", sequences="present")


def test_lists_that_are_missing_or_of_another_kind_are_told(jhmdb: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder.*splits/<action>"):
        find_clips(tmp_path / "nowhere", "joints")
    (jhmdb / "splits" / "run_test_split1.txt").unlink()
    with pytest.raises(DataError, match=r"1 of 21 lists.*run_test_split1"):
        find_clips(jhmdb, "joints")
    (jhmdb / "splits" / "run_test_split1.txt").write_text("clip.avi 7\n")
    with pytest.raises(DataError, match=r"line 1 of .*run_test_split1.txt is 'clip.avi 7'"):
        find_clips(jhmdb, "joints")


def test_without_lists_every_annotated_clip_counts_when_what_is_present_is_asked_for(jhmdb: Path) -> None:
    for path in (jhmdb / "splits").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"no splits/.*sequences=present"):
        find_clips(jhmdb, "masks")
    assert [clip.name for clip in find_clips(jhmdb, "masks", sequences="present")[0]] == list(CLIPS)
    with pytest.raises(DataError, match="no clip with joints"):
        find_clips(jhmdb / "puppet_mask", "joints", sequences="present")


def test_damaged_files_are_named(jhmdb: Path) -> None:
    clip = find_clips(jhmdb, "joints")[0][0]
    savemat(clip.truth, {"pos_img": np.zeros((2, 14, FRAMES))})
    with pytest.raises(DataError, match=r"joint_positions.mat holds pos_img of shape \(2, 14, 4\); expected 2 x 15"):
        clip.with_joints()
    savemat(clip.truth, {"pos_img": np.zeros((2, 15, FRAMES + 1))})
    with pytest.raises(DataError, match=r"annotates 5 frames.*has 4"):
        clip.with_joints()
    savemat(clip.truth, {"pos_world": np.zeros((2, 15, FRAMES))})
    with pytest.raises(DataError, match="holds no pos_img"):
        clip.with_joints()
    clip.truth.write_bytes(clip.truth.read_bytes()[:150])
    with pytest.raises(DataError, match=r"cannot read .*joint_positions.mat"):
        clip.with_joints()
    masked = find_clips(jhmdb, "masks")[0][0]
    savemat(masked.truth, {"part_mask": np.zeros((32, 24, FRAMES))})
    with pytest.raises(DataError, match=r"masks of \(32, 24\) rows.*\(24, 32\)"):
        masked.with_masks()
    (masked.pictures / "00002.png").unlink()
    with pytest.raises(DataError, match=r"3 frames but no 00002.png"):
        masked.with_masks()


@pytest.mark.real_data
def test_the_real_clip_has_its_joints_on_the_person(real_data: Path) -> None:
    """The neck lies between the shoulders and the belly between the hips, as in a body, not as in permuted numbers."""
    clips, _ = find_clips(real_data / "jhmdb_joints_sample", "joints", sequences="present")
    video_THWC, joint_TJ2 = clips[0].with_joints()
    assert video_THWC.shape == (40, 240, 320, 3)
    assert joint_TJ2[0, 0].tolist() == [286, 106]
    between_shoulders, between_hips = joint_TJ2[:, 3:5].mean(1), joint_TJ2[:, 5:7].mean(1)
    assert np.abs(joint_TJ2[:, 0] - between_shoulders).max() < 15
    assert np.abs(joint_TJ2[:, 1] - between_hips).max() < 40


@pytest.mark.real_data
def test_real_films_have_as_many_frames_as_masks(real_data: Path) -> None:
    clips, left_out = find_clips(real_data / "jhmdb", "masks", sequences="present")
    assert len(clips) == 21
    assert left_out == ()
    video_THWC, mask_THW = clips[0].with_masks()
    assert len(video_THWC) == len(mask_THW) == 40
    assert 0.05 < mask_THW.mean() < 0.5

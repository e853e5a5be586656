"""PointOdyssey in its published layout: frames by stretches of scenes, tracks read row by row, damage named."""

import logging
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.collection import ClipCollection
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.readers.clips.pointodyssey import PointOdysseyCollection, open_pointodyssey
from densewalk.datasets.readers.clips.pointodyssey_tracks import read_tracks
from densewalk.datasets.storage.config import CacheConfig

SIZE_HW = (36, 64)
TRACKS = 9


def _annotation(frames: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "trajs_2d": rng.uniform([-5, -5], [70, 40], (frames, TRACKS, 2)).astype(np.float16),
        "trajs_3d": rng.normal(size=(frames, TRACKS, 3)).astype(np.float16),
        "visibs": rng.random((frames, TRACKS)) < 0.7,
        "valids": rng.random((frames, TRACKS)) < 0.8,
        "intrinsics": np.zeros((frames, 3, 3), np.float16),
        "extrinsics": np.zeros((frames, 4, 4), np.float16),
    }


def _scene(folder: Path, frames: int, seed: int) -> None:
    for layer in ("rgbs", "depths", "masks", "normals"):
        (folder / layer).mkdir(parents=True)
    for frame in range(frames):
        grey = np.full((*SIZE_HW, 3), 10 * seed + 5 * frame, np.uint8)
        Image.fromarray(grey).save(folder / "rgbs" / f"rgb_{frame:05d}.jpg", quality=95)
    np.savez(folder / "anno.npz", **_annotation(frames, seed))
    np.savez(folder / "info.npz", trajs_2d=np.array([frames, TRACKS, 2]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _scene(tmp_path / "train" / "ani", 25, 1)
    _scene(tmp_path / "train" / "cab_e", 8, 2)
    return tmp_path


def _open(root: Path) -> PointOdysseyCollection:
    return open_pointodyssey(str(root), CacheConfig(), seconds=0.5, fps=20)


def test_scenes_are_cut_into_stretches(root: Path) -> None:
    collection = _open(root)
    assert isinstance(collection, ClipCollection)
    table = collection.table
    assert list(table.keys) == ["ani-00000", "ani-00010", "cab_e-00000"]
    assert table.frames_N.tolist() == [10, 15, 8]
    assert table.group_N.tolist() == [0, 0, 1]
    assert list(table.groups) == ["ani", "cab_e"]
    assert table.fps_N.tolist() == [20.0] * 3
    assert (int(table.height_N[0]), int(table.width_N[0])) == SIZE_HW


def test_frames_are_those_of_the_stretch(root: Path) -> None:
    video_THWC = _open(root).read(1, [14, 0])
    assert video_THWC.shape == (2, *SIZE_HW, 3)
    assert np.abs(video_THWC.mean(axis=(1, 2, 3)) - [10 + 5 * 24, 10 + 5 * 10]).max() < 2
    with pytest.raises(DataError, match=r"ani-00010 has the frames 0 to 14; asked for \[15\]"):
        _open(root).read(1, [15])


def test_a_pickled_collection_is_the_same_and_other_files_are_another_one(root: Path) -> None:
    collection = _open(root)
    other = pickle.loads(pickle.dumps(collection))
    assert other.identity == collection.identity
    assert np.array_equal(other.read(2, [3]), collection.read(2, [3]))
    (root / "train" / "cab_e" / "rgbs" / "rgb_00007.jpg").unlink()
    assert _open(root).identity != collection.identity
    assert open_pointodyssey(root / "train", CacheConfig(), seconds=0.5, fps=20).identity == _open(root).identity


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_tracks_are_those_of_the_frames(root: Path, save: object) -> None:
    annotation = _annotation(25, 1)
    annotation["trajs_2d"][13, 4] = np.nan
    annotation["trajs_2d"][13, 5, 0] = np.inf
    save(root / "train" / "ani" / "anno.npz", **annotation)  # type: ignore[operator]
    tracks = _open(root).tracks(1, [3, 0, 3])
    known_KT = annotation["valids"][[13, 10, 13]].T.copy()
    known_KT[[4, 5], 0] = known_KT[[4, 5], 2] = False
    kept_K = known_KT.any(axis=1)
    assert np.array_equal(tracks.known_KT, known_KT[kept_K])
    expected = annotation["trajs_2d"][[13, 10, 13]].transpose(1, 0, 2)[kept_K].astype(np.float32)
    assert np.array_equal(tracks.track_KT2[tracks.known_KT], expected[tracks.known_KT])
    assert not tracks.track_KT2[~tracks.known_KT].any()
    inside = ((expected >= 0) & (expected <= SIZE_HW[::-1])).all(axis=-1)
    visible = annotation["visibs"][[13, 10, 13]].T[kept_K]
    assert np.array_equal(tracks.visible_KT, visible & tracks.known_KT & inside)
    assert tracks.visible_KT.any()
    assert (tracks.known_KT & ~inside).any()


def test_the_first_release_is_understood(root: Path) -> None:
    state = np.random.default_rng(0).integers(0, 3, (8, TRACKS)).astype(np.float16)
    points = np.full((8, TRACKS, 2), 7, np.float16)
    np.savez(root / "train" / "cab_e" / "anno.npz", trajs_2d=points, visibilities=state)
    tracks = _open(root).tracks(2, range(8))
    kept_K = (state < 2).any(axis=0)
    assert np.array_equal(tracks.visible_KT, (state == 1).T[kept_K])
    assert np.array_equal(tracks.known_KT, (state < 2).T[kept_K])


def test_only_the_rows_asked_for_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "anno.npz"
    points = np.zeros((500, 2000, 2), np.float16)
    np.savez(path, trajs_2d=points, visibs=np.ones((500, 2000), bool), valids=np.ones((500, 2000), bool))
    import zipfile

    read = 0
    original = zipfile.ZipExtFile.read

    def counted(self: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        nonlocal read
        content = original(self, size)
        read += len(content)
        return content

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert read_tracks(path, [499, 3], SIZE_HW).track_KT2.shape == (2000, 2, 2)
    assert read < 10_000


def test_motion_is_refused_with_the_reason(root: Path) -> None:
    collection = _open(root)
    assert not collection.has_motion
    with pytest.raises(ConfigError, match=r"plan\.motion=false"):
        collection.motion(0, [0, 1])


def test_absent_data_are_told_with_where_to_get_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError, match=r"does not exist.*pointodyssey\.com"):
        _open(tmp_path / "nowhere")
    (tmp_path / "train" / "empty" / "rgbs").mkdir(parents=True)
    with (
        caplog.at_level(logging.WARNING, "densewalk"),
        pytest.raises(DataError, match=r"holds no scene with frames.*pointodyssey\.com"),
    ):
        _open(tmp_path)
    assert "empty is left out" in caplog.text
    with pytest.raises(ConfigError, match="fewer than 2 frames"):
        open_pointodyssey(tmp_path, CacheConfig(), seconds=0.01)


def test_damaged_frames_are_told_with_clip_and_file(root: Path) -> None:
    rgbs = root / "train" / "ani" / "rgbs"
    (rgbs / "rgb_00003.jpg").unlink()
    (rgbs / "rgb_00004.jpg").write_bytes((rgbs / "rgb_00005.jpg").read_bytes()[:300])
    Image.new("RGB", (10, 10)).save(rgbs / "rgb_00006.jpg")
    (rgbs / "rgb_00000.jpg").write_bytes(b"no picture")
    collection = _open(root)
    for frame, told in (
        (3, "does not exist"),
        (4, "cannot decode"),
        (6, r"\(10, 10\) rows and columns"),
        (0, "cannot"),
    ):
        with pytest.raises(
            DataError, match=rf"ani-00000.*rgb_0000{frame}\.jpg.*{told}|ani-00000.*{told}.*rgb_0000{frame}"
        ):
            collection.read(0, [frame])
    assert collection.read(0, [5]).shape == (1, *SIZE_HW, 3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"trajs_2d": np.array([None], object)}, "one for each frame"),
        ({"trajs_2d": np.zeros((25, 3, 2)), "visibs": np.zeros((25, 3))}, "expected an array 'valids'"),
        ({"trajs_2d": np.zeros((20, 3, 2))}, "trajs_2d has 20 frames; expected one for frame 24"),
        ({"trajs_2d": np.zeros((25, 3, 2)), "visibilities": np.zeros((25, 4))}, "visibs of"),
    ],
)
def test_other_annotations_are_refused(root: Path, content: dict[str, np.ndarray], told: str) -> None:
    np.savez(root / "train" / "ani" / "anno.npz", **content)
    with pytest.raises(DataError, match=told):
        _open(root).tracks(1, [14])


def test_damaged_annotations_are_told_with_their_bytes(root: Path) -> None:
    path = root / "train" / "ani" / "anno.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"cannot read .*anno\.npz, {len(whole) // 2} bytes"):
        _open(root).tracks(0, [0])
    path.unlink()
    with pytest.raises(DataError, match="nothing is known of the tracks"):
        _open(root).tracks(0, [0])
    np.savez_compressed(path, **_annotation(25, 1))
    rng = np.random.default_rng(0)
    content = path.read_bytes()
    for place in rng.integers(0, len(content), 60):
        other = bytearray(content)
        other[place] ^= 0x55
        path.write_bytes(bytes(other))
        with suppress(DataError):
            _open(root).tracks(1, [14])

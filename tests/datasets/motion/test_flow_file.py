"""Files of flow: what goes in comes out, bytes are a function of the fields, damage is told."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.geometry import correspond
from densewalk.datasets.motion.consistency import cell_pixels, occlusion, pixel_residual
from densewalk.datasets.motion.flow_file import FlowAbout, FlowPair, read_flow, write_flow
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.datasets.views import View

SCENE = Scene(SceneConfig(height=48, width=64), 3)
ABOUT = FlowAbout(
    key="abc-000",
    frames=8,
    clip_size_hw=(48, 64),
    size_hw=(48, 64),
    estimator="dis",
    encoding="png16",
    quality=95,
    residual="log8",
    residual_stride=1,
)


def scene_pair(source: int, target: int) -> FlowPair:
    return FlowPair(source, target, SCENE.flow(source, target)[0], SCENE.flow(target, source)[0])


def written(path: Path, about: FlowAbout = ABOUT) -> bytes:
    write_flow(path / "c.flow.npz", about, (scene_pair(0, stride) for stride in (1, 3)))
    return (path / "c.flow.npz").read_bytes()


@pytest.mark.parametrize(
    ("encoding", "mean", "greatest"), [("png16", 0.005, 0.008), ("fp16", 0.002, 0.01), ("jpeg", 0.3, 8)]
)
def test_fields_come_back_both_ways(tmp_path: Path, encoding: str, mean: float, greatest: float) -> None:
    fields = read_flow(written(tmp_path, replace(ABOUT, encoding=encoding)))
    assert fields.about == replace(ABOUT, encoding=encoding)
    assert fields.pairs == ((0, 1), (1, 0), (0, 3), (3, 0))
    for source, target in fields.pairs:
        error_2HW = fields.flow(source, target) - SCENE.flow(source, target)[0]
        assert np.abs(error_2HW).mean() < mean
        assert np.abs(error_2HW).max() < greatest


@pytest.mark.parametrize("residual", ["log8", "fp16"])
@pytest.mark.parametrize("stride", [1, 2])
def test_visibility_is_that_of_the_flow_before_it_was_encoded(tmp_path: Path, residual: str, stride: int) -> None:
    about = replace(ABOUT, encoding="jpeg", quality=5, residual=residual, residual_stride=stride)
    fields = read_flow(written(tmp_path, about))
    exact = pixel_residual(SCENE.flow(0, 3)[0], SCENE.flow(3, 0)[0])
    for alpha, beta in ((0.01, 0.5), (0.1, 2.0)):
        expected_HW = ~occlusion(exact, alpha=alpha, beta=beta)
        visible_HW = fields.visible(0, 3, alpha=alpha, beta=beta)
        assert visible_HW.shape == (48, 64)
        assert (cell_pixels(visible_HW, stride) == cell_pixels(expected_HW, stride)).mean() > 0.995
        assert (visible_HW == expected_HW).mean() > (0.995 if stride == 1 else 0.9)


def test_the_same_fields_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert written(tmp_path) == written(tmp_path / "again")


def test_numpy_alone_opens_the_file(tmp_path: Path) -> None:
    content = written(tmp_path, replace(ABOUT, encoding="fp16"))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert json.loads(file["about"].item())["key"] == "abc-000"
        assert file["flow_00000_00003"].shape == (2, 48, 64)
        assert file["pairs"].tolist() == [[0, 1], [1, 0], [0, 3], [3, 0]]


def test_a_clip_too_short_for_any_pair_has_a_file_without_fields(tmp_path: Path) -> None:
    write_flow(tmp_path / "c.flow.npz", ABOUT, ())
    assert read_flow(tmp_path / "c.flow.npz").pairs == ()


def test_flow_beyond_the_encoding_is_never_visible(tmp_path: Path) -> None:
    forth, back = np.zeros((2, 48, 64), np.float32), np.zeros((2, 48, 64), np.float32)
    forth[0, 5, 7] = 600.0
    wide = replace(ABOUT, size_hw=(48, 64))
    write_flow(tmp_path / "c.flow.npz", wide, [FlowPair(0, 1, forth, back)])
    visible_HW = read_flow(tmp_path / "c.flow.npz").visible(0, 1, alpha=0.9, beta=1e5)
    assert not visible_HW[5, 7]
    assert visible_HW.sum() == visible_HW.size - 1


def test_a_pair_that_is_not_stored_is_named_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"from frame 0 to 2; 4 fields .* strides \[-3, -1, 1, 3\]"):
        read_flow(written(tmp_path)).flow(0, 2)


@pytest.mark.parametrize("shrunk", [1, 2])
def test_motion_relates_views_of_the_clip(tmp_path: Path, shrunk: int) -> None:
    size_hw = (48 // shrunk, 64 // shrunk)
    field_2HW = np.broadcast_to(np.array([4.0, -2.0], np.float32)[:, None, None] / shrunk, (2, *size_hw)).copy()
    write_flow(tmp_path / "c", replace(ABOUT, size_hw=size_hw), [FlowPair(0, 1, field_2HW, -field_2HW)])
    motion = read_flow(tmp_path / "c").motion([(0, 1), (1, 0)])
    video = torch.zeros(1, 2, 3, 48, 64, dtype=torch.uint8)
    view = View(video_BTCHW=video, clip_from_view_B33=torch.eye(3)[None], frame_BT=torch.tensor([[0, 1]]))
    point_BN2 = torch.tensor([[[30.0, 20.0], [62.0, 20.0]]])
    arrival, visible = correspond(view, view, motion, point_BN2, target_position=1)
    torch.testing.assert_close(arrival[0, 0], torch.tensor([34.0, 18.0]))
    assert visible.tolist() == [[True, False]]


def test_damage_is_told_or_changes_nothing(tmp_path: Path) -> None:
    content = written(tmp_path, replace(ABOUT, encoding="jpeg"))
    sound = {pair: read_flow(content).flow(*pair) for pair in ((0, 1), (3, 0))}
    rng = np.random.default_rng(0)
    cases = [content[:length] for length in np.linspace(0, len(content) - 1, 50).astype(int)]
    for bit in rng.integers(8 * len(content), size=200):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        cases.append(bytes(flipped))
    refused = 0
    for case in cases:
        try:
            fields = read_flow(case)
            for pair, flow_2HW in sound.items():
                np.testing.assert_array_equal(fields.flow(*pair), flow_2HW)
                fields.visible(*pair)
        except (DataError, ConfigError):
            refused += 1
    assert refused > 150


def refit(content: bytes, name: str, change: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """The archive with one member replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", compression) as new:
        for member in old.infolist():
            new.writestr(member.filename, change if member.filename == name else old.read(member))
    return buffer.getvalue()


def npy(array: np.ndarray, **settings: bool) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **settings)
    return buffer.getvalue()


def test_hostile_members_are_refused(tmp_path: Path) -> None:
    content = written(tmp_path)
    claims = npy(np.zeros((2, 2), "<i4")).replace(b"(2, 2)", b"(99999, 99999)")
    assert len(claims) > 16
    for name, change in (
        ("pairs.npy", npy(np.array([[{}, 1]], object), allow_pickle=True)),
        ("pairs.npy", claims),
        ("pairs.npy", npy(np.zeros((3, 2), "<i8"))),
        ("pairs.npy", npy(np.array([[0, 1], [0, 1], [0, 3], [3, 0]], "<i4"))),
        ("ranges.npy", npy(np.full((4, 2, 2), np.nan, "<f4"))),
        ("about.npy", npy(np.array(b"{}"))),
        ("about.npy", npy(np.array(b"[[[" * 10_000))),
        ("about.npy", npy(np.array(b"\xff\xfe"))),
    ):
        with pytest.raises(DataError):
            read_flow(refit(content, name, change))
    with pytest.raises(DataError, match="compressed"):
        read_flow(refit(content, "", b"", zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "no densewalk.flow file"),
        ({"version": 2}, "of version 2; this densewalk reads version 1"),
        ({"encoding": "webp"}, "of other types: encoding"),
        ({"size_hw": [2**20, 2**20]}, "no version of this format writes"),
        ({"size_hw": [0, 4]}, "no version of this format writes"),
        ({"frames": "8"}, "of other types: frames"),
        ({"more": 1}, "says of itself"),
    ],
)
def test_a_file_that_says_strange_things_of_itself_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    content = written(tmp_path)
    with np.load(io.BytesIO(content)) as file:
        facts = json.loads(file["about"].item()) | change
    with pytest.raises(DataError, match=message):
        read_flow(refit(content, "about.npy", npy(np.array(json.dumps(facts).encode()))))


def test_text_and_nothing_are_no_flow() -> None:
    for content in (b"", b"no flow at all", b"PK\x05\x06" + bytes(18)):
        with pytest.raises(DataError):
            read_flow(content)

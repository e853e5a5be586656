"""Depth on a tiny NYU in its true layout: an oracle, shuffled truths, no features, single images, every preset."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.datasets.readers.nyu import open_nyu
from densewalk.ssl.encoders.rgb import RgbEncoder
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.depth import KIND, DepthBenchmarkConfig
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.probe.depth import LinearDepthConfig
from densewalk.ssl.walk.pair_features import PairFeatures
from tests.published_depth import SIZE_HW, write_nyu

AS_THEY_ARE = DepthBenchmarkConfig(num_train=0, height=0, width=0, linear=LinearDepthConfig(every_px=1, ridge=0.0))


class DepthOracle(Matcher):
    """Recognises an image, or its mirror image, and has its depth for features; a seed shuffles the pixels."""

    stride = multiple = 1
    dim = 2
    temperature = 1.0

    def __init__(self, root: Path, *, shuffled: bool = False) -> None:
        super().__init__()
        self.known: dict[bytes, Tensor] = {}
        rng = np.random.default_rng(0)
        for split in ("train", "test"):
            images = open_nyu(root, split)
            for image in (images[number] for number in range(len(images))):
                depth = image.depth_HW
                depth = rng.permutation(depth.ravel()).reshape(depth.shape) if shuffled else depth
                for mirrored in (False, True):
                    seen, shown = ((a[:, ::-1] if mirrored else a).copy() for a in (image.image_HWC, depth))
                    self.known[seen.tobytes()] = torch.from_numpy(shown)

    def encode(self, image_BCHW: Tensor) -> Tensor:
        pixels = (image_BCHW[0] * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
        depth = self.known[pixels.tobytes()]
        return torch.stack((depth, torch.zeros_like(depth)))[None]

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise NotImplementedError


class Blank(DepthOracle):
    """Sees nothing in any image."""

    def encode(self, image_BCHW: Tensor) -> Tensor:
        return torch.zeros(1, 2, *image_BCHW.shape[-2:])


def measured(root: Path, matcher: Matcher, config: DepthBenchmarkConfig, notebook: Notebook | None = None) -> Scores:
    benchmark = KIND.build(replace(config, data=root))
    return benchmark(matcher, subject="subject", **({"notebook": notebook} if notebook else {}))


def scored_depths(root: Path) -> list[np.ndarray]:
    """The true depths that Eigen's crop of a tenth of the size counts, image by image."""
    images = open_nyu(root, "test")
    cuts = [images[number].depth_HW[4:47, 4:60] for number in range(len(images))]
    return [cut[(cut > 1e-3) & (cut < 10)] for cut in cuts]


@pytest.fixture
def colour_matcher() -> CosineMatcher:
    return CosineMatcher(RgbEncoder(stride=4, patch=4))


@pytest.fixture
def nyu(tmp_path: Path) -> Path:
    write_nyu(tmp_path, train=3, test=2)
    return tmp_path


@pytest.mark.parametrize("flip", [False, True])
def test_an_oracle_makes_no_error(nyu: Path, flip: bool) -> None:
    config = replace(AS_THEY_ARE, flip_train=flip, flip_test=flip)
    scores = measured(nyu, DepthOracle(nyu), config)
    perfect = dict.fromkeys(("RMSE", "AbsRel", "SqRel", "RMSE_log", "log10", "SILog"), 0.0)
    perfect |= dict.fromkeys(("delta1", "delta2", "delta3"), 100.0)
    assert scores.scalars == pytest.approx(perfect, abs=1e-3)
    assert scores.headline == "RMSE"


def test_shuffled_pixels_and_no_features_are_as_good_as_the_mean_depth(nyu: Path) -> None:
    train = open_nyu(nyu, "train")
    known = np.concatenate([train[number].depth_HW.ravel() for number in range(3)])
    mean = known[(known > 1e-3) & (known < 10)].mean()
    chance = np.mean([np.sqrt(np.mean((depth - mean) ** 2)) for depth in scored_depths(nyu)])
    assert measured(nyu, Blank(nyu), AS_THEY_ARE).scalars["RMSE"] == pytest.approx(chance, rel=1e-4)
    shuffled = measured(nyu, DepthOracle(nyu, shuffled=True), AS_THEY_ARE).scalars["RMSE"]
    assert shuffled == pytest.approx(chance, rel=0.05)


def test_pixels_outside_the_crop_or_the_range_count_nowhere(nyu: Path) -> None:
    before = measured(nyu, Blank(nyu), AS_THEY_ARE)
    for number in range(2):
        path = nyu / f"official_splits/test/kitchen/sync_depth_{number:05d}.png"
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        inside = np.zeros(SIZE_HW, bool)
        inside[4:47, 4:60] = True
        unscored = ~inside | (depth >= 10_000) | (depth == 0)
        assert unscored.any()
        assert cv2.imwrite(str(path), np.where(unscored, 65_000, depth).astype(np.uint16))
    after = measured(nyu, Blank(nyu), AS_THEY_ARE)
    assert after.scalars == before.scalars
    assert after.protocol["truth_sha256"] != before.protocol["truth_sha256"]


def test_one_image_each_is_enough_and_rows_are_images(tmp_path: Path) -> None:
    write_nyu(tmp_path, train=1, test=1)
    scores = measured(tmp_path, DepthOracle(tmp_path), AS_THEY_ARE)
    assert [row["image"] for row in scores.rows] == ["kitchen/rgb_00000"]
    assert scores.rows[0]["RMSE"] == scores.scalars["RMSE"]
    assert (scores.protocol["num_train"], scores.protocol["num_test"]) == (1, 1)


def test_means_over_images_and_over_pixels_differ_and_are_two_protocols(nyu: Path) -> None:
    images = measured(nyu, Blank(nyu), AS_THEY_ARE)
    pixels = measured(nyu, Blank(nyu), replace(AS_THEY_ARE, average_over="pixels"))
    depths = scored_depths(nyu)
    assert images.scalars["RMSE"] == pytest.approx(np.mean([row["RMSE"] for row in images.rows]))
    squares = sum(row["RMSE"] ** 2 * len(depth) for row, depth in zip(images.rows, depths, strict=True))
    assert pixels.scalars["RMSE"] == pytest.approx(np.sqrt(squares / sum(map(len, depths))))
    assert images.protocol != pixels.protocol


def test_the_protocol_tells_the_head_in_use_and_not_where_the_data_lies(nyu: Path) -> None:
    protocol = measured(nyu, Blank(nyu), AS_THEY_ARE).protocol
    assert "bins" not in protocol
    assert protocol["linear"] == {"every_px": 1, "ridge": 0.0}
    assert str(nyu) not in json.dumps(protocol)


def test_the_same_subject_measured_twice_gives_the_same_bits(nyu: Path, colour_matcher: CosineMatcher) -> None:
    config = DepthBenchmarkConfig(height=24, width=32)
    first, second = (to_mapping(measured(nyu, colour_matcher, config)) for _ in range(2))
    assert first == second


def test_published_settings_are_whole_configurations(nyu: Path, colour_matcher: CosineMatcher) -> None:
    dinov3, pico = (KIND.presets[name]() for name in ("dinov3", "pico"))
    assert (dinov3.head, dinov3.flip_test, dinov3.crop, dinov3.size_hw, dinov3.num_train) == (
        "bins", True, "eigen", None, 0,
    )  # fmt: skip
    bins = dinov3.bins
    assert (bins.num_bins, bins.iterations, bins.batch_size, bins.learning_rate) == (256, 38_400, 16, 3e-4)
    assert (pico.head, pico.flip_train, pico.crop, pico.linear.ridge) == ("linear", True, "full", 0)
    short = replace(bins, iterations=3, warmup=1, batch_size=2, crop_height=24, crop_width=32)
    scores = measured(nyu, colour_matcher, replace(dinov3, bins=short))
    assert 0 < scores.scalars["RMSE"] < 10
    assert scores.protocol["bins"]["iterations"] == 3


def test_the_worst_images_are_drawn_and_progress_is_told(nyu: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    notebook = Notebook(nyu / "kept", on_progress=lambda *news: heard.append(news))
    measured(nyu, Blank(nyu), AS_THEY_ARE, notebook)
    assert len(notebook.pictures) == 2
    assert all("RMSE" in caption and "too" in caption for caption in notebook.pictures)
    assert (nyu / "kept/images.csv").read_text().startswith("image,RMSE")
    assert heard[2] == (3, 3, "training images")
    assert heard[-1] == (2, 2, "kitchen/rgb_00001")


def test_what_cannot_be_measured_is_refused(nyu: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"depth-nyu needs --data PATH: expected under the folder"):
        KIND.build(DepthBenchmarkConfig())
    for path in (nyu / "official_splits/test/kitchen").glob("*.png"):
        assert cv2.imwrite(str(path), np.zeros(SIZE_HW, np.uint16))
    with pytest.raises(BenchmarkError, match="no test image has a pixel of known depth"):
        measured(nyu, Blank(nyu), AS_THEY_ARE)
    with pytest.raises(ConfigError, match=r"(?s)num_train.*num_test.*height=5 and width=0.*min_depth_m=9.*mirrors"):
        DepthBenchmarkConfig(
            num_train=-1, num_test=-1, height=5, width=0, min_depth_m=9, max_depth_m=3, head="bins", flip_train=True
        )
    (nyu / "official_splits/test/kitchen/rgb_00001.jpg").unlink()
    with pytest.raises(DataError, match=r"NYU-Depth v2: .* lacks .*rgb_00001\.jpg"):
        KIND.build(replace(AS_THEY_ARE, data=nyu))

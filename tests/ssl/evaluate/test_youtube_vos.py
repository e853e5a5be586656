"""YouTube-VOS: objects that come in later, scored where the truth is there, kept for the server where it is not."""

import json
from pathlib import Path

import numpy as np
import pytest

from densewalk.datasets.errors import BenchmarkError, ConfigError, DataError
from densewalk.datasets.readers.video_masks.mask_files import read_mask
from densewalk.ssl.evaluate.baselines import baseline
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.evaluate.youtube_vos import KIND, YoutubeVos, YoutubeVosConfig
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.metrics.davis import object_row, overlaps
from densewalk.ssl.propagate.config import PRESETS
from tests.video_mask_layouts import save_masks, save_youtube_vos, walking_squares

VIDEOS = ("003234408d", "0043f083b5")


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return save_youtube_vos(tmp_path / "data", split="train")


def test_the_true_masks_score_a_hundred(train: Path) -> None:
    benchmark = YoutubeVos(YoutubeVosConfig(data=train, split="train"))
    scores = benchmark(MaskFolder(train / "train/Annotations"), subject="oracle")
    assert scores.scalars["J&F"] == 100
    assert [row["item"] for row in scores.rows] == [
        f"{VIDEOS[0]}_1",
        f"{VIDEOS[0]}_2",
        f"{VIDEOS[1]}_1",
        f"{VIDEOS[1]}_2",
    ]


def test_an_object_is_scored_from_the_annotation_after_its_first_to_the_last(train: Path, tmp_path: Path) -> None:
    truth = walking_squares(2)
    late = np.where((truth == 2) & (np.arange(6) < 2)[:, None, None], 0, truth)
    masks = np.roll(late, 1, 2)
    for name, labels in zip(VIDEOS, (truth, masks), strict=True):
        save_masks(tmp_path / "made" / name, {f"{5 * t:05d}": label for t, label in enumerate(labels)})
    (tmp_path / "made" / VIDEOS[1] / "00000.png").unlink()
    benchmark = YoutubeVos(YoutubeVosConfig(data=train, split="train"))
    rows = {row["item"]: row for row in benchmark(MaskFolder(tmp_path / "made"), subject="m").rows}
    for number, frames in {1: range(1, 6), 2: range(3, 6)}.items():
        expected = object_row(number, overlaps(number, masks[list(frames)], late[list(frames)]))
        assert {key: rows[f"{VIDEOS[1]}_{number}"][key] for key in expected} == expected


def test_an_object_that_comes_in_later_is_followed_from_there(train: Path, tmp_path: Path) -> None:
    benchmark = YoutubeVos(YoutubeVosConfig(data=train, split="train"))
    scores = benchmark(baseline("rgb"), subject="rgb", notebook=Notebook(tmp_path / "kept"))
    assert min(row["J_mean"] for row in scores.rows) > 50
    kept = [read_mask(tmp_path / f"kept/masks/{VIDEOS[1]}/{5 * t:05d}.png") for t in range(6)]
    assert [bool((mask == 2).any()) for mask in kept] == [False, False, True, True, True, True]
    assert (tmp_path / "kept/worst_objects.jpg").is_file()


def test_a_video_in_which_nothing_is_there_at_first_is_followed_from_the_first_object(tmp_path: Path) -> None:
    root = save_youtube_vos(tmp_path / "data", split="train")
    meta = root / "train/meta.json"
    text = meta.read_text().replace('"frames": ["00000", ', '"frames": [')
    meta.write_text(text)
    for name in VIDEOS:
        (root / f"train/Annotations/{name}/00000.png").unlink()
    scores = YoutubeVos(YoutubeVosConfig(data=root, split="train"))(
        baseline("rgb"), subject="rgb", notebook=Notebook(tmp_path / "kept")
    )
    assert min(row["J_mean"] for row in scores.rows) > 50
    assert not read_mask(tmp_path / f"kept/masks/{VIDEOS[0]}/00000.png").any()


def test_the_validation_split_is_kept_for_the_server(tmp_path: Path) -> None:
    root = save_youtube_vos(tmp_path / "data", split="valid", only_first=True)
    benchmark = YoutubeVos(YoutubeVosConfig(data=root))
    with pytest.raises(BenchmarkError, match="send them to the server"):
        benchmark(baseline("rgb"), subject="rgb")
    scores = benchmark(baseline("rgb"), subject="rgb", notebook=Notebook(tmp_path / "kept"))
    assert dict(scores.scalars) == {"masks": 12}
    assert scores.protocol["scored"].startswith("nothing")
    assert len(list((tmp_path / "kept/masks").glob("*/*.png"))) == 12


def test_an_object_absent_from_the_mask_it_comes_in_with_is_named(train: Path) -> None:
    save_masks(train / "train/Annotations" / VIDEOS[1], {"00010": np.zeros((32, 48), np.uint8)})
    with pytest.raises(DataError, match=r"00010\.png lacks object 2"):
        YoutubeVos(YoutubeVosConfig(data=train, split="train"))(baseline("rgb"), subject="rgb")


def test_settings_are_checked_and_presets_are_published_ones() -> None:
    with pytest.raises(ConfigError, match="must be the name of a folder"):
        YoutubeVosConfig(split="../train")
    with pytest.raises(BenchmarkError, match=r"youtube-vos needs --data PATH: .*youtube-vos\.org"):
        YoutubeVos(YoutubeVosConfig())
    assert KIND.presets["dul"]() == YoutubeVosConfig(propagation=PRESETS["dul"])


@pytest.mark.real_data
@pytest.mark.slow
def test_real_objects_that_come_in_one_by_one_are_followed_though_a_mask_is_a_pixel_short(
    real_data: Path, tmp_path: Path
) -> None:
    source, root = real_data / "vos_multiobject", tmp_path / "data/valid"
    for kind, folder in (("JPEGImages", "images"), ("Annotations", "masks")):
        (root / kind).mkdir(parents=True)
        (root / kind / "judo").symlink_to(source / folder / "judo")
    entries = {"1": "00000", "2": "00005", "3": "00008", "4": "00013"}
    objects = {number: {"category": "person", "frames": [frame]} for number, frame in entries.items()}
    (root / "meta.json").write_text(json.dumps({"videos": {"judo": {"objects": objects}}}))
    benchmark = YoutubeVos(YoutubeVosConfig(data=tmp_path / "data"))
    scores = benchmark(PositionMatcher(stride=16), subject="still", notebook=Notebook(tmp_path / "kept"))
    assert scores.provenance["resized_masks"] == 1
    last = read_mask(tmp_path / "kept/masks/judo/00015.png")
    assert last.shape == (480, 854)
    assert set(np.unique(last)) == {0, 1, 2, 3, 4}

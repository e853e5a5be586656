"""J and F against numbers that davis2017-evaluation gave on the same masks: drawn ones and real ones.

Drawn sequences are few frames of soft random regions, spoilt in one of seven ways: other regions, a shift, holes,
frames without a prediction, frames without an object, void, and a first frame that lacks an object. Their numbers are
sums over the objects of ten sequences.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densewalk.ssl.metrics.davis import score_sequence

VOID = 255
COLUMNS = ("J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay")


def drawn_sequence(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true masks of 3 to 9 frames with 1 to 4 objects."""
    rng = np.random.default_rng(seed)
    frames, objects = int(rng.integers(3, 10)), int(rng.integers(1, 5))
    height, width = (int(side) for side in rng.integers(24, 200, 2))
    truth = _regions(rng, frames, objects, height, width)
    truth[0, 0, :objects] = np.arange(1, objects + 1)
    predicted, kind = truth.copy(), seed % 7
    if kind == 0:
        predicted = _regions(rng, frames, objects, height, width)
    elif kind == 1:
        predicted = np.roll(truth, tuple(int(s) for s in rng.integers(-6, 7, 2)), (1, 2))
    elif kind == 2:
        predicted[rng.random(truth.shape) < 0.1] = 0
    elif kind == 3:
        predicted[rng.random(frames) < 0.5] = 0
    elif kind == 4:
        truth[1:][rng.random(frames - 1) < 0.5] = 0
    elif kind == 5:
        truth[rng.random(truth.shape) < 0.05] = VOID
        truth[0, 0, :objects] = np.arange(1, objects + 1)
    else:
        truth[0][(truth[0] == 1) & (objects > 1)] = 0
        predicted = np.roll(predicted, 2, 1)
    return predicted, truth


def _regions(rng: np.random.Generator, frames: int, objects: int, height: int, width: int) -> np.ndarray:
    """Labels of the highest of several fields of broad bumps."""
    y, x = np.mgrid[:height, :width]
    fields = np.zeros((objects + 1, frames, height, width))
    for field in fields:
        for _ in range(3):
            centre_y, centre_x, reach = rng.random(3) * (height, width, 40)
            drift = 4 * rng.random(2) - 2
            for frame in range(frames):
                distance = (y - centre_y - drift[0] * frame) ** 2 + (x - centre_x - drift[1] * frame) ** 2
                field[frame] += np.exp(-distance / (2 * (8 + reach) ** 2))
    fields[0] += 0.3
    return fields.argmax(0).astype(np.uint8)


def spoilt(truth: np.ndarray) -> np.ndarray:
    """Masks that lag, lie beside the truth and lose a strip."""
    predicted = np.roll(truth, (1, 3, -5), (0, 1, 2))
    predicted[:, :, ::9] = 0
    return predicted


def panned(first: np.ndarray) -> np.ndarray:
    """Six frames in which everything moves to the right and down."""
    return np.stack([np.roll(first, (3 * frame, 7 * frame), (0, 1)) for frame in range(6)])


DRAWN = np.array(
    [
        [1993.3206263, 2116.6666667, 222.6483047, 1471.8330866, 1180.0, 166.464358],
        [1813.4102534, 1911.9047619, -52.5825279, 1493.8177109, 1511.9047619, -42.290356],
        [1229.1013735, 1350.0, 92.4322648, 783.4663096, 650.0, 61.4035173],
        [1172.5590678, 1260.7142857, -183.0557689, 840.8420719, 760.7142857, -176.217173],
        [1979.8440673, 2014.2857143, 135.4010644, 1612.7282426, 1614.2857143, 123.6291409],
        [2041.6619632, 2228.5714286, 28.5098717, 1574.2462441, 1645.2380952, 21.0710565],
        [1835.6658277, 2002.3809524, 250.0062146, 1428.1208119, 1252.3809524, 237.4386999],
        [1962.9390797, 2066.6666667, 100.6945193, 1537.4632272, 1566.6666667, 73.6884423],
        [1694.9568706, 1697.8571429, 190.0426381, 1157.7830291, 1107.3809524, 194.2853921],
        [1870.6562608, 2075.0, -6.6182418, 1358.4885347, 1200.0, -15.1397219],
        [1787.0022121, 1858.3333333, 265.9226897, 1380.1374509, 1291.6666667, 287.4034649],
        [1819.6156617, 1860.0, -144.7358478, 1403.5805496, 1360.0, -159.7909867],
        [2414.3753963, 2526.1904762, 39.5844111, 1815.2713158, 1702.8571429, 12.4524067],
        [1697.7413774, 1804.7619048, 98.418276, 1178.2477337, 1064.7619048, 122.7456022],
        [1594.161372, 1652.3809524, -75.9007598, 1408.309347, 1295.2380952, -88.3735491],
        [1605.7082772, 1708.3333333, 243.5019872, 1276.6327943, 1322.6190476, 219.8397169],
        [1461.8605757, 1505.0, -219.1166762, 1200.6291142, 1205.0, -233.7547178],
        [1851.1064768, 1911.9047619, -157.1368693, 1501.4210388, 1445.2380952, -105.4169692],
        [1673.9270054, 1850.0, 92.2953875, 1356.0327974, 1450.0, 80.602591],
        [2085.8066608, 2286.6666667, -195.1855186, 1542.6829763, 1486.6666667, -211.8816139],
        [2534.3908041, 2700.0, 207.7046409, 2147.8104654, 2142.8571429, 180.9785411],
        [2019.145619, 2250.0, 196.6203853, 1643.2728632, 1980.0, 193.8150844],
        [1665.1865068, 1781.4285714, -486.1402915, 1333.4475052, 1357.6190476, -409.553463],
        [1627.0994114, 1706.6666667, 48.3973898, 1189.6027977, 981.6666667, 13.4274624],
    ]
)  # fmt: skip
"""Sums of the columns over the objects of ten sequences each."""
DAVIS_2016 = {
    "dog-agility": [54.8229412, 73.9130435, -11.9790194, 36.8097088, 8.6956522, 19.4366954],
    "horsejump-low": [58.5337856, 100.0, 12.2518705, 67.0034955, 100.0, 8.8908219],
    "rollerblade": [36.9361687, 0.0, 0.1888473, 48.6440237, 30.3030303, -5.5121124],
    "surf": [62.3145904, 92.4528302, 15.6759674, 34.0581306, 1.8867925, -0.6272208],
}
"""The columns by sequence, spoilt masks."""
DAVIS_2017 = {
    "vietnam": [48.2438873, 71.4285714, -0.0518643, 60.6210915, 85.7142857, -0.3900989],
    "dog-control": [38.2378287, 40.0, 0.1508293, 55.2881607, 80.0, -0.8925971],
    "turtle": [60.8183334, 100.0, -0.0745401, 59.9490707, 100.0, -0.0504908],
}
"""Means over the objects of the first frame, which pans."""
JUDO = [52.9530568, 75.0, -0.2376515, 50.7645274, 37.5, 0.5512227]


@pytest.mark.parametrize("group", range(len(DRAWN)))
def test_drawn_sequences_score_as_the_official_tool_scores_them(group: int) -> None:
    total = np.zeros(len(COLUMNS))
    for seed in range(10 * group, 10 * group + 10):
        for row in score_sequence(*drawn_sequence(seed)):
            total += [row[name] for name in COLUMNS]
    np.testing.assert_allclose(total, DRAWN[group], rtol=0, atol=1e-6)


def _label(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def _means(predicted: np.ndarray, truth: np.ndarray) -> list[float]:
    rows = score_sequence(predicted, truth)
    return [float(np.mean([row[name] for row in rows])) for name in COLUMNS]


@pytest.mark.real_data
@pytest.mark.parametrize("name", DAVIS_2016)
def test_davis_2016_scores_as_the_official_tool_scores_it(name: str, real_data: Path) -> None:
    files = sorted((real_data / "davis2016/Annotations/480p" / name).glob("*.png"))
    truth = np.stack([(_label(path) > 0).astype(np.uint8) for path in files])
    assert _means(spoilt(truth), truth) == pytest.approx(DAVIS_2016[name], abs=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("name", DAVIS_2017)
def test_first_masks_of_davis_2017_score_as_the_official_tool_scores_them(name: str, real_data: Path) -> None:
    truth = panned(_label(real_data / f"davis2017_firstframes/Annotations/480p/{name}/00000.png"))
    assert _means(spoilt(truth), truth) == pytest.approx(DAVIS_2017[name], abs=1e-6)


@pytest.mark.real_data
def test_four_objects_that_touch_score_as_the_official_tool_scores_them(real_data: Path) -> None:
    first = np.zeros((480, 853), np.uint8)
    for path in sorted((real_data / "vos_multiobject/masks/judo").glob("*.png")):
        own = _label(path)[:, :853]
        first[own > 0] = own[own > 0]
    truth = panned(first)
    assert _means(spoilt(truth), truth) == pytest.approx(JUDO, abs=1e-6)

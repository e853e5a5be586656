"""HDR and wide gamut become SDR: by the published formulas, monotonic, without a tint."""

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc

from densewalk.pipelines.decoding.tone import ToneMap, tone_map

PQ, HLG, SDR = ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67, ColorTrc.BT709
BT2020, P3, BT709 = ColorPrimaries.BT2020, ColorPrimaries.SMPTE432, ColorPrimaries.BT709

M_2020_FROM_709 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""ITU-R BT.2087, equation for linear light."""


def _pq(nits: float) -> float:
    power = (nits / 10000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def _nits(code: float) -> float:
    root = code ** (1 / 78.84375)
    return float(10000 * (max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))


def _roll_off(nits: float, white: float) -> float:
    """BT.2390 5.4.1, written down once more: from 1000 nits to `white`, black lift none."""
    source, target = _pq(1000), _pq(white) / _pq(1000)
    level, knee = min(_pq(nits) / source, 1.0), 1.5 * target - 0.5
    if level < knee:
        return nits
    t = (level - knee) / (1 - knee)
    eased = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * target
    return _nits(eased * source)


def _slow(rgb_nits_709: np.ndarray, white: float = 203.0) -> np.ndarray:
    """What is shown of a colour given in nits and BT.709 primaries, as a share of full signal."""
    light = np.maximum(rgb_nits_709, 0)
    strongest = light.max()
    light = light * (_roll_off(float(strongest), white) / strongest if strongest > 0 else 1) / white
    return np.clip(light, 0, 1) ** (1 / 2.4)


def _shown(tones: ToneMap | None, codes: np.ndarray) -> np.ndarray:
    assert tones is not None
    codes = np.rint(np.asarray(codes).reshape(1, -1, 3) * 65535).astype(np.uint16)
    return tones(codes)[0] / 65535


def test_frames_that_are_sdr_already_pass() -> None:
    for transfer in (ColorTrc.BT709, ColorTrc.UNSPECIFIED, ColorTrc.IEC61966_2_1, 99):
        assert tone_map(int(transfer), int(BT709), 203.0) is None
        assert tone_map(int(transfer), int(ColorPrimaries.SMPTE170M), 203.0) is None


@pytest.mark.parametrize("transfer", [PQ, HLG, SDR])
def test_a_grey_ramp_stays_grey_and_grows(transfer: int) -> None:
    ramp = np.repeat(np.linspace(0, 1, 1025)[:, None], 3, axis=1)
    shown = _shown(tone_map(int(transfer), int(BT2020), 203.0), ramp)
    assert np.abs(shown - shown[:, :1]).max() < 0.5 / 255
    assert np.diff(shown[:, 1]).min() > -0.1 / 255, "steps back are far below a stored level"
    assert shown[0, 1] == 0
    assert shown[-1, 1] == 1


def test_reference_white_is_nine_tenths_of_the_signal_in_pq_and_hlg() -> None:
    pq = _shown(tone_map(int(PQ), int(BT2020), 203.0), np.full(3, _pq(203)))[0, 0]
    hlg = _shown(tone_map(int(HLG), int(BT2020), 203.0), np.full(3, 0.75))[0, 0]
    assert pq == pytest.approx(0.903, abs=0.003)
    assert hlg == pytest.approx(pq, abs=0.01)


def test_a_lower_white_is_brighter() -> None:
    code = np.full(3, _pq(60))
    assert _shown(ToneMap(PQ, BT2020, 100.0), code)[0, 0] > _shown(ToneMap(PQ, BT2020, 203.0), code)[0, 0] + 0.1


@pytest.mark.parametrize("white", [100.0, 203.0])
def test_colours_follow_the_slow_formula(white: float) -> None:
    light_709 = np.random.default_rng(0).uniform(0, 1, (300, 3)) ** 3 * 900
    light_2020 = light_709 @ M_2020_FROM_709.T
    codes = np.vectorize(_pq)(light_2020)
    expected = np.array([_slow(light, white) for light in light_709])
    shown = _shown(ToneMap(PQ, BT2020, white), codes)
    assert shown**2.4 == pytest.approx(expected**2.4, abs=2e-3)
    assert shown[expected > 0.1] == pytest.approx(expected[expected > 0.1], abs=1 / 255)


def test_colours_beyond_bt709_keep_their_order_and_do_not_wrap() -> None:
    """The primaries of BT.2020 lie outside; one becomes pure, at the strength of its strongest part."""
    for strongest in range(3):
        light = np.full(3, 1e-3)
        light[strongest] = 150
        shown = _shown(tone_map(int(PQ), int(BT2020), 203.0), np.vectorize(_pq)(light))[0]
        assert shown.argmax() == strongest
        assert shown.min() < 0.03


def test_wide_gamut_sdr_is_brought_into_bt709() -> None:
    """A colour of BT.709 written in P3 and BT.2020 comes back; linear matrices from their published primaries."""
    p3_from_709 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
    colour = np.array([0.8, 0.3, 0.1])
    for primaries, matrix in ((P3, p3_from_709), (BT2020, M_2020_FROM_709)):
        code = (matrix @ colour**2.4) ** (1 / 2.4)
        shown = _shown(tone_map(int(SDR), int(primaries), 203.0), code)[0]
        assert shown == pytest.approx(colour, abs=1.5 / 255)


def test_hdr_without_primaries_is_bt2020() -> None:
    codes = np.random.default_rng(1).uniform(0, 1, (20, 3))
    unnamed = _shown(tone_map(int(PQ), int(ColorPrimaries.UNSPECIFIED), 203.0), codes)
    assert np.array_equal(unnamed, _shown(tone_map(int(PQ), int(BT2020), 203.0), codes))


def test_hues_stay_where_highlights_roll_off() -> None:
    """Of light far above white, the proportion of the three parts stays; each part cut off alone would turn yellow."""
    light_709 = np.array([900.0, 450.0, 90.0])
    shown = _shown(tone_map(int(PQ), int(BT2020), 203.0), np.vectorize(_pq)(M_2020_FROM_709 @ light_709))[0]
    assert shown**2.4 / (shown[0] ** 2.4) == pytest.approx(light_709 / 900, abs=0.02)


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    code_HWC = np.random.default_rng(2).integers(0, 65536, (64, 96, 3)).astype(np.uint16)
    tones = ToneMap(HLG, BT2020, 203.0)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    one = tones(code_HWC)
    cv2.setNumThreads(4)
    four = tones(code_HWC)
    cv2.setNumThreads(threads)
    assert np.array_equal(one, four)

"""Settings of propagation: what published works chose, resolutions, and what cannot work."""

from pathlib import Path

import pytest

from densewalk.datasets.config import from_mapping, resolve, to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.ssl.propagate.config import PRESETS, PropagationConfig


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dino", (7, 0, 5, 12, "square", True, 0.1)),
        ("crw", (20, 20, 10, 12, "disk", False, 0.05)),
        ("dul", (20, 20, 10, 12, "disk", False, 0.05)),
        ("vfs", (20, 1, 10, 18, "disk", True, 0.07)),
        ("vfs-r18", (20, 1, 10, 12, "disk", True, 0.07)),
        ("uvc", (7, 0, 5, None, "square", True, 1.0)),
        ("siammae", (20, 20, 7, 20, "disk", False, 0.7)),
    ],
)
def test_presets_hold_the_published_settings(name: str, expected: tuple[object, ...]) -> None:
    p = PRESETS[name]
    found = (p.context, p.first_copies, p.top_k, p.radius, p.shape, p.first_within_radius, p.temperature)
    assert found == expected


def test_only_the_longer_side_is_floored_to_whole_multiples() -> None:
    dino = PRESETS["dino"]
    assert dino.network_hw((480, 854)) == (480, 832)
    assert dino.network_hw((480, 910)) == (480, 896)
    assert dino.network_hw((1080, 1920)) == (480, 832)
    assert dino.network_hw((854, 480)) == (832, 480)
    assert dino.network_hw((500, 500)) == (480, 448)


def test_other_resolutions_keep_the_shape_or_are_as_given() -> None:
    assert PropagationConfig().network_hw((481, 853)) == (481, 853)
    assert PropagationConfig(upsample=2).network_hw((481, 853)) == (962, 1706)
    assert PRESETS["vfs"].network_hw((1080, 1920)) == (480, 853)
    assert PropagationConfig(size_hw=(320, 320)).network_hw((240, 319)) == (320, 320)


def test_a_small_video_keeps_one_multiple() -> None:
    assert PropagationConfig(short_side=16, long_multiple=64).network_hw((16, 40)) == (16, 64)


def test_settings_that_cannot_work_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"(?s)context.*top_k.*radius.*upsample"):
        PropagationConfig(context=-1, top_k=0, radius=-1, upsample=0)
    with pytest.raises(ConfigError, match=r"(?s)temperature.*short_side.*long_multiple.*size_hw"):
        PropagationConfig(temperature=0.0, short_side=-1, long_multiple=0, size_hw=(0, 5))


def test_two_resolutions_more_copies_than_context_and_an_empty_disk_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"(?s)first_copies=3.*context=2.*radius=0.*one of short_side"):
        PropagationConfig(context=2, first_copies=3, radius=0, shape="disk", short_side=480, upsample=2)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"shape.*circle"):
        resolve(PropagationConfig(), overrides=["shape=circle"])


def test_settings_are_overridden_and_come_back_from_a_file(tmp_path: Path) -> None:
    given = resolve(
        PRESETS["dino"], overrides=["short_side=0", "size_hw=[320, 200]", "radius=null", "mixing=per-frame"]
    )
    assert (given.network_hw((10, 10)), given.radius, given.mixing) == ((320, 200), None, "per-frame")
    again = from_mapping(PropagationConfig(), to_mapping(given))
    assert to_mapping(again) == to_mapping(given)

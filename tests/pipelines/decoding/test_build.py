"""Machines with other media libraries are told apart before any of them looks at a source."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.decoding import build
from densewalk.pipelines.decoding.build import MediaBuild
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from densewalk.pipelines.stages.encode import Encode, EncodeConfig
from densewalk.pipelines.stages.probe import CODECS, Probe, ProbeConfig

HERE = MediaBuild.here(CODECS)


def _as_if(**changes: str) -> tuple[tuple[str, str], ...]:
    return tuple((dict(HERE.libraries) | changes).items())


def test_this_machine_decodes_all_wanted_codecs_and_encodes() -> None:
    assert HERE.decoders == CODECS
    assert len(HERE.encoder) == 12
    versions = dict(HERE.libraries)
    assert versions["x264"].isdecimal()
    assert {"av", "numpy", "opencv-python-headless", "libavcodec", "libswscale"} <= set(versions)


def test_a_build_is_equal_to_itself_over_processes_whatever_the_machine_is_called() -> None:
    travelled = pickle.loads(pickle.dumps(replace(HERE, host="head")))
    assert travelled == HERE
    travelled.require_here(CODECS)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"libraries": _as_if(libavcodec="61.1.100")}, r"libavcodec \d+.\d+.\d+, not 61.1.100"),
        ({"libraries": _as_if(x264="164")}, r"x264 \d+, not 164"),
        ({"libraries": HERE.libraries[:-1]}, r"x264 \d+, not absent"),
        ({"decoders": (*CODECS, "vp10")}, "it has no decoder of vp10"),
        ({"decoders": CODECS[1:]}, "only it has a decoder of h264"),
        ({"encoder": "0" * 12}, "its libx264 encodes the same frames otherwise"),
    ],
)
def test_a_difference_is_named_with_both_machines_and_what_to_install(there: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        replace(HERE, host="head-1", **there).require_here(CODECS)
    assert f"{HERE.host} has another media build than head-1" in str(caught.value)
    assert f"pip install av=={dict(HERE.libraries)['av']}" in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Probe(ProbeConfig()),
        lambda: Decode(DecodeConfig(), MediaLimits(), Path("scratch")),
        lambda: Encode(EncodeConfig()),
    ],
)
def test_a_stage_made_on_another_machine_refuses_to_start_here(make: Callable[[], Stage]) -> None:
    stage: Any = make()
    stage.build = replace(stage.build, host="head-1", libraries=_as_if(libavcodec="61.1.100"))
    with pytest.raises(ConfigError, match="libavcodec"):
        stage.setup()


def test_without_an_encoder_no_clip_is_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_encoded", lambda: ("", ""))
    with pytest.raises(ConfigError, match="no encoder libx264"):
        Encode(EncodeConfig()).setup()
    with pytest.raises(ConfigError, match="it has no encoder libx264"):
        HERE.require_here(CODECS)


def test_codecs_nobody_can_decode_are_named_together() -> None:
    with pytest.raises(ConfigError, match="'vp10', 'h267'"):
        Probe(ProbeConfig(codecs=("h264", "vp10", "h267"))).setup()


def test_a_package_of_another_name_that_brings_the_module_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    def absent(name: str) -> str:
        raise build.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(build.metadata, "version", absent)
    assert build._version("opencv-python-headless") == cv2.__version__

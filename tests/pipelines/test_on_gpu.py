"""Networks of the corpus on a GPU: the CPU's cuts and motion, whatever else is in the batch.

The same tests run, slowly, on a pretended GPU: the CPU under another name, so that what only a GPU's path does (windows
in batches, empty ones behind the last) is tried on every machine.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from densewalk.datasets.motion.flow_file import read_flow
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.scenes.scene import Scene
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.motion.estimators import Flows, load_estimator
from densewalk.pipelines.shots.transnet import TransNet
from densewalk.pipelines.stages.flow import FLOW_FILE, Flow, FlowConfig
from densewalk.pipelines.stages.shots import ShotConfig, Shots, find_shots
from tests.filmed_scene import film
from tests.thumbnail_reels import plain_reel
from tests.untrained_flow import write_untrained

NEEDS_GPU = (pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"))
NUM_FRAMES, PART = 180, slice(50, 180)
"""Four windows, and a part in which the third of them lies whole and is the second."""


@pytest.fixture(
    params=[pytest.param("cuda", marks=NEEDS_GPU), pytest.param("cpu:0", marks=pytest.mark.slow, id="pretended")]
)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "cuda":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return request.param


@pytest.fixture(scope="module")
def thumbnails() -> np.ndarray:
    """Pictures that move, another one from frames 40 and 120 on; the second comes by degrees."""
    rng = np.random.default_rng(3)
    pictures = [cv2.resize(rng.integers(0, 256, (5, 9, 3), dtype=np.uint8), (240, 27)) for _ in range(3)]
    shown_N3 = np.stack(
        [np.interp(np.arange(NUM_FRAMES), (40, 52, 119, 120), level) for level in np.eye(3)[:, [0, 1, 1, 2]]]
    )
    moving_N = ([picture[:, n : n + 48] for picture in pictures] for n in range(NUM_FRAMES))
    return np.stack([np.tensordot(shown_N3[:, n], views, 1).astype(np.uint8) for n, views in enumerate(moving_N)])


@pytest.fixture(scope="module")
def on_cpu(thumbnails: np.ndarray) -> np.ndarray:
    return np.stack(TransNet().probabilities(thumbnails))


def test_probabilities_are_the_cpus(device: str, thumbnails: np.ndarray, on_cpu: np.ndarray) -> None:
    network = TransNet(device, batch=3)
    found = np.stack(network.probabilities(thumbnails))
    np.testing.assert_allclose(found, on_cpu, rtol=0, atol=1e-4)
    assert (np.stack(network.probabilities(thumbnails)) == found).all(), "two runs differ"


def test_probabilities_do_not_depend_on_what_else_is_in_the_batch(device: str, thumbnails: np.ndarray) -> None:
    network = TransNet(device, batch=2)
    whole = np.stack(network.probabilities(thumbnails))
    part = np.stack(network.probabilities(thumbnails[PART], first=PART.start))
    assert (part[:, 50:100] == whole[:, 100:150]).all()


def test_cuts_and_transitions_are_the_cpus(device: str, thumbnails: np.ndarray, tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(NUM_FRAMES) / 10, thumbnail_NHWC=thumbnails)
    found, expected = (find_shots(reel, TransNet(where, batch=4), ShotConfig()) for where in (device, "cpu"))
    assert found == expected
    assert found.cuts == (120,)
    assert found.transitions


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_stage_finds_shots_on_a_gpu(thumbnails: np.ndarray, tmp_path: Path) -> None:
    reel = plain_reel(tmp_path, time_N=np.arange(NUM_FRAMES) / 10, thumbnail_NHWC=thumbnails)
    stages = (Shots(ShotConfig(device="cuda")), Shots(ShotConfig()))
    assert stages[0].resources.gpus > 0
    found, expected = ([*InProcessEngine().run([stage], [reel])] for stage in stages)
    assert found == expected


def _flows(name: str, device: str, monkeypatch: pytest.MonkeyPatch, frames_THWC: np.ndarray) -> Flows:
    """Estimate on a device, which an estimator takes by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: device == "cuda")
        estimator = load_estimator(name, "flow.estimator")
    return estimator(*frames_THWC)


@pytest.mark.parametrize(("network", "error_px"), [("RAFT", 1e-3), ("GMFlow", 0.05)])
def test_flow_is_the_cpus(
    device: str, network: str, error_px: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_untrained(tmp_path)[network]
    frames_THWC = Scene(SceneConfig(height=130, width=150, num_frames=2), 0).video()
    expected, found, again = (_flows(name, where, monkeypatch, frames_THWC) for where in ("cpu", device, device))
    for flow_2HW, expected_2HW, again_2HW in zip(found, expected, again, strict=True):
        assert np.abs(expected_2HW).mean() > 0.5
        assert np.abs(flow_2HW - expected_2HW).mean() < error_px
        assert (flow_2HW == again_2HW).all(), "two runs differ"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_stage_stores_the_flow_of_a_network_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = FlowConfig(
        enabled=True, estimator=write_untrained(tmp_path)["RAFT"], strides=(1,), encoding="fp16", gpus=0.5
    )
    assert Flow(config).resources.gpus == 0.5
    cutting = film(Scene(SceneConfig(height=64, width=96, num_frames=3), 0).video(), tmp_path / "film")
    file = tmp_path / "film" / f"{cutting.clips[0].key}.{FLOW_FILE}"
    list(InProcessEngine().run([Flow(config)], [cutting]))
    on_gpu = read_flow(file.read_bytes())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    list(InProcessEngine().run([Flow(replace(config, gpus=0.0))], [cutting]))
    on_cpu = read_flow(file.read_bytes())
    assert on_gpu.about == on_cpu.about
    for pair in on_cpu.pairs:
        assert np.abs(on_gpu.flow(*pair) - on_cpu.flow(*pair)).max() < 0.02

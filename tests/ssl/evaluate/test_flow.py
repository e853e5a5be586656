"""Optical flow benchmarks: an oracle, shuffled truths, no motion and single pairs, in every layout; the size rule."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.config import to_mapping
from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.datasets.readers.flow import FLOW_SETS
from densewalk.datasets.readers.flow.pairs import TrueFlow
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.flow import KINDS, FlowBenchmarkConfig
from densewalk.ssl.evaluate.notebook import Notebook
from densewalk.ssl.matchers.dis_flow import DisFlowMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.position import PositionMatcher
from densewalk.ssl.walk.pair_features import PairFeatures
from tests.published_flow import WRITERS, FlowWriter, write_chairs, write_kitti, write_things


class FlowOracle(Matcher):
    """Recognises a pair's first image and answers what `change` makes of its true flow."""

    stride = multiple = 1
    dim = 3
    temperature = 1.0

    def __init__(self, root: Path, name: str, change: Callable[[TrueFlow], np.ndarray]) -> None:
        super().__init__()
        pairs = FLOW_SETS[name].open(root, FLOW_SETS[name].splits[0])
        listed = [pairs[number] for number in range(len(pairs))]
        self.known = {
            pair.first_HWC.tobytes() + pair.second_HWC.tobytes(): torch.from_numpy(change(pair.truth))[None]
            for pair in listed
        }

    def encode(self, image_BCHW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        return image_BCHW

    def relate(self, source_BDHW: Tensor, target_BDHW: Tensor) -> PairFeatures:
        raise NotImplementedError

    def displacement(self, source_BDHW: Tensor, target_BDHW: Tensor) -> tuple[Tensor, Tensor]:
        images = [(m[0] * 255).round().byte().permute(1, 2, 0).numpy().tobytes() for m in (source_BDHW, target_BDHW)]
        flow = self.known[b"".join(images)]
        return flow, -flow


def measured(root: Path, name: str, matcher: Matcher, notebook: Notebook | None = None, **settings: object) -> Scores:
    kind = KINDS[f"flow-{name}"]
    config = kind.config()
    config = type(config)(**{field: getattr(config, field) for field in config.__slots__} | {"data": root} | settings)
    return kind.build(config)(matcher, subject="subject", **({"notebook": notebook} if notebook else {}))


def shuffled(truth: TrueFlow) -> np.ndarray:
    order = np.random.default_rng(0).permutation(truth.known_HW.size)
    return truth.flow_2HW.reshape(2, -1)[:, order].reshape(truth.flow_2HW.shape)


@pytest.mark.parametrize("name", list(FLOW_SETS))
def test_an_oracle_is_right_a_shuffled_truth_is_not_and_standing_still_is_off_by_the_motion(
    tmp_path: Path, name: str
) -> None:
    writer = WRITERS[name](tmp_path)
    right = measured(tmp_path, name, FlowOracle(tmp_path, name, lambda truth: truth.flow_2HW))
    assert right.headline == "EPE"
    assert {key: value for key, value in right.scalars.items() if key != "warp_error"} == pytest.approx(
        dict.fromkeys(set(right.scalars) - {"warp_error"}, 0.0), abs=1e-5
    )
    still = measured(tmp_path, name, PositionMatcher())
    wrong = measured(tmp_path, name, FlowOracle(tmp_path, name, shuffled))
    assert wrong.scalars["EPE"] > still.scalars["EPE"] > 1
    assert len(right.rows) == right.protocol["num_pairs"] == len(FLOW_SETS[name].open(tmp_path, split_of(name)))
    assert right.protocol == still.protocol
    assert str(tmp_path) not in json.dumps(to_mapping(right)["protocol"])
    assert writer.flows


def split_of(name: str) -> str:
    return FLOW_SETS[name].splits[0]


def test_standing_still_is_off_by_the_mean_speed_over_all_pixels(tmp_path: Path) -> None:
    writer = write_chairs(tmp_path, "212")
    speeds = [np.hypot(*writer.flows[number]) for number in (0, 2)]
    scalars = measured(tmp_path, "chairs", PositionMatcher()).scalars
    assert scalars["EPE"] == pytest.approx(np.mean(speeds), abs=1e-3)
    assert scalars["3px"] == pytest.approx(100 * np.mean(np.array(speeds) > 3), abs=0.2)


def test_kitti_averages_pairs_and_its_preset_pixels(tmp_path: Path) -> None:
    writer = write_kitti(tmp_path)
    means = [np.hypot(*flow)[known].mean() for flow, known in known_flows(writer, tmp_path)]
    everything = np.concatenate([np.hypot(*flow)[known] for flow, known in known_flows(writer, tmp_path)])
    scores = measured(tmp_path, "kitti2015", PositionMatcher())
    assert scores.scalars["EPE"] == pytest.approx(np.mean(means), abs=1e-3)
    published = KINDS["flow-kitti2015"].presets["gmflow"]()
    over_pixels = measured(tmp_path, "kitti2015", PositionMatcher(), epe_over=published.epe_over)
    assert over_pixels.scalars["EPE"] == pytest.approx(everything.mean(), abs=1e-3)
    assert over_pixels.scalars["Fl-all"] == scores.scalars["Fl-all"]
    assert {"Fl-bg", "Fl-fg", "EPE-matched", "EPE-unmatched"} <= scores.scalars.keys()
    assert over_pixels.protocol != scores.protocol


def known_flows(writer: FlowWriter, root: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    known = [
        cv2.imread(str(root / f"training/flow_occ/{number:06d}_10.png"), cv2.IMREAD_UNCHANGED)[..., 0] > 0
        for number in (0, 1)
    ]
    return list(zip(writer.flows, known, strict=True))


def test_one_pair_is_a_set_and_a_flow_that_is_nowhere_known_is_refused(tmp_path: Path) -> None:
    write_chairs(tmp_path, "2")
    assert len(measured(tmp_path, "chairs", PositionMatcher()).rows) == 1
    with pytest.raises(BenchmarkError, match=r"no pixel of .* has a true flow"):
        measured(tmp_path, "chairs", PositionMatcher(), slower_than_px=1e-6)


def test_the_same_subject_measured_twice_gives_the_same_bits(tmp_path: Path) -> None:
    write_chairs(tmp_path, "222")
    first, second = (to_mapping(measured(tmp_path, "chairs", DisFlowMatcher())) for _ in range(2))
    assert first == second


def test_another_truth_is_another_protocol_and_another_folder_is_not(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_chairs(tmp_path / folder, "22")
    first, second = (measured(tmp_path / folder, "chairs", PositionMatcher()) for folder in ("a", "b"))
    assert first.protocol == second.protocol
    content = bytearray((tmp_path / "b/data/00001_flow.flo").read_bytes())
    content[-1] ^= 1
    (tmp_path / "b/data/00001_flow.flo").write_bytes(content)
    assert measured(tmp_path / "b", "chairs", PositionMatcher()).protocol != first.protocol


def test_every_nth_pair_is_taken_from_the_first_on(tmp_path: Path) -> None:
    write_chairs(tmp_path, "2" * 7)
    for wanted, numbers in ((3, (1, 3, 5)), (2, (1, 4)), (7, range(1, 8)), (100, range(1, 8)), (0, range(1, 8))):
        rows = measured(tmp_path, "chairs", PositionMatcher(), num_pairs=wanted).rows
        assert [row["pair"] for row in rows] == [f"{number:05d}" for number in numbers]


def test_things_are_measured_as_gmflow_does(tmp_path: Path) -> None:
    config = KINDS["flow-things"].config()
    assert (config.num_pairs, config.slower_than_px, config.epe_over) == (1024, 400, "pixels")
    write_things(tmp_path)
    assert len(measured(tmp_path, "things", PositionMatcher()).rows) == 4


def test_the_worst_pairs_are_drawn_with_a_reason_and_every_pair_is_in_the_table(tmp_path: Path) -> None:
    write_chairs(tmp_path / "data_set", "2" * 7)
    heard: list[tuple[int, int, str]] = []
    notebook = Notebook(tmp_path / "kept", on_progress=lambda *news: heard.append(news))
    scores = measured(tmp_path / "data_set", "chairs", PositionMatcher(), notebook)
    assert list(notebook.pictures.values()) == [f"worst-{place}.jpg" for place in range(1, 6)]
    offs = [float(caption.split(": ")[1].split(" px")[0]) for caption in notebook.pictures]
    assert offs == sorted(offs, reverse=True)
    assert max(row["EPE"] for row in scores.rows) == pytest.approx(offs[0], abs=0.06)
    assert (tmp_path / "kept/pairs.csv").read_text().count("\n") == 8
    assert heard[-1] == (7, 7, "00007")


def test_settings_that_cannot_be_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"(?s)split=final.*num_pairs.*slower_than_px.*upsample=0.*short_side=-1"):
        FlowBenchmarkConfig(split="final", num_pairs=-1, slower_than_px=-1.0, upsample=0, short_side=-1)
    with pytest.raises(ConfigError, match="both set the size"):
        FlowBenchmarkConfig(short_side=64, upsample=2)
    with pytest.raises(ConfigError, match="sintel-clean has training"):
        FlowBenchmarkConfig(dataset="sintel-clean")
    with pytest.raises(BenchmarkError, match=r"flow-kitti2012 needs --data PATH: expected under the folder: .*cvlibs"):
        KINDS["flow-kitti2012"].build(KINDS["flow-kitti2012"].config())


def test_classical_flow_is_better_than_none_on_a_real_pair(real_data: Path) -> None:
    still, moving = (
        measured(real_data / "flow_tiny", "chairs", matcher) for matcher in (PositionMatcher(), DisFlowMatcher())
    )
    assert still.protocol == moving.protocol
    assert moving.scalars["EPE"] < 0.6 * still.scalars["EPE"]
    assert moving.scalars["warp_error"] < still.scalars["warp_error"]

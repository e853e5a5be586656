"""A small sound dataset and a small run, made by hand, and the command line as a function."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from densewalk.cluster.doctor import _tiny_mp4
from densewalk.cluster.training_plan import plan_training
from densewalk.datasets.dataset_card import SHARDS, write_card
from densewalk.datasets.ledger import Verdict, ledger_order, write_ledger
from densewalk.datasets.records import ClipRow, Source, clip_key, file_sha256
from densewalk.datasets.scenes.config import SceneConfig
from densewalk.datasets.shards.index import write_index
from densewalk.datasets.shards.tar import write_shard
from densewalk.pipelines.corpus.source_table import SOURCES, SourceRow, write_sources
from densewalk.pipelines.dedup.signature_table import SIGNATURES, write_signatures
from densewalk.pipelines.dedup.signed import Signed
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.scenes_flow import ScenesFlowConfig
from densewalk.ssl.evaluate.scenes_propagation import ScenesPropagationConfig
from densewalk.ssl.evaluate.scenes_segmentation import ScenesSegmentationConfig
from densewalk.ssl.evaluate.scenes_tracking import ScenesTrackingConfig
from densewalk.ssl.train.loop import pretrain
from tests.cards import card_of
from tests.corpus_rows import a_source_row

_NUM_CLIPS = 3


@pytest.fixture
def small_dataset(tmp_path: Path) -> Path:
    """A dataset of three clips in two shards, from two sources; one more source failed."""
    folder, mp4 = tmp_path / "corpus", _tiny_mp4()
    rows, verdicts = [], []
    for number in range(_NUM_CLIPS):
        source, shard = f"source{number // 2}", f"clips-{number // 2:05d}.tar"
        rows.append((source, shard, clip_key(source, 0, number)))
    places = {}
    for shard in sorted({shard for _, shard, _ in rows}):
        keys = [key for _, own, key in rows if own == shard]
        members = [member for key in keys for member in ((f"{key}.mp4", mp4), (f"{key}.json", b'{"fps": 10}'))]
        places |= {place.name: place for place in write_shard(folder / SHARDS / shard, members).places}
    clips = [_row(key, source, shard, places[f"{key}.mp4"]) for source, shard, key in rows]
    write_index(folder / "index.parquet", clips)
    verdicts += [_verdict("source", source, source) for source in sorted({row.source_id for row in clips})]
    verdicts += [_verdict("clip", row.key, row.source_id) for row in clips]
    verdicts.append(
        Verdict(kind="source", id="x", source_id="x", uri="bad.mp4", outcome="failed", reason="no video stream")
    )
    write_ledger(folder / "ledger.parquet", sorted(verdicts, key=ledger_order))
    sources = sorted({row.source_id for row in clips})
    write_sources(folder / SOURCES, [_source_row(source, clips) for source in sources])
    write_signatures(folder / SIGNATURES, [Signed(key=row.key, sha256=row.sha256) for row in clips])
    hashes = {path.name: file_sha256(path) for path in sorted((folder / SHARDS).iterdir())}
    write_card(folder, card_of(clips, verdicts, recipe_hash="0", shard_sha256=hashes))
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two steps on generated scenes."""
    run = tmp_path_factory.mktemp("runs") / "small"
    overrides = ["steps=2", "batch_size=2", "objective.matcher.num_blocks=1", "objective.plan.size=32"]
    overrides += ["data.scenes.height=48", "data.scenes.width=48", "objective.matcher.dim=16"]
    return pretrain(plan_training("gmrw_scenes_small", overrides=overrides), run)


@pytest.fixture
def small_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks of the usual names on one tiny scene each."""
    scene = SceneConfig(height=32, width=32, num_frames=3)
    tracking = ScenesTrackingConfig(num_videos=1, num_points=4, scene=scene)
    propagation = ScenesPropagationConfig(num_videos=1, scene=scene)
    segmentation = ScenesSegmentationConfig(num_train=2, num_test=1, scene=scene)
    flow = ScenesFlowConfig(num_pairs=1, frame_gap=1, window=32, scene=scene)
    small = {
        "scenes-tracking": tracking,
        "scenes-flow": flow,
        "scenes-propagation": propagation,
        "scenes-segmentation": segmentation,
    }
    for name, config in small.items():
        monkeypatch.setitem(BENCHMARKS, name, replace(BENCHMARKS[name], config=lambda config=config: config))


@pytest.fixture
def densewalk() -> Callable[..., Result]:
    """Run the command line in this process."""
    from densewalk.cluster.cli.main import app

    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def _row(key: str, source: str, shard: str, place: object) -> ClipRow:
    return ClipRow(
        key=key, shard=shard, offset=place.offset, bytes=place.bytes, sha256=place.sha256, source_id=source, shot=0,
        start_seconds=0.0, end_seconds=0.5, start_frame=0, end_frame=5, frames=5, fps=10.0, width=64, height=64,
        licence="unknown",
    )  # fmt: skip


def _source_row(source: str, clips: list[ClipRow]) -> SourceRow:
    known = Source(id=source, uri=f"{source}.mp4", bytes=1, sha256="0" * 64)
    return a_source_row(known, clips=sum(row.source_id == source for row in clips))


def _verdict(kind: str, row: str, source: str) -> Verdict:
    return Verdict(kind=kind, id=row, source_id=source, uri=f"{source}.mp4", outcome="written")

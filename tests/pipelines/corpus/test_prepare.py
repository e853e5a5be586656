"""Preparing a corpus: every file accounted for, the same bytes whatever interrupts, growth without rewriting."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import webdataset as wds

from densewalk.datasets.config import to_yaml
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import read_ledger
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.corpus.prepare import PrepareResult, plan_corpus, prepare
from densewalk.pipelines.corpus.processing import PrepareProgress
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages.clips import ClipConfig
from densewalk.pipelines.stages.decode import DecodeConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.shots import ShotConfig

CONFIG = PrepareConfig(
    shots=ShotConfig(detector="none"),
    dedup=DedupConfig(near=False),
    encode=EncodeConfig(preset="ultrafast"),
    pack=PackConfig(shard_clips=2),
)


@dataclass(frozen=True)
class Corpus:
    """Files in two folders and the datasets that undisturbed preparations make of them."""

    first: Path
    second: Path
    dataset: Path
    """Made of both folders at once."""
    grown: Path
    """Made of the first folder, then of both."""


def _run(paths: list[Path], out: Path, config: PrepareConfig = CONFIG) -> PrepareResult:
    return prepare([str(path) for path in paths], FolderHome(out), config, InProcessEngine())


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Corpus:
    root = tmp_path_factory.mktemp("corpus")
    first, second = root / "first", root / "second"
    write_video(first / "a.mp4", shade=60)
    write_video(first / "b.mkv", shade=80, times=[*range(0, 1500, 100), *range(4000, 5500, 100)])
    write_video(second / "c.mp4", shade=100, num_frames=60)
    write_video(second / "short.mp4", num_frames=3)
    (second / "copy of a.mp4").write_bytes((first / "a.mp4").read_bytes())
    (second / "text.mp4").write_text("no video")
    (second / "notes.txt").write_text("notes")
    _run([first, second], root / "dataset")
    _run([first], root / "grown")
    _run([first, second], root / "grown")
    return Corpus(first, second, root / "dataset", root / "grown")


def test_a_dataset_that_lost_its_card_is_not_begun_anew(corpus: Corpus, tmp_path: Path) -> None:
    _run([corpus.first], tmp_path / "D")
    (tmp_path / "D" / "dataset.json").unlink()
    before = _digest(tmp_path / "D")
    with pytest.raises(DataError, match=r"lost its dataset\.json.*put a copy of it back"):
        _run([corpus.first], tmp_path / "D")
    after = _digest(tmp_path / "D")
    assert {name: after[name] for name in before} == before


def test_nothing_can_be_tried_again_before_anything_was_made(corpus: Corpus, tmp_path: Path) -> None:
    home = FolderHome(tmp_path / "D")
    with pytest.raises(ConfigError, match="leave out --retry"):
        prepare([str(corpus.first)], home, CONFIG, InProcessEngine(), retry=Retry())
    assert not (tmp_path / "D" / "config.yaml").exists()


def test_every_file_is_accounted_for(corpus: Corpus, tmp_path: Path) -> None:
    seen: list[PrepareProgress] = []
    folders = [str(corpus.first), str(corpus.second)]
    result = prepare(folders, FolderHome(tmp_path / "D"), CONFIG, InProcessEngine(), seen.append)
    assert (result.sources, result.written, result.rejected, result.failed) == (7, 3, 3, 1)
    assert result.clips == result.new_clips == 4
    assert result.reasons == {
        "duplicate content": 1,
        "no usable clip": 1,
        "not a video container": 1,
        "not a video file name": 1,
    }
    ledger = read_ledger(tmp_path / "D" / "ledger.parquet")
    uris = [row.uri for row in ledger if row.kind == "source"]
    assert sorted(uris) == sorted(str(path) for folder in (corpus.first, corpus.second) for path in folder.iterdir())
    copy = next(row for row in ledger if "copy" in row.uri)
    assert copy.detail == f"kept {corpus.first / 'a.mp4'}"
    assert [(step.phase, step.done, step.total) for step in seen if step.done == step.total] == [
        ("sources", 7, 7),
        ("pack", 1, 1),
    ]


def test_the_same_work_done_twice_gives_the_same_files_and_leaves_no_scratch(corpus: Corpus, tmp_path: Path) -> None:
    _run([corpus.second, corpus.first], tmp_path / "D")
    assert _digest(tmp_path / "D") == _digest(corpus.dataset)
    assert not (tmp_path / "D" / ".work").exists()
    assert set(_digest(corpus.dataset)) == {
        "README.md",
        "config.yaml",
        "dataset.json",
        "index.parquet",
        "ledger.parquet",
        "rejected.tar",
        "signatures.parquet",
        "sources.parquet",
        "tombstones.parquet",
        "shards/clips-00000.tar",
        "shards/clips-00001.tar",
    }


def test_repeating_a_finished_command_changes_nothing(corpus: Corpus) -> None:
    before = _digest(corpus.dataset)
    stamps = {path: path.stat().st_mtime_ns for path in corpus.dataset.rglob("*.*")}
    result = _run([corpus.first, corpus.second], corpus.dataset)
    assert (result.new_clips, result.clips, result.written, result.failed) == (0, 4, 3, 1)
    assert _digest(corpus.dataset) == before
    assert stamps == {path: path.stat().st_mtime_ns for path in corpus.dataset.rglob("*.*")}


def test_anyone_can_read_the_result(corpus: Corpus) -> None:
    index = pd.read_parquet(corpus.dataset / "index.parquet")
    shards = sorted(str(path) for path in (corpus.dataset / "shards").iterdir())
    samples = {sample["__key__"]: sample for sample in wds.WebDataset(shards, shardshuffle=False, empty_check=False)}
    assert sorted(samples) == sorted(index["key"])
    dataset = Dataset.open(corpus.dataset)
    for row in dataset:
        assert dataset.read_clip(row) == samples[row.key]["mp4"]
        assert dataset.read_meta(row) == json.loads(samples[row.key]["json"])
        assert dataset.read_meta(row)["stages"] == stage_versions(CONFIG)
    sources = pd.read_parquet(corpus.dataset / "sources.parquet").set_index("id")
    assert len(sources) == 4
    assert sources.loc[dataset.row(0).source_id, "codec"] == "h264"
    assert dataset.card.source_outcomes == {"written": 3, "rejected": 3, "failed": 1, "purged": 0}


def test_a_dataset_grows_by_new_shards_and_keeps_the_old(corpus: Corpus, tmp_path: Path) -> None:
    _run([corpus.first], tmp_path / "D")
    small, grown = _digest(tmp_path / "D"), _digest(corpus.grown)
    shards = {name: digest for name, digest in small.items() if name.startswith("shards/")}
    assert len(shards) == 2
    assert shards.items() <= grown.items()
    assert len([name for name in grown if name.startswith("shards/")]) == 3
    assert {row.key for row in Dataset.open(corpus.grown)} == {row.key for row in Dataset.open(corpus.dataset)}
    assert Dataset.open(corpus.grown).hash == Dataset.open(corpus.dataset).hash


KILLED = """
import os, signal, sys
from pathlib import Path
from densewalk.datasets.config import resolve
from densewalk.pipelines.corpus import commit, growth, pack, prepare
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.decoding import sandbox
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages import stow

point, out, config, *paths = sys.argv[1:]

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_call(owner, name, number):
    honest, calls = getattr(owner, name), []
    def wrapped(*args, **kwargs):
        calls.append(args)
        return die() if len(calls) == number else honest(*args, **kwargs)
    setattr(owner, name, wrapped)

def die_inside(owner, name, number):
    # after the first member of that call was written
    honest, calls = getattr(owner, name), []
    def cut(members):
        for member in members:
            yield member
            die()
    def wrapped(path, members):
        calls.append(path)
        return honest(path, cut(members) if len(calls) == number else members)
    setattr(owner, name, wrapped)

def die_before_moving(name):
    honest = Path.replace
    def replace(self, target):
        return die() if self.parent.name == "commit" and self.name == name else honest(self, target)
    Path.replace = replace

{
    "none": lambda: None,
    "before the second decode": lambda: die_at_call(sandbox.Sandbox, "stream", 4),
    "inside the second staging": lambda: die_inside(stow, "write_shard", 2),
    "before packing": lambda: die_at_call(growth, "pack_shards", 1),
    "inside the second shard": lambda: die_inside(pack, "write_shard", 2),
    "between shards and index": lambda: die_at_call(commit, "write_index", 1),
    "before the commit is declared": lambda: die_at_call(commit, "write_text", 2),
    "before the index moves": lambda: die_before_moving("index.parquet"),
    "before the card moves": lambda: die_before_moving("dataset.json"),
    "before cleaning up": lambda: die_at_call(FolderHome, "publish", 1),
}[point]()
settings = resolve(PrepareConfig(), file=Path(config))
prepare.prepare(paths, FolderHome(Path(out)), settings, InProcessEngine())
"""


def _command(point: str, out: Path, paths: list[Path]) -> list[str]:
    config = out.parent / "config-of-test.yaml"
    config.write_text(to_yaml(CONFIG))
    return [sys.executable, "-c", KILLED, point, str(out), str(config), *map(str, paths)]


@pytest.mark.parametrize(
    "point",
    [
        "inside the second staging",
        "inside the second shard",
        "before the index moves",
        "before cleaning up",
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in (
                "before the second decode",
                "before packing",
                "between shards and index",
                "before the commit is declared",
                "before the card moves",
            )
        ),
    ],
)
def test_a_killed_preparation_continues_to_the_same_bytes(corpus: Corpus, tmp_path: Path, point: str) -> None:
    out = tmp_path / "D"
    paths = [corpus.first, corpus.second]
    killed = subprocess.run(_command(point, out, paths), check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (out / ".work").is_dir()
    result = _run(paths, out)
    assert (result.sources, result.written, result.rejected, result.failed) == (7, 3, 3, 1)
    assert _digest(out) == _digest(corpus.dataset)
    assert not (out / ".work").exists()


@pytest.mark.parametrize(
    "point", ["before the index moves", pytest.param("between shards and index", marks=pytest.mark.slow)]
)
def test_a_killed_extension_continues_to_the_same_bytes(corpus: Corpus, tmp_path: Path, point: str) -> None:
    out = tmp_path / "D"
    _run([corpus.first], out)
    killed = subprocess.run(_command(point, out, [corpus.first, corpus.second]), check=False)
    assert killed.returncode == -signal.SIGKILL
    _run([corpus.first, corpus.second], out)
    assert _digest(out) == _digest(corpus.grown)


def test_what_is_staged_is_not_made_again(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "D"
    subprocess.run(_command("before packing", out, [corpus.first]), check=False)
    engine = InProcessEngine()
    prepare([str(corpus.first)], FolderHome(out), CONFIG, engine)
    assert engine.tallies["decode"].taken == 0


def test_of_a_long_source_only_the_missing_reels_are_made_again(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    """A command that was killed in the fourth hour of five: what lies behind the decoder sees the rest only."""
    config = replace(CONFIG, decode=DecodeConfig(reel_frames=150))
    video = write_video(tmp_path / "long.mp4", num_frames=600)

    def stop(step: PrepareProgress) -> None:
        if step.video_seconds > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare([str(video)], FolderHome(tmp_path / "D"), config, InProcessEngine(), stop)
    engine, steps = InProcessEngine(), list[PrepareProgress]()
    result = prepare([str(video)], FolderHome(tmp_path / "D"), config, engine, steps.append)
    assert (result.written, result.clips) == (1, 8)
    assert [engine.tallies[name].taken for name in ("decode", "shots", "stow")] == [1, 2, 2]
    assert [step.done for step in steps if step.phase == "sources"][-1] == 1
    _run([video], tmp_path / "undisturbed", config)
    assert _digest(tmp_path / "D") == _digest(tmp_path / "undisturbed")


def test_what_was_staged_for_another_wish_is_not_taken_up(corpus: Corpus, tmp_path: Path) -> None:
    """A list may change between an interrupted run and the next: its parts, labels and licences count."""

    def stop(progress: PrepareProgress) -> None:
        if progress.phase == "pack":
            raise KeyboardInterrupt

    config = replace(CONFIG, clips=ClipConfig(policy="segments"))
    rows, out = tmp_path / "rows.csv", tmp_path / "D"
    rows.write_text(f"path,start,end,label,licence\n{corpus.first / 'a.mp4'},0,1.2,one,CC0\n")
    with pytest.raises(KeyboardInterrupt):
        prepare([f"list:{rows}"], FolderHome(out), config, InProcessEngine(), stop)
    rows.write_text(f"path,start,end,label,licence\n{corpus.first / 'a.mp4'},0.2,1.4,two,CC-BY-4.0\n")
    prepare([f"list:{rows}"], FolderHome(out), config, InProcessEngine())
    assert {(row.start_frame, row.label, row.licence) for row in Dataset.open(out)} == {(2, "two", "CC-BY-4.0")}


def test_a_killed_run_repeated_with_less_leaves_no_stray_shard(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "D"
    command = _command("before the commit is declared", out, [corpus.first, corpus.second])
    subprocess.run(command, check=False)
    _run([corpus.first], out)
    _run([corpus.first], tmp_path / "undisturbed")
    assert _digest(out) == _digest(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.4, 1.8])
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_blow_at_any_time_is_survived(corpus: Corpus, tmp_path: Path, seconds: float, blow: signal.Signals) -> None:
    out = tmp_path / "D"
    paths = [corpus.first, corpus.second]
    with subprocess.Popen(_command("none", out, paths), stderr=subprocess.DEVNULL, start_new_session=True) as process:
        time.sleep(seconds)
        process.send_signal(blow)
        process.wait(20)
    time.sleep(0.2)
    assert _decoders_of(process.pid) == []
    _run(paths, out)
    assert _digest(out) == _digest(corpus.dataset)


def _decoders_of(session: int) -> list[str]:
    """Return decoder processes that name the killed process as parent or were orphaned from it."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == session:
            found.append(status.parent.name)
    return found


def test_an_interrupt_leaves_staged_work_and_ends_the_decoder(corpus: Corpus, tmp_path: Path) -> None:
    engine = InProcessEngine()

    def interrupt(step: PrepareProgress) -> None:
        if step.clips:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare([str(corpus.first)], FolderHome(tmp_path / "D"), CONFIG, engine, interrupt)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    assert not any(b"decode_child" in command for command in commands)
    assert len(list((tmp_path / "D" / ".work" / "staged").rglob("*.tar"))) == 1
    assert not (tmp_path / "D" / ".work" / "scratch").exists()


def test_another_configuration_is_refused_with_the_difference(corpus: Corpus) -> None:
    changed = replace(CONFIG, clips=replace(CONFIG.clips, max_seconds=5.0), licence="CC0")
    before = _digest(corpus.dataset)
    for act in (
        lambda: _run([corpus.first], corpus.dataset, changed),
        lambda: plan_corpus([str(corpus.first)], FolderHome(corpus.dataset), changed),
    ):
        with pytest.raises(ConfigError) as caught:
            act()
        assert "clips.max_seconds: 10.0 in the dataset, 5.0 now" in str(caught.value)
        assert "licence: 'unknown' in the dataset, 'CC0' now" in str(caught.value)
        assert "max_fps" not in str(caught.value)
    assert _digest(corpus.dataset) == before


def test_a_folder_that_is_no_dataset_is_never_touched(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.tex.*--out"):
        _run([corpus.first], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_wrong_held_out_path_is_known_before_any_source_is_read(corpus: Corpus, tmp_path: Path) -> None:
    engine = InProcessEngine()
    wrong = replace(CONFIG, dedup=DedupConfig(held_out=(str(tmp_path / "nowhere"),)))
    with pytest.raises(ConfigError, match=r"dedup\.held_out=.*nowhere"):
        prepare([str(corpus.first)], FolderHome(tmp_path / "D"), wrong, engine)
    assert not engine.tallies
    assert _run([corpus.first], tmp_path / "D").sources == 2  # under the right settings


def test_an_unwritable_output_is_a_clear_message(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"cannot write to .*choose another place"):
        _run([corpus.first], tmp_path / "file" / "D")


def test_missing_and_empty_inputs_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="nowhere"):
        _run([tmp_path / "nowhere"], tmp_path / "D")
    with pytest.raises(ConfigError, match="empty"):
        _run([tmp_path / "empty"], tmp_path / "D")
    assert not (tmp_path / "D").exists()


def test_a_dataset_among_its_own_inputs_is_not_prepared_again(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes((corpus.first / "a.mp4").read_bytes())
    for _ in range(2):
        assert _run([tmp_path], tmp_path / "D").sources == 1


def test_nothing_usable_still_makes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "text.mp4").write_text("no video")
    for _ in range(2):
        result = _run([tmp_path / "in"], tmp_path / "D")
        assert (result.sources, result.failed, result.clips) == (1, 1, 0)
    with pytest.raises(DataError, match="no clips"):
        Dataset.open(tmp_path / "D")


def test_a_plan_changes_nothing(corpus: Corpus, tmp_path: Path) -> None:
    plan = plan_corpus([str(corpus.first), str(corpus.second)], FolderHome(tmp_path / "D"), CONFIG)
    assert (plan.num_sources, plan.num_refused, plan.num_clips_before) == (7, 1, 0)
    assert [stage.partition(" ")[0] for stage in plan.stages] == list(stage_versions(CONFIG))
    assert not (tmp_path / "D").exists()
    assert plan_corpus([str(corpus.first)], FolderHome(corpus.dataset), CONFIG).num_clips_before == 4

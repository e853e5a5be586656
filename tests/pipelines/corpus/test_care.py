"""Care and preparation together: what was purged never comes back, what was damaged comes back as it was."""

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

from densewalk.datasets.dataset import Dataset
from densewalk.datasets.ledger import Verdict, read_ledger
from densewalk.pipelines.corpus.accounting.retry import Retry
from densewalk.pipelines.corpus.audit.auditing import audit
from densewalk.pipelines.corpus.audit.playback import fault_of_clip
from densewalk.pipelines.corpus.care.purge_request import PurgeRequest
from densewalk.pipelines.corpus.care.purging import purge
from densewalk.pipelines.corpus.care.repairing import DAMAGED, repair
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.merging.repacking import merge
from densewalk.pipelines.corpus.pack import PackConfig
from densewalk.pipelines.corpus.prepare import PrepareResult, prepare
from densewalk.pipelines.corpus.tables import Tables
from densewalk.pipelines.dedup.dedup_config import DedupConfig
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stages.clips import ClipConfig
from densewalk.pipelines.stages.encode import EncodeConfig
from densewalk.pipelines.stages.flow import FlowConfig
from densewalk.pipelines.stages.shots import ShotConfig
from densewalk.pipelines.stages.tracks import TracksConfig

CONFIG = PrepareConfig(
    shots=ShotConfig(detector="none"),
    clips=ClipConfig(max_seconds=2.0),
    dedup=DedupConfig(near=False),
    encode=EncodeConfig(preset="ultrafast"),
    pack=PackConfig(shard_clips=3),
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    """Three videos of two or three clips each."""
    folder = tmp_path_factory.mktemp("videos")
    for name, shade in (("a.mp4", 60), ("b.mp4", 90), ("c.mp4", 120)):
        write_video(folder / name, shade=shade, num_frames=60)
    return folder


@pytest.fixture
def dataset(videos: Path, tmp_path: Path) -> Path:
    """Made of the three videos."""
    _prepare([videos], tmp_path / "D")
    return tmp_path / "D"


def _prepare(paths: list[Path], out: Path, config: PrepareConfig = CONFIG, retry: Retry | None = None) -> PrepareResult:
    return prepare([str(path) for path in paths], FolderHome(out), config, InProcessEngine(), retry=retry)


def _purge(folder: Path, *named: str, listed: tuple[str, ...] = ()) -> None:
    purge(FolderHome(folder), PurgeRequest.of(named, listed))


def _sources(folder: Path) -> dict[str, Verdict]:
    rows = [row for row in read_ledger(folder / "ledger.parquet") if row.kind == "source"]
    return {Path(row.uri).name: row for row in rows}


def _digest(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _is_sound(folder: Path) -> bool:
    return audit(FolderHome(folder), decode_one_in=1).findings.texts == []


def test_what_was_purged_stays_out_also_under_another_name(videos: Path, dataset: Path, tmp_path: Path) -> None:
    _purge(dataset, str(videos / "a.mp4"))
    before = list(Dataset.open(dataset))
    result = _prepare([videos], dataset)
    assert (result.written, result.purged, result.new_clips) == (2, 1, 0)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "renamed.mp4").write_bytes((videos / "a.mp4").read_bytes())
    result = _prepare([videos, tmp_path / "more"], dataset)
    assert (result.written, result.purged, result.new_clips) == (2, 2, 0)
    assert _sources(dataset)["renamed.mp4"].outcome == "purged"
    assert list(Dataset.open(dataset)) == before
    assert _is_sound(dataset)


def test_names_and_contents_of_a_list_never_come_in(
    videos: Path, dataset: Path, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    by_name = write_video(tmp_path / "more" / "by name.mp4", shade=140)
    by_content = write_video(tmp_path / "more" / "by content.mp4", shade=150)
    _purge(dataset, listed=(str(by_name), hashlib.sha256(by_content.read_bytes()).hexdigest()))
    result = _prepare([videos, tmp_path / "more"], dataset)
    assert (result.sources, result.written, result.purged, result.new_clips) == (5, 3, 2, 0)
    assert _is_sound(dataset)


def test_a_dataset_grows_after_a_purge(
    videos: Path, dataset: Path, tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    _purge(dataset, str(videos / "a.mp4"))
    write_video(tmp_path / "more" / "d.mp4", shade=160)
    result = _prepare([videos, tmp_path / "more"], dataset)
    assert result.new_clips == 2
    assert _is_sound(dataset)


@pytest.mark.parametrize("damage", ["clip", "shard", "cut"])
def test_what_was_damaged_is_made_again_with_the_same_bytes(videos: Path, dataset: Path, damage: str) -> None:
    before = Dataset.open(dataset)
    clips = {row.key: before.read_clip(row) for row in before}
    row = before.row(1)
    shard = dataset / "shards" / row.shard
    content = bytearray(shard.read_bytes())
    content[row.offset + 100] ^= 1
    if damage == "shard":
        shard.unlink()
    else:
        shard.write_bytes(content if damage == "clip" else content[: row.offset + 10])
    found = repair(FolderHome(dataset))
    assert found.clips
    assert _is_sound(dataset)
    assert _prepare([videos], dataset).new_clips == 0
    assert _prepare([videos], dataset, retry=Retry.parse(f"failed:{DAMAGED}")).new_clips == found.clips
    after = Dataset.open(dataset)
    assert after.hash == before.hash
    assert {row.key: after.read_clip(row) for row in after} == clips
    assert {row.outcome for row in _sources(dataset).values()} == {"written"}
    assert _is_sound(dataset)


def test_flow_and_tracks_are_opened_and_go_with_their_clip(videos: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, flow=FlowConfig(enabled=True), tracks=TracksConfig(enabled=True))
    _prepare([videos / "a.mp4", videos / "b.mp4"], tmp_path / "D", config)
    assert _is_sound(tmp_path / "D")
    row = Dataset.open(tmp_path / "D").row(0)
    members = _members(tmp_path / "D")
    assert {f"{row.key}.{extension}" for extension in ("mp4", "json", "flow.npz", "tracks.npz")} <= members
    content = {name.partition(".")[2]: data for name, data in _read(tmp_path / "D").items() if row.key in name}
    assert fault_of_clip(row, content) == ""
    assert "the index says 7" in fault_of_clip(replace(row, frames=7), content)
    assert "of clip" in fault_of_clip(replace(row, key="another"), content)
    _purge(tmp_path / "D", row.source_id)
    gone = {name for name in members if name.startswith(row.source_id)}
    assert len(gone) >= 4
    assert _members(tmp_path / "D") == members - gone


def _members(folder: Path) -> set[str]:
    return set(_read(folder))


def _read(folder: Path) -> dict[str, bytes]:
    content: dict[str, bytes] = {}
    for path in (folder / "shards").iterdir():
        with tarfile.open(path) as tar:
            content |= {member.name: tar.extractfile(member).read() for member in tar}
    return content


def test_what_one_dataset_purged_stays_out_of_the_merged(videos: Path, dataset: Path, tmp_path: Path) -> None:
    _prepare([videos / "a.mp4", videos / "b.mp4"], tmp_path / "D2")
    gone = {row.key for row in Dataset.open(dataset) if row.source_id == _sources(dataset)["a.mp4"].id}
    _purge(tmp_path / "D2", str(videos / "a.mp4"))
    for name, order in (("M", (dataset, tmp_path / "D2")), ("N", (tmp_path / "D2", dataset))):
        result = merge([FolderHome(folder) for folder in order], FolderHome(tmp_path / name), PackConfig())
        merged = Dataset.open(tmp_path / name)
        assert gone.isdisjoint(row.key for row in merged)
        assert result.clips == len(Dataset.open(dataset)) - len(gone)
        assert {row.key for row in Tables(tmp_path / name).tombstones()} == gone
        assert _sources(tmp_path / name)["a.mp4"].outcome == "purged"
        assert _is_sound(tmp_path / name)
        assert _prepare([videos], tmp_path / name).new_clips == 0


def test_a_dataset_that_was_purged_is_sharded_anew(videos: Path, dataset: Path, tmp_path: Path) -> None:
    _purge(dataset, str(videos / "a.mp4"))
    merge([FolderHome(dataset)], FolderHome(tmp_path / "S"), CONFIG.pack)
    assert read_ledger(tmp_path / "S" / "ledger.parquet") == read_ledger(dataset / "ledger.parquet")
    assert Dataset.open(tmp_path / "S").hash == Dataset.open(dataset).hash
    assert list(Tables(tmp_path / "S").tombstones()) == list(Tables(dataset).tombstones())


def test_what_is_damaged_in_one_dataset_is_taken_from_the_other(videos: Path, dataset: Path, tmp_path: Path) -> None:
    _prepare([videos], tmp_path / "D2")
    (dataset / "shards" / "clips-00000.tar").unlink()
    assert repair(FolderHome(dataset)).clips
    merge([FolderHome(dataset), FolderHome(tmp_path / "D2")], FolderHome(tmp_path / "M"), PackConfig())
    assert Dataset.open(tmp_path / "M").hash == Dataset.open(tmp_path / "D2").hash
    assert _is_sound(tmp_path / "M")


def _re_encode(source: Path, target: Path) -> None:
    """Write a smaller, worse copy of a video."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = given.streams.video[0]
        width, height = stream.codec_context.width * 3 // 8 * 2, stream.codec_context.height * 3 // 8 * 2
        out = made.add_stream("libx264", rate=stream.average_rate, options={"crf": "32", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = width, height, "yuv420p"
        for frame in given.decode(stream):
            made.mux(out.encode(frame.reformat(width, height, "yuv420p")))
        made.mux(out.encode(None))


@pytest.mark.real_data
@pytest.mark.slow
def test_a_re_encoded_copy_of_a_purged_video_never_comes_in(real_data: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, dedup=DedupConfig(), clips=ClipConfig())
    films = sorted((real_data / "videos" / "panda70m").glob("*.mp4"))[:3]
    _prepare(films, tmp_path / "D", config)
    clips = len(Dataset.open(tmp_path / "D"))
    copy = tmp_path / "copy.mp4"
    _re_encode(films[0], copy)
    _purge(tmp_path / "D", str(films[0]))
    left = len(Dataset.open(tmp_path / "D"))
    assert left < clips
    result = _prepare([copy, *films], tmp_path / "D", config)
    assert (result.new_clips, result.clips) == (0, left)
    assert _sources(tmp_path / "D")["copy.mp4"].outcome == "purged"
    assert _is_sound(tmp_path / "D")

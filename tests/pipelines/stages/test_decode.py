"""The decode stage: one child for many files; a child that dies or hangs costs only its file."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source, file_sha256
from densewalk.pipelines.corpus.staging import Staging, staged_name
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.sandbox import ChildDiedError, DeadlinePassedError, Sandbox
from densewalk.pipelines.records import Held, Probed, Reel, Segment
from densewalk.pipelines.spool import frame_seconds, spooled_frames
from densewalk.pipelines.stages.decode import Decode, DecodeConfig
from tests.corpus_rows import stage_clips
from tests.known_reels import STREAM

MakeVideo = Callable[..., Path]


def _probed(path: Path, *, temporary: bool = False, segments: tuple[Segment, ...] = (), rotation: int = 0) -> Probed:
    sha256 = file_sha256(path)
    source = Source(id=sha256[:20], uri=str(path), bytes=path.stat().st_size, sha256=sha256)
    held = Held(source=source, path=str(path), temporary=temporary, segments=segments)
    return Probed(held=held, facts=replace(STREAM, rotation=rotation))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Decode]]:
    started = []

    def run(**settings: Any) -> Decode:
        stage = Decode(DecodeConfig(**settings), MediaLimits(), tmp_path / "scratch")
        stage.setup()
        started.append(stage)
        return stage

    yield run
    for stage in started:
        stage.close()


@pytest.fixture
def stage(start: Callable[..., Decode]) -> Decode:
    return start()


def _folders(tmp_path: Path, *sources: Source) -> list[Path]:
    """Return the scratch folders there are, in the order of the sources they belong to."""
    places = [source.id for source in sources]
    return sorted((tmp_path / "scratch").iterdir(), key=lambda path: places.index(path.name.partition("-")[0]))


def _end_after(monkeypatch: pytest.MonkeyPatch, num_answers: int, error: Exception, *, times: int = 99) -> None:
    """Let the child of `poison.mp4` end with `error` after some answers, the first `times`; others live."""
    honest, calls = Sandbox.stream, []

    def stream(self: Sandbox, request: dict[str, Any], *, file: Path) -> Iterator[dict[str, Any]]:
        answers = honest(self, request, file=file)
        calls.extend([file] if file.name == "poison.mp4" else [])
        if file.name != "poison.mp4" or len(calls) > times:
            yield from answers
            return
        for _ in range(num_answers):
            yield next(answers)
        answers.close()
        raise error

    monkeypatch.setattr(Sandbox, "stream", stream)


def test_good_and_bad_files_come_back_in_their_order(make_video: MakeVideo, tmp_path: Path, stage: Decode) -> None:
    good, other = make_video("good.mp4"), make_video("other.mp4", num_frames=5, shade=120)
    text = tmp_path / "text.mp4"
    text.write_text("this is no video at all")
    first, second, third = stage([_probed(good), _probed(text), _probed(other)])
    assert isinstance(first, Reel)
    assert isinstance(third, Reel)
    assert (first.num_frames, third.num_frames) == (24, 5)
    assert (first.number, first.is_last, first.first_frame) == (0, True, 0)
    assert Path(first.folder).is_relative_to(tmp_path / "scratch")
    assert len(spooled_frames(first)) == len(frame_seconds(first)) == 24
    assert isinstance(second, Verdict)
    assert (second.kind, second.outcome, second.reason) == ("source", "failed", "not a video container")
    assert second.id == second.source_id == _probed(text).held.source.id
    assert [Path(reel.folder).parent for reel in (first, third)] == _folders(tmp_path, first.source, third.source)


def test_reels_carry_what_is_known_of_their_source(make_video: MakeVideo, start: Callable[..., Decode]) -> None:
    segments = (Segment(start_seconds=0.5, end_seconds=9.0, label="juggling"),)
    probed = _probed(make_video(num_frames=300, fps=30), segments=segments, rotation=90)
    reels = list(start(reel_frames=150)([probed]))
    assert [reel.num_frames for reel in reels] == [150, 150]
    for reel in reels:
        assert isinstance(reel, Reel)
        assert (reel.source, reel.facts, reel.segments) == (probed.held.source, probed.facts, segments)
        assert (reel.width, reel.height) == (64, 96)
        assert reel.fps == 30


def test_a_reel_is_made_when_it_is_asked_for_and_belongs_to_who_took_it(
    make_video: MakeVideo, start: Callable[..., Decode], tmp_path: Path
) -> None:
    reels = iter(start(reel_frames=150)([_probed(make_video(num_frames=900, fps=30))]))
    folder = Path(next(reels).folder).parent
    assert sorted(path.name for path in folder.iterdir()) == ["0000", "0001"]
    next(reels)
    assert sorted(path.name for path in folder.iterdir()) == ["0000", "0001", "0002"]
    reels.close()  # type: ignore[attr-defined]
    assert sorted(path.name for path in folder.iterdir()) == ["0000", "0001"], "what nobody was given is removed"


def test_a_stage_goes_on_after_it_was_left_in_the_middle(make_video: MakeVideo, start: Callable[..., Decode]) -> None:
    stage = start(reel_frames=150)
    next(iter(stage([_probed(make_video("long.mp4", num_frames=900, fps=30))])))
    (reel,) = stage([_probed(make_video("short.mp4", num_frames=7))])
    assert isinstance(reel, Reel)
    assert reel.num_frames == 7


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ChildDiedError("killed by SIGSEGV"), "decoder died", "killed by SIGSEGV"),
        (DeadlinePassedError("late"), "deadline passed", "decode.deadline_seconds=3600"),
    ],
)
def test_a_lost_child_fails_its_file_only(
    make_video: MakeVideo, stage: Decode, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, detail: str
) -> None:
    _end_after(monkeypatch, 0, error)
    poison, good = make_video("poison.mp4", shade=50), make_video("good.mp4")
    lost, kept = stage([_probed(poison), _probed(good)])
    assert isinstance(lost, Verdict)
    assert isinstance(kept, Reel)
    assert (lost.outcome, lost.reason, lost.detail) == ("failed", reason, detail)


def test_a_child_lost_in_the_middle_fails_its_source(
    make_video: MakeVideo, start: Callable[..., Decode], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Reels that were handed out are left to those who have them; the verdict comes last."""
    _end_after(monkeypatch, 2, ChildDiedError("killed by SIGSEGV"))
    first, second, end = start(reel_frames=150)([_probed(make_video("poison.mp4", num_frames=900, fps=30))])
    assert isinstance(first, Reel)
    assert isinstance(second, Reel)
    assert isinstance(end, Verdict)
    assert (end.outcome, end.reason) == ("failed", "decoder died")
    (folder,) = (tmp_path / "scratch").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["0000", "0001"]


def test_a_decoder_that_somebody_killed_says_nothing_of_the_file(
    make_video: MakeVideo, start: Callable[..., Decode], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel kills for want of memory, too: the file is decoded again, and each reel is given once."""
    _end_after(monkeypatch, 2, ChildDiedError("killed by SIGKILL", killed=True), times=2)
    path = make_video("poison.mp4", num_frames=900, fps=30)
    reels = list(start(reel_frames=150)([_probed(path)]))
    assert [reel.number for reel in reels if isinstance(reel, Reel)] == list(range(6))
    numbers = [sorted(reel.name for reel in folder.iterdir()) for folder in sorted((tmp_path / "scratch").iterdir())]
    assert numbers == [["0000", "0001"], ["0002", "0003", "0004", "0005"]]


def test_a_file_whose_decoders_are_all_killed_fails(
    make_video: MakeVideo, stage: Decode, monkeypatch: pytest.MonkeyPatch
) -> None:
    _end_after(monkeypatch, 0, ChildDiedError("killed by SIGKILL", killed=True))
    (end,) = stage([_probed(make_video("poison.mp4"))])
    assert isinstance(end, Verdict)
    assert (end.outcome, end.reason, end.detail) == ("failed", "decoder died", "killed by SIGKILL")


@pytest.mark.parametrize(("staged", "given"), [((0, 2), [1, 3]), ((1, 3), [0, 2, "written"])])
def test_reels_that_are_staged_go_no_further(
    make_video: MakeVideo, tmp_path: Path, staged: tuple[int, ...], given: list[int | str]
) -> None:
    probed = _probed(make_video(num_frames=600, fps=30), segments=(Segment(label="x"),))
    staging = Staging(tmp_path / "staged")
    name = staged_name(probed.held.source.uri, probed.held.source.licence, "", probed.held.segments)
    for number in staged:
        stage_clips(staging, probed.held.source, [], number=number, is_last=number == 3, name=name)
    stage = Decode(DecodeConfig(reel_frames=150), MediaLimits(), tmp_path / "scratch", staging)
    stage.setup()
    results = list(stage([probed]))
    stage.close()
    assert [item.number if isinstance(item, Reel) else item.outcome for item in results] == given
    left = sorted(path.name for path in (tmp_path / "scratch").glob("*/*"))
    assert left == [f"{number:04d}" for number in given if isinstance(number, int)]


def test_a_deadline_is_kept(make_video: MakeVideo, start: Callable[..., Decode]) -> None:
    (late,) = start(deadline_seconds=1e-4)([_probed(make_video(num_frames=900, fps=30, size_wh=(640, 360)))])
    assert isinstance(late, Verdict)
    assert late.reason == "deadline passed"


def test_temporary_files_go_once_they_are_decoded_or_have_failed(
    make_video: MakeVideo, stage: Decode, tmp_path: Path
) -> None:
    good, text, kept = make_video("good.mp4"), tmp_path / "text.mp4", make_video("kept.mp4", shade=120)
    text.write_text("this is no video at all")
    assert len(list(stage([_probed(good, temporary=True), _probed(text, temporary=True), _probed(kept)]))) == 3
    assert not good.exists()
    assert not text.exists()
    assert kept.exists()


def test_a_file_that_vanished_fails(make_video: MakeVideo, stage: Decode) -> None:
    probed = _probed(make_video())
    Path(probed.held.path).unlink()
    (gone,) = stage([probed])
    assert isinstance(gone, Verdict)
    assert (gone.outcome, gone.reason) == ("failed", "not readable")


def test_a_full_disk_is_nobodys_video(make_video: MakeVideo, stage: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "stream", lambda *_, **__: iter([{"no_space": "No space left on device"}]))
    path = make_video()
    with pytest.raises(DataError, match="repeat the command"):
        list(stage([_probed(path, temporary=True)]))
    assert path.exists(), "the file is still to be decoded"


def test_the_stage_travels_before_setup(tmp_path: Path) -> None:
    stage = pickle.loads(pickle.dumps(Decode(DecodeConfig(), MediaLimits(), tmp_path)))
    assert stage.config == DecodeConfig()


def test_settings_are_checked_together() -> None:
    with pytest.raises(ConfigError, match=r"decode\.short_side_px=33.*\n.*decode\.reel_frames=100.*\n.*decode\.memory"):
        DecodeConfig(short_side_px=33, reel_frames=100, memory_bytes=1)
    with pytest.raises(ConfigError, match=r"decode\.reel_frames=175"):
        DecodeConfig(reel_frames=175)
    with pytest.raises(ConfigError, match=r"decode\.white_nits=20"):
        DecodeConfig(white_nits=20)
    with pytest.raises(ConfigError, match=r"decode\.deadline_seconds=nan"):
        DecodeConfig(deadline_seconds=float("nan"))

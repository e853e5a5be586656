"""The probe stage: one child for many files, verdicts for what is no video, temporary files gone with them."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.ledger import Verdict
from densewalk.datasets.records import Source, file_sha256
from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.sandbox import ChildDiedError, DeadlinePassedError, Sandbox
from densewalk.pipelines.records import Held, Probed
from densewalk.pipelines.stages.probe import Probe, ProbeConfig

MakeVideo = Callable[..., Path]


def _held(path: Path, **fields: Any) -> Held:
    sha256 = file_sha256(path)
    source = Source(id=sha256[:20], uri=str(path), bytes=path.stat().st_size, sha256=sha256)
    return Held(source=source, path=str(path), **fields)


@pytest.fixture
def stage() -> Iterator[Probe]:
    stage = Probe(ProbeConfig())
    stage.setup()
    yield stage
    stage.close()


def test_good_and_bad_files_come_back_in_their_order(make_video: MakeVideo, tmp_path: Path, stage: Probe) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video at all")
    first, second, third = stage([_held(make_video("good.mp4")), _held(text), _held(make_video("other.mkv", shade=50))])
    assert isinstance(first, Probed)
    assert isinstance(third, Probed)
    assert (first.facts.codec, first.facts.packets) == ("h264", 24)
    assert isinstance(second, Verdict)
    assert (second.kind, second.outcome, second.reason) == ("source", "failed", "not a video container")
    assert second.uri == str(text)


def test_what_is_probed_does_not_depend_on_what_came_before(make_video: MakeVideo, stage: Probe) -> None:
    held = _held(make_video())
    alone = stage([held])
    stage([_held(make_video("other.mkv", shade=50))])
    assert stage([held]) == alone


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (ChildDiedError("killed by SIGSEGV"), "prober died", "killed by SIGSEGV"),
        (DeadlinePassedError("late"), "deadline passed", "probe.deadline_seconds=300"),
    ],
)
def test_a_lost_child_fails_its_file_only(
    make_video: MakeVideo, stage: Probe, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, detail: str
) -> None:
    honest_call = Sandbox.call

    def call(self: Sandbox, request: dict[str, Any], *, file: Path) -> dict[str, Any]:
        if file.name == "poison.mp4":
            raise error
        return honest_call(self, request, file=file)

    monkeypatch.setattr(Sandbox, "call", call)
    lost, kept = stage([_held(make_video("poison.mp4", shade=50)), _held(make_video("good.mp4"))])
    assert isinstance(lost, Verdict)
    assert isinstance(kept, Probed)
    assert (lost.outcome, lost.reason, lost.detail) == ("failed", reason, detail)


def test_a_file_that_went_away_is_not_readable(make_video: MakeVideo, stage: Probe) -> None:
    held = _held(make_video())
    Path(held.path).unlink()
    (verdict,) = stage([held])
    assert isinstance(verdict, Verdict)
    assert (verdict.reason, verdict.detail) == ("not readable", "No such file or directory")


@pytest.mark.parametrize("temporary", [True, False])
def test_a_fetched_file_goes_with_its_verdict_and_stays_for_the_decoder(
    make_video: MakeVideo, tmp_path: Path, stage: Probe, temporary: bool
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    bad, good = _held(tmp_path / "text.mp4", temporary=temporary), _held(make_video(), temporary=temporary)
    stage([bad, good])
    assert Path(bad.path).exists() is not temporary
    assert Path(good.path).exists()


def test_limits_and_codecs_are_settings(make_video: MakeVideo) -> None:
    config = ProbeConfig(codecs=("vp9",), limits=MediaLimits(max_bytes=1 << 20))
    stage = Probe(config)
    stage.setup()
    (verdict,) = stage([_held(make_video())])
    stage.close()
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason) == ("rejected", "codec not allowed")


def test_the_stage_travels_before_setup() -> None:
    assert pickle.loads(pickle.dumps(Probe(ProbeConfig()))).config == ProbeConfig()


def test_settings_are_checked_together() -> None:
    with pytest.raises(ConfigError, match=r"probe\.codecs.*\n.*probe\.deadline_seconds=0.*\n.*probe\.memory_bytes"):
        ProbeConfig(codecs=(), deadline_seconds=0, memory_bytes=1)


def test_a_codec_nobody_knows_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="'h2645'"):
        Probe(ProbeConfig(codecs=("h2645",))).setup()


@pytest.mark.real_data
def test_every_real_file_is_probed_or_refused_for_a_reason(real_data: Path, stage: Probe) -> None:
    paths = sorted(path for path in (real_data / "videos" / "odd").iterdir())
    refused = {}
    for path in paths:
        (result,) = stage([_held(path)])
        if isinstance(result, Verdict):
            refused[path.name] = result.reason
        else:
            assert result.facts.packets > 0
    assert set(refused.values()) <= {
        "too small",
        "no decodable frame",
        "encrypted",
        "audio only",
        "not a readable video",
    }
    assert refused["firefox-src__opus-sample.mp4"] == "audio only"
    assert refused["firefox-src__gizmo-frag.mp4"] == "encrypted"

"""Hostile files: each ends for a known reason, alone and in time; none makes anybody open or call anything else."""

import socket
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from densewalk.pipelines.decoding.limits import MediaLimits
from densewalk.pipelines.decoding.probe_child import probe
from densewalk.pipelines.stages.probe import CODECS
from tests.hostile.base_videos import BASES
from tests.hostile.cases import DECODED, Case, bomb_cases, damaged_cases, forged_cases, stranger_cases
from tests.hostile.trial import Ending, Trial
from tests.hostile.watch import opened_names

SLOWEST_SECONDS = 5.0


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with Trial(tmp_path_factory.mktemp("scratch")) as trial:
        yield trial


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary.mp4"
    path.write_bytes(b"nobody reads this")
    return path


def _endings(trial: Trial, folder: Path, cases: Iterable[Case]) -> dict[str, tuple[Case, Ending]]:
    endings = {}
    for number, case in enumerate(cases):
        path = folder / f"case{number}.mp4"
        path.write_bytes(case.data)
        endings[case.name] = (case, trial(path))
        path.unlink()
    return endings


def _unexpected(endings: dict[str, tuple[Case, Ending]]) -> dict[str, str]:
    return {
        name: f"{ending.outcome}: {ending.reason} ({ending.detail}), {ending.seconds:.1f} s"
        for name, (case, ending) in endings.items()
        if ending.reason not in case.reasons or ending.seconds > SLOWEST_SECONDS
    }


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_what_is_no_video_ends_for_what_it_is(
    trial: Trial, tmp_path: Path, canary: Path, server: socket.socket
) -> None:
    with opened_names(tmp_path) as names:
        endings = _endings(trial, tmp_path, stranger_cases(canary, _port(server)))
    assert _unexpected(endings) == {}
    assert len(endings) >= 20
    assert canary.name not in names
    assert any(name.startswith("case") for name in names), "the watch sees what is opened"
    with pytest.raises(BlockingIOError):
        server.accept()


def test_forged_containers_end_for_a_reason(trial: Trial, tmp_path: Path, canary: Path) -> None:
    endings = _endings(trial, tmp_path, forged_cases(canary))
    assert _unexpected(endings) == {}
    assert endings["negative times"][1].num_frames == 24


def test_pictures_beyond_the_limits_are_never_made(trial: Trial, tmp_path: Path) -> None:
    endings = _endings(trial, tmp_path, bomb_cases())
    assert _unexpected(endings) == {}
    assert "max_pixels" in endings["pictures of 8192 x 8192"][1].detail
    assert 20 <= endings["pictures that grow to 8192 x 4160"][1].num_frames <= 24


def test_a_duration_of_ten_hours_is_a_claim_that_changes_nothing(tmp_path: Path, canary: Path) -> None:
    cases = [case for case in forged_cases(canary) if case.name == "duration of ten hours"]
    (tmp_path / "case.mp4").write_bytes(cases[0].data)
    with (tmp_path / "case.mp4").open("rb") as file:
        request = {"descriptor": file.fileno(), "limits": asdict(MediaLimits()), "codecs": CODECS}
        facts = probe(request)["facts"]
    assert facts["declared_seconds"] > 30_000
    assert facts["last_seconds"] == pytest.approx(23 / 12, abs=0.1)
    assert (facts["packets"], facts["packet_fps"]) == (24, 12.0)


def test_the_reader_follows_no_reference_even_where_nothing_would_stop_it(
    tmp_path: Path, canary: Path, server: socket.socket
) -> None:
    wanted = [case for case in forged_cases(canary) if case.name == "reference to another file"]
    with opened_names(tmp_path) as names:
        for case in [*wanted, *stranger_cases(canary, _port(server))]:
            path = tmp_path / "case.mp4"
            path.write_bytes(case.data)
            with path.open("rb") as file:
                request = {"descriptor": file.fileno(), "limits": asdict(MediaLimits()), "codecs": CODECS}
                assert probe(request).get("outcome") == "failed", case.name
    assert names == {"case.mp4"}
    with pytest.raises(BlockingIOError):
        server.accept()


@pytest.mark.parametrize("name", ["faststart", "matroska"])
def test_damage_costs_what_lies_behind_it_and_nothing_else(trial: Trial, tmp_path: Path, name: str) -> None:
    endings = _endings(trial, tmp_path, damaged_cases(name, num_truncated=12, num_flipped=25))
    assert _unexpected(endings) == {}
    used = [ending for _, ending in endings.values() if ending.reason == DECODED]
    assert max(ending.num_frames for ending in used) == 24
    assert any(0 < ending.num_frames < 24 for ending in used), "a file that breaks off is used up to there"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BASES))
def test_damage_anywhere_in_any_container_ends_for_a_reason(trial: Trial, tmp_path: Path, name: str) -> None:
    endings = _endings(trial, tmp_path, damaged_cases(name, num_truncated=50, num_flipped=200))
    assert _unexpected(endings) == {}


@pytest.mark.slow
def test_endings_do_not_depend_on_what_came_before(trial: Trial, tmp_path: Path) -> None:
    cases = list(damaged_cases("faststart", num_truncated=20, num_flipped=60))
    forth = _endings(trial, tmp_path, cases)
    back = _endings(trial, tmp_path, reversed(cases))
    differing = [
        name for name, (_, ending) in forth.items() if replace(ending, seconds=0) != replace(back[name][1], seconds=0)
    ]
    assert differing == []

"""The doctor reports what is there, and survives what it cannot foresee."""

import tomllib
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from densewalk.cluster import doctor
from densewalk.cluster.doctor import examine, free_memory_bytes


def _named(name: str, folder: Path = Path()) -> doctor.Check:
    return next(check for check in examine(folder) if check.name == name)


def test_this_machine_is_fit_to_run_the_tests(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    assert [check.name for check in checks if check.status == "fail"] == []
    assert len({check.name for check in checks}) == len(checks) >= 12
    assert all(check.advice for check in checks if check.status != "ok")
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_cannot_be_imported_fails_its_check_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    checks = {check.name: check for check in examine(Path())}
    assert checks["PyAV decoder"].status == checks["H.264 encoder"].status == "fail"
    assert "av" in checks["PyAV decoder"].found
    assert checks["Python"].status == "ok"


def test_a_decoder_that_returns_wrong_pixels_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = doctor._tiny_mp4()
    monkeypatch.setattr(doctor, "_SHADES", (40, 90, 140, 190, 200))
    monkeypatch.setattr(doctor, "_tiny_mp4", lambda: honest)
    assert _named("PyAV decoder").status == "fail"
    assert _named("decord decoder").status == "warn"


def test_no_ffmpeg_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    check = _named("ffmpeg program")
    assert check.status == "ok"
    assert "none needed" in check.found


def test_missing_sample_videos_and_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_package_file", lambda package, ending: None)
    assert _named("sample videos").status == "warn"
    assert "--videos" in _named("sample videos").advice
    assert _named("TransNetV2 weights").status == "fail"


def test_optional_packages_are_told_with_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _named("yt-dlp").found.endswith(", for videos of YouTube")

    def absent(package: str) -> str:
        raise doctor.PackageNotFoundError(package)

    monkeypatch.setattr(doctor, "version", absent)
    check = _named("gcsfs")
    assert (check.status, check.advice) == ("ok", "for gs:// sources: pip install densewalk[gcs]")


def test_every_optional_package_is_in_the_extra_it_is_said_to_be_in() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for package, (extra, _) in doctor._OPTIONAL.items():
        assert any(need.startswith(package) for need in project["optional-dependencies"][extra])


@pytest.mark.parametrize(("printed", "status"), [("", "ok"), ("files, system calls\n", "warn")])
def test_what_a_decoder_keeps_is_told(printed: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.subprocess, "run", lambda command, **_: CompletedProcess(command, 0, stdout=printed))
    check = doctor._confinement()
    assert check.status == status
    assert printed.strip() in check.found


@pytest.mark.parametrize(("gib", "status"), [(0.5, "fail"), (3, "warn"), (50, "ok")])
def test_little_room_warns_and_none_fails(gib: float, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = doctor.shutil.disk_usage("/")._replace(free=int(gib * 2**30))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    check = _named("disk")
    assert (check.status, check.found) == (status, f"{gib:.1f} GiB free")


def test_a_folder_that_does_not_exist_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    assert _named("disk", tmp_path / "runs" / "new").status == "ok"


def test_memory_is_what_the_container_may_still_have(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    8388608 kB\n")
    assert free_memory_bytes(tmp_path) == 8 << 30
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    assert free_memory_bytes(tmp_path) == 8 << 30
    (group / "memory.max").write_text(f"{3 << 30}\n")
    (group / "memory.current").write_text(f"{1 << 30}\n")
    assert free_memory_bytes(tmp_path) == 2 << 30

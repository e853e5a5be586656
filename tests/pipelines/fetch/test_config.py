"""Settings: every mistake is named in one message."""

import pytest

from densewalk.datasets.config import from_mapping, to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.fetch.config import FetchConfig, YoutubeConfig


def test_settings_survive_being_written() -> None:
    config = FetchConfig(attempts=2, youtube=YoutubeConfig(short_side=240), content_types=("video/",))
    assert from_mapping(FetchConfig(), to_mapping(config)) == config


@pytest.mark.parametrize(
    "name",
    [
        *("max_bytes", "deadline_seconds", "stall_seconds", "attempts", "requests_per_second", "connections_per_host"),
        *("backoff_seconds", "patience_seconds", "redirects"),
    ],
)
def test_a_number_out_of_range_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"fetch\.{name}=-1 "):
        FetchConfig(**{name: -1})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        FetchConfig(attempts=0, content_types=(), user_agent="a\r\nX: y", deadline_seconds=0.0)
    told = str(caught.value)
    assert all(name in told for name in ("attempts", "content_types", "user_agent", "deadline_seconds"))
    with pytest.raises(ConfigError, match=r"fetch\.youtube\.lookup_url"):
        YoutubeConfig(lookup_url="data.example")
    with pytest.raises(ConfigError, match=r"fetch\.storage\.endpoint_url"):
        StorageConfig(endpoint_url="localhost:9000")

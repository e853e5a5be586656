"""The section dedup: mistakes are named."""

from typing import Any

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.dedup.dedup_config import DedupConfig


@pytest.mark.parametrize(
    "mistake",
    [
        {"min_similarity": 0.3},
        {"min_similarity": 1.1},
        {"min_share": 0.0},
        {"held_out_fps": 0.0},
        {"memory_bytes": 1000},
        {"held_out": ("x",), "near": False},
    ],
)
def test_mistakes_name_the_option(mistake: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"dedup.{next(iter(mistake))}"):
        DedupConfig(**mistake)

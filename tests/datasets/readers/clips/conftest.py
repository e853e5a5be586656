"""MOVi with three scenes in two files, written once for all tests."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from densewalk.datasets.readers.clips.movi import MoviCollection, open_movi
from densewalk.datasets.storage.config import CacheConfig
from tests.boxes_in_space import BoxScene
from tests.movi_records import write_movi


@dataclass(frozen=True)
class MadeMovi:
    """A version folder and what its clips show, in their order."""

    folder: Path
    scenes: list[BoxScene]

    def open(self) -> MoviCollection:
        """Open it anew."""
        return open_movi(str(self.folder), CacheConfig())


@pytest.fixture(scope="session")
def movi(tmp_path_factory: pytest.TempPathFactory) -> MadeMovi:
    pytest.importorskip("google.protobuf")
    scenes = [BoxScene(seed) for seed in range(3)]
    return MadeMovi(write_movi(tmp_path_factory.mktemp("tfds"), [scenes[:2], scenes[2:]]), scenes)

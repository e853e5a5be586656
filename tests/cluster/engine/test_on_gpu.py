"""A corpus made on Ray with its shots found on a GPU holds the clips of one made without."""

from pathlib import Path

import pytest
import torch

from densewalk.cluster.engine.ray_engine import RayEngine
from densewalk.datasets.config import resolve
from densewalk.datasets.dataset import Dataset
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.prepare import prepare
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.samples import sample_videos


@pytest.mark.ray
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_clips_do_not_depend_on_where_shots_are_found(tmp_path: Path) -> None:
    specs = [str(path) for path in sample_videos()]
    cpu, cuda = (resolve(PrepareConfig(), overrides=[f"shots.device={name}"]) for name in ("cpu", "cuda"))
    prepare(specs, FolderHome(tmp_path / "cpu"), cpu, InProcessEngine())
    with RayEngine() as engine:
        prepare(specs, FolderHome(tmp_path / "cuda"), cuda, engine)
    expected, found = (Dataset.open(tmp_path / name) for name in ("cpu", "cuda"))
    assert [(row.key, row.sha256) for row in found] == [(row.key, row.sha256) for row in expected]

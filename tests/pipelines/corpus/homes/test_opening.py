"""A home by what stands behind --out."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.corpus.homes.bucket_home import BucketHome
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.homes.opening import open_home


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    assert open_home(str(tmp_path)) == FolderHome(tmp_path)


def test_an_address_is_a_bucket_with_a_work_folder_of_its_own() -> None:
    homes = [open_home(url) for url in ("s3://corpora/k400", "s3://corpora/k400/", "s3://other/k400")]
    assert all(isinstance(home, BucketHome) for home in homes)
    assert homes[0].folder == homes[1].folder != homes[2].folder
    assert homes[0].folder.parent == Path(".densewalk")
    assert homes[0].folder.name.startswith("k400-")
    assert homes[1].name == "s3://corpora/k400"


def test_the_work_folder_can_be_chosen(tmp_path: Path) -> None:
    assert open_home("s3://corpora/k400", tmp_path).folder == tmp_path


@pytest.mark.parametrize(
    ("out", "message"), [("folder", "--work .* is for a dataset in a bucket"), ("ftp://a/b", "no place")]
)
def test_what_does_not_fit_is_refused(tmp_path: Path, out: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_home(out, tmp_path)

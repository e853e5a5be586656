import sys
from collections.abc import Iterator

import pytest

from densewalk.datasets.errors import ConfigError, DataError
from densewalk.datasets.storage.config import StorageConfig
from densewalk.pipelines.sources.objects import object_mentions
from densewalk.pipelines.sources.spec import SourceSpec
from tests.faulty_store import moto_server

BUCKET = "clips"
KEYS = ["a/1.mp4", "a/2 b.mkv", "a/deep/er/3.mp4", "a/notes.txt", "a/[x].mp4", "ab/4.mp4", "top.mp4", "raw"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[StorageConfig]:
    """A bucket of a real S3 server on loopback, and how it is reached."""
    import boto3

    with moto_server(BUCKET) as endpoint:
        client = boto3.client("s3", endpoint_url=endpoint)
        for key in KEYS:
            client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
        yield StorageConfig(endpoint_url=endpoint)


def _keys(bucket: StorageConfig, text: str) -> list[str]:
    """Names of the objects found; refused ones in round brackets."""
    found = object_mentions(SourceSpec.parse(f"s3://{BUCKET}/{text}"), bucket)
    names = [(m.uri.removeprefix(f"s3://{BUCKET}/"), m.refusal) for m in found]
    return sorted(f"({name})" if refusal else name for name, refusal in names)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a/", ["(a/notes.txt)", "a/1.mp4", "a/2 b.mkv", "a/[x].mp4", "a/deep/er/3.mp4"]),
        ("a/*.mp4", ["a/1.mp4", "a/[x].mp4"]),
        ("a/**/*.mp4", ["a/1.mp4", "a/[x].mp4", "a/deep/er/3.mp4"]),
        ("a*/*.mp4", ["a/1.mp4", "a/[x].mp4", "ab/4.mp4"]),
        ("a/deep", ["a/deep/er/3.mp4"]),
        ("a/1.mp4", ["a/1.mp4"]),
        ("a/[x].mp4", ["a/[x].mp4"]),
        ("raw", ["raw"]),
        ("a/*.webm", []),
    ],
)
def test_objects_prefixes_and_patterns_are_listed(bucket: StorageConfig, text: str, keys: list[str]) -> None:
    assert _keys(bucket, text) == keys


def test_a_whole_bucket_is_a_prefix(bucket: StorageConfig) -> None:
    assert len(_keys(bucket, "")) == len(KEYS)


def test_what_is_not_there_is_a_mistake(bucket: StorageConfig) -> None:
    with pytest.raises(ConfigError, match="nothing at s3://clips/none"):
        _keys(bucket, "none/")
    with pytest.raises(ConfigError, match="nothing at s3://no-such-bucket"):
        object_mentions(SourceSpec.parse("s3://no-such-bucket/*.mp4"), bucket)
    with pytest.raises(ConfigError, match="behind the bucket's name"):
        object_mentions(SourceSpec.parse("s3://cl*/a.mp4"), bucket)


@pytest.mark.parametrize(("url", "extra"), [("gs://bucket/a", "gcs"), ("hf://datasets/o/n", "hf")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, url: str, extra: str) -> None:
    for name in ("gcsfs", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf"pip install densewalk\[{extra}\]"):
        object_mentions(SourceSpec.parse(url), StorageConfig())


def test_a_store_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, bucket: StorageConfig) -> None:
    import s3fs

    async def fail(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(s3fs.S3FileSystem, "_info", fail)
    monkeypatch.setattr(s3fs.S3FileSystem, "_isfile", fail)
    with pytest.raises(DataError, match="cannot list s3://clips/a/: Access Denied; check name, keys and endpoint"):
        _keys(bucket, "a/")

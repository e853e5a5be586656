"""Names of subjects are taken apart once, and what is no name says what could be one."""

from pathlib import Path

import pytest

from densewalk.datasets.errors import BenchmarkError, ConfigError
from densewalk.ssl.evaluate.subject_name import SubjectName, parse_subject


@pytest.mark.parametrize(
    ("text", "kind", "value", "settings", "title"),
    [
        ("rgb", "word", "rgb", (), "rgb"),
        ("dis-flow", "word", "dis-flow", (), "dis-flow"),
        ("random:resnet18", "random", "resnet18", (), "random:resnet18"),
        ("random:resnet50@stages=4+dilate=true", "random", "resnet50", ("stages=4", "dilate=true"), None),
        ("dino:weights/vits8.pth@layer=11", "dino", "weights/vits8.pth", ("layer=11",), "dino:vits8.pth@layer=11"),
        ("crw:me@home/crw.pth", "crw", "me@home/crw.pth", (), "crw:crw.pth"),
        ("moco:r50.pth@strides=[1,2,1,1]", "moco", "r50.pth", ("strides=[1,2,1,1]",), None),
        ("gmrw:a/gmrw.pth", "gmrw", "a/gmrw.pth", (), "gmrw:gmrw.pth"),
        ("masks:results/davis", "masks", "results/davis", (), "masks:davis"),
    ],
)
def test_a_name_is_taken_apart(text: str, kind: str, value: str, settings: tuple[str, ...], title: str | None) -> None:
    name = parse_subject(text)
    assert name == SubjectName(kind=kind, value=value, settings=settings)
    assert name.title == (title or text)
    assert not name.is_run


def test_a_folder_that_exists_is_a_run_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("rgb", "random:resnet18"):
        (tmp_path / text).mkdir()
        name = parse_subject(text)
        assert name.is_run
        assert name.title == text


@pytest.mark.parametrize("text", ["rbg", "runs/nowhere", "gmrw:", "dino:", "masks:", "random:", "other:file"])
def test_what_is_no_name_is_refused_with_what_could_be(text: str) -> None:
    with pytest.raises(
        BenchmarkError, match=rf"no run at {text}; .*rgb, zero-motion, dis-flow, random:ARCH.*gmrw:FILE"
    ):
        parse_subject(text)


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown architecture 'resnet19'; known: .*resnet18.*did you mean"):
        parse_subject("random:resnet19")

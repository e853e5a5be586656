"""What a run and a score say of the software that made them."""

import platform

import torch

import densewalk
from densewalk.ssl.versions import versions


def test_the_versions_are_those_that_run() -> None:
    found = versions()
    assert found["densewalk"] == densewalk.__version__
    assert found["python"] == platform.python_version()
    assert found["torch"] == str(torch.__version__)

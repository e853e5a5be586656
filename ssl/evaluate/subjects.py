"""Who is measured: subjects by name, ready to be measured, with where they are from."""

from pathlib import Path
from typing import Any

import torch

from densewalk.datasets.config import config_hash, resolve, to_mapping
from densewalk.datasets.errors import BenchmarkError
from densewalk.datasets.records import file_sha256
from densewalk.ssl.encoders.named import ARCHITECTURES, EncoderConfig, Layout, build_encoder, load_encoder, recognise
from densewalk.ssl.evaluate.baselines import UNTRAINED_SEED, baseline, untrained_weights
from densewalk.ssl.evaluate.mask_folder import MaskFolder
from densewalk.ssl.evaluate.subject_name import Released, SubjectName, parse_subject
from densewalk.ssl.matchers.cosine import CosineMatcher
from densewalk.ssl.matchers.matcher import Matcher
from densewalk.ssl.matchers.released import load_released
from densewalk.ssl.objectives import build_objective
from densewalk.ssl.track.frames import module_device
from densewalk.ssl.train.subject import load_matcher, load_train_config

__all__ = ["UNTRAINED", "Subject", "load_like", "load_network", "load_subject", "run_of", "usual_floor"]

Subject = Matcher | MaskFolder

UNTRAINED = "untrained"
"""Names the subject itself before training."""
_RELEASED_COLOURS: dict[Released, str] = {"gmrw": "byte", "gmflow": "unit"}
"""Range of colours that the released weights of each project are fed with."""


def load_subject(text: str) -> tuple[Subject, dict[str, Any]]:
    """Return the subject that `text` names, on the GPU when there is one, and where it is from.

    Raises `BenchmarkError` when nothing is there by that name, `TrainingError` when a run is damaged, `DataError` when
    weights or masks are, and `ConfigError` on settings that its encoder does not know.
    """
    subject, provenance = _load(parse_subject(text))
    return subject.to(_device()).eval(), _facts(text, subject) | provenance


def load_network(text: str) -> tuple[Matcher, dict[str, Any]]:
    """Return the matcher that `text` names and where it is from; raises `BenchmarkError` when it is finished masks."""
    subject, provenance = load_subject(text)
    if not isinstance(subject, Matcher):
        raise BenchmarkError(f"{text} holds finished masks; only a network can be asked for anything else")
    return subject, provenance


def load_like(text: str, first: str, matcher: Subject) -> tuple[Subject, dict[str, Any]]:
    """Return the subject that `text` names beside `first`, which is `matcher`.

    A baseline gets the stride of `matcher`; `untrained` is the network of `first` with fresh weights, a run's objective
    built anew. Raises what `load_subject` raises, and `BenchmarkError` when nothing can be untrained.
    """
    like = matcher if isinstance(matcher, Matcher) else None
    if text != UNTRAINED:
        name = parse_subject(text)
        if name.kind == "word" and like is not None:
            found = baseline(name.value, like)
            return found, _facts(text, found)
        return load_subject(text)
    run = run_of(first)
    origin: dict[str, Any] = {"seed": UNTRAINED_SEED}
    if run is None:
        network = baseline(UNTRAINED, like)
    else:
        objective = load_train_config(run).objective
        with untrained_weights():
            network = build_objective(objective).subject()
        origin |= {"config_hash": config_hash(objective)}
    network = network.to(module_device(matcher)).eval()
    return network, _facts(f"{first}, untrained", network) | origin


def run_of(text: str) -> Path | None:
    """Return the run that a subject is or belongs to, None when it comes from no run.

    Raises `BenchmarkError` when there is no such subject.
    """
    name = parse_subject(text)
    if not name.is_run:
        return None
    path = name.path
    return next((folder for folder in (path, *path.absolute().parents) if (folder / "config.yaml").is_file()), path)


def usual_floor(text: str) -> tuple[str, ...]:
    """Return the names of the subjects that one is measured beside unless somebody says otherwise."""
    name = parse_subject(text)
    if name.kind == "masks":
        return ()
    trained = name.kind not in ("word", "random")
    return tuple(floor for floor in (*((UNTRAINED,) if trained else ()), "rgb", "zero-motion") if floor != text)


def _facts(text: str, subject: Subject) -> dict[str, Any]:
    """Return what is said of every subject; the stride, since baselines take that of what they stand beside."""
    return {"subject": text} | ({"stride": subject.stride} if isinstance(subject, Matcher) else {})


def _load(name: SubjectName) -> tuple[Subject, dict[str, Any]]:
    match name.kind:
        case "run":
            return load_matcher(name.path)
        case "word":
            return baseline(name.value), {}
        case "masks":
            return MaskFolder(name.path), {}
        case "random":
            return _random(name)
        case "gmrw" | "gmflow":
            return _released(name.kind, name.path)
        case _:
            return _published(name.kind, name)


def _random(name: SubjectName) -> tuple[Matcher, dict[str, Any]]:
    config = _configured(ARCHITECTURES[name.value], name)
    with untrained_weights():
        encoder = build_encoder(config)
    return CosineMatcher(encoder), {"architecture": to_mapping(config), "seed": UNTRAINED_SEED}


def _published(layout: Layout, name: SubjectName) -> tuple[Matcher, dict[str, Any]]:
    config = _configured(recognise(name.path, layout), name)
    facts = {"checkpoint": str(name.path), "sha256": file_sha256(name.path), "architecture": to_mapping(config)}
    return CosineMatcher(load_encoder(name.path, config)), facts


def _configured(config: EncoderConfig, name: SubjectName) -> EncoderConfig:
    return resolve(config, overrides=name.settings)


def _released(kind: Released, file: Path) -> tuple[Matcher, dict[str, Any]]:
    matcher = load_released(file)
    (found,) = (name for name, colours in _RELEASED_COLOURS.items() if colours == matcher.config.input_range)
    if found != kind:
        raise BenchmarkError(f"{file} holds weights of {found}; write {found}:{file}")
    return matcher, {"checkpoint": str(file), "sha256": file_sha256(file)}


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

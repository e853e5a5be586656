"""The chain of stages a configuration asks for, from a source's entry to its staged clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.corpus.admission import Admission
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.clips import Clips
from densewalk.pipelines.stages.decode import Decode
from densewalk.pipelines.stages.encode import Encode
from densewalk.pipelines.stages.fetch import Fetch
from densewalk.pipelines.stages.flow import Flow
from densewalk.pipelines.stages.ingest import Ingest
from densewalk.pipelines.stages.probe import Probe
from densewalk.pipelines.stages.quality import Quality
from densewalk.pipelines.stages.shots import Shots
from densewalk.pipelines.stages.signatures import Signatures
from densewalk.pipelines.stages.stow import Stow
from densewalk.pipelines.stages.tracks import Tracks

__all__ = ["Folders", "build_stages", "corpus_stages", "place_of", "stage_versions", "stages_until"]


@dataclass(frozen=True, slots=True)
class Folders:
    """Where stages keep what is in transit."""

    fetched: Path
    """Downloads; kept over runs, so that a broken one goes on."""
    scratch: Path
    """Frames, of one run only."""


def build_stages(
    config: PrepareConfig, folders: Folders, admission: Admission | None = None, *, all_local: bool = False
) -> tuple[Stage[Any, Any], ...]:
    """Return the stages up to finished clips in their order; those that are switched off are left out."""
    chain: list[Stage[Any, Any]] = [
        Fetch(config.fetch, folders.fetched, all_local=all_local),
        Ingest(config.licence, admission),
        Probe(config.probe),
        Decode(config.decode, config.probe.limits, folders.scratch, admission.staging if admission else None),
        Shots(config.shots),
        Clips(config.clips),
        Quality(config.quality),
    ]
    if config.dedup.near:
        chain.append(Signatures())
    chain.append(Encode(config.encode))
    if config.flow.enabled:
        chain.append(Flow(config.flow))
    if config.tracks.enabled:
        chain.append(Tracks(config.tracks))
    return tuple(chain)


def corpus_stages(
    config: PrepareConfig, folders: Folders, admission: Admission, *, all_local: bool = False
) -> tuple[Stage[Any, Any], ...]:
    """Return the whole chain of a corpus, which ends with staged reels; `all_local` says that nothing is remote."""
    stow = Stow(admission.staging, stage_versions(config))
    return (*build_stages(config, folders, admission, all_local=all_local), stow)


def stages_until(config: PrepareConfig, folders: Folders, last: str) -> tuple[Stage[Any, Any], ...]:
    """Return the stages up to the one named `last`; raises what `place_of` raises."""
    chain = build_stages(config, folders)
    return chain[: place_of(last, chain) + 1]


def place_of(name: str, chain: Sequence[Stage[Any, Any]]) -> int:
    """Return where the stage of a name stands; raises `ConfigError` naming those there are."""
    names = [stage.name for stage in chain]
    if name not in names:
        switches = {"signatures": "dedup.near", "flow": "flow.enabled", "tracks": "tracks.enabled"}
        hint = f"; {switches[name]}=true switches it on" if name in switches else ""
        raise ConfigError(f"no stage {name!r} in this configuration (--until); there are {', '.join(names)}{hint}")
    return names.index(name)


def stage_versions(config: PrepareConfig) -> dict[str, int]:
    """Return the versions of the stages that shape clips, by name."""
    chain = build_stages(config, Folders(Path(), Path()))
    versions = {stage.name: stage.version for stage in chain if not isinstance(stage, Fetch)}
    return versions | {Stow.name: Stow.version}

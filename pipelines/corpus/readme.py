"""The card of a dataset as README.md: what it holds, how it was made, how to read it, how to have a video removed.

The front matter is what data hubs read: licences, size, tags, and where the clips lie. The text follows from
dataset.json, the configuration and the ledger's counts alone, so equal datasets have equal cards. Where videos came
from is told by the tables, not here: sections of the configuration that name sources or this machine are left out, and
of every other path its last part is kept.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from string import Template
from typing import Any

import yaml

from densewalk.datasets.config import from_mapping, leaves
from densewalk.datasets.dataset_card import DatasetCard
from densewalk.datasets.errors import ConfigError
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.readme_template import TEMPLATE
from densewalk.pipelines.recipe import PrepareConfig, recipe_hash

__all__ = ["README", "readme_text"]

README = "README.md"
_LEFT_OUT = ("sources", "fetch", "engine", "pack")
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B")
_HUB_LICENCES = {
    *(f"cc-by{kind}-{version}" for kind in ("", "-sa", "-nc", "-nd", "-nc-sa", "-nc-nd") for version in ("2.0", "3.0")),
    *(f"cc-by{kind}-{version}" for kind in ("", "-sa", "-nc", "-nd", "-nc-sa", "-nc-nd") for version in ("2.5", "4.0")),
    *("cc", "cc0-1.0", "pddl", "odbl", "odc-by", "mit", "apache-2.0", "bsd-3-clause", "unlicense", "unknown", "other"),
}
_MOST_REASONS = 40

_Settings = Mapping[str, Any]
"""By dotted name, free sections left out."""
_Reasons = Mapping[tuple[str, str, str], int]


def readme_text(card: DatasetCard, config_yaml: str, reasons: _Reasons | None = None) -> str:
    """Return the text of README.md.

    `config_yaml` is the content of config.yaml, empty when it is unknown; `reasons` counts the ledger's rows that were
    not written by kind, outcome and reason.
    """
    settings = _settings(config_yaml)
    return Template(TEMPLATE).substitute(
        front=_front_matter(card, settings),
        clips=_count(card.num_clips, "clip"),
        hours=_duration(card.seconds),
        sources=_count(card.num_sources, "video"),
        size=_size(card.bytes),
        shards=_count(len(card.shard_sha256), "shard"),
        shots=_shots(settings),
        recipe=card.recipe_hash,
        source_outcomes=_outcomes(card.source_outcomes),
        clip_outcomes=_outcomes(card.clip_outcomes),
        licences=_licences(card),
        reasons=_reasons(reasons or {}),
        members=", ".join(_members(settings)),
        steps="\n".join(_steps(settings)),
        versions=_versions(card, settings),
        config=_shown(settings),
        near_duplicates=_near_duplicates(settings),
        held_out=_held_out(settings),
        computed=_computed(settings),
    )


def _front_matter(card: DatasetCard, settings: _Settings) -> str:
    tags = ["video", "self-supervised-learning", "dense-correspondence", "webdataset", "densewalk"]
    tags += [
        tag for section, tag in (("flow", "optical-flow"), ("tracks", "point-tracking")) if _is_on(settings, section)
    ]
    configs: list[dict[str, Any]] = [
        {"config_name": name, "data_files": f"{name}.parquet"} for name in ("index", "sources", "ledger")
    ]
    if card.num_clips:
        configs.insert(0, {"config_name": "clips", "data_files": "shards/*.tar", "default": True})
    content = {
        "license": sorted({_hub_licence(name) for name in card.licences}) or ["unknown"],
        "task_categories": ["image-feature-extraction", "other"],
        "size_categories": [_SIZES[min(max(len(str(card.num_clips)) - 3, 0), len(_SIZES) - 1)]],
        "tags": tags,
        "configs": configs,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).rstrip()


def _hub_licence(name: str) -> str:
    plain = name.strip().lower().replace(" ", "-")
    plain = {"cc0": "cc0-1.0", "cc-by": "cc", "": "unknown"}.get(plain, plain)
    return plain if plain in _HUB_LICENCES else "other"


def _licences(card: DatasetCard) -> str:
    if not card.licences:
        return "No clip, no licence."
    rows = sorted(card.licences.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(
        [
            "| licence | clips |",
            "|---|---:|",
            *(f"| {_cell(name or 'not stated')} | {count:,} |" for name, count in rows),
        ]
    )


def _reasons(reasons: _Reasons) -> str:
    if not reasons:
        return "The query under *How to read it* counts the reasons."
    rows = sorted(reasons.items(), key=lambda item: (item[0][0] != "source", -item[1], item[0]))
    lines = [
        f"| {kind} | {outcome} | {_cell(why)} | {count:,} |" for (kind, outcome, why), count in rows[:_MOST_REASONS]
    ]
    if left := len(rows) - _MOST_REASONS:
        lines += [f"| | | and {left} more | |"] if left > 0 else []
    return "\n".join(["| row | outcome | reason | count |", "|---|---|---|---:|", *lines])


def _members(settings: _Settings) -> Iterator[str]:
    yield "`<key>.mp4`"
    yield "`<key>.json`"
    for section, member in (("flow", "`<key>.flow.npz`"), ("tracks", "`<key>.tracks.npz`")):
        if _is_on(settings, section):
            yield member


def _steps(settings: _Settings) -> Iterator[str]:
    """Yield one line a step, with the settings that matter to a reader."""
    if not settings:
        yield "The configuration is not part of this dataset."
        return
    side, detector, policy = (settings.get(name) for name in ("decode.short_side_px", "shots.detector", "clips.policy"))
    yield f"- decoded once, upright, square pixels, shorter side at most {side} px, BT.709"
    yield f"- divided into shots by `{detector}`"
    yield (
        f"- clips by policy `{policy}`, {settings.get('clips.min_seconds')} to {settings.get('clips.max_seconds')} s, "
        f"at most {settings.get('clips.max_fps')} frames a second, at a constant rate"
    )
    yield "- measured (motion, sharpness, exposure, freezes, bars, ...); what breaks a limit of `quality` is rejected"
    yield f"- H.264, CRF {settings.get('encode.crf')}, a key frame every {settings.get('encode.gop')} frames, no sound"
    if _is_on(settings, "flow"):
        yield f"- optical flow both ways by `{settings.get('flow.estimator')}`, with forward-backward residuals"
    if _is_on(settings, "tracks"):
        yield f"- point tracks chained from flow by `{settings.get('tracks.estimator')}`"


def _versions(card: DatasetCard, settings: _Settings) -> str:
    """Name the stages and their versions, if those of this densewalk are the ones that made the dataset."""
    try:
        made_by = from_mapping(PrepareConfig(), settings)
        versions = stage_versions(made_by)
        is_known = recipe_hash(made_by, versions) == card.recipe_hash
    except ConfigError:
        is_known = False
    if not is_known:
        return "The versions of the stages stand in the json of every clip, under `stages`."
    return f"Stages: {', '.join(f'{name} v{version}' for name, version in versions.items())}."


def _near_duplicates(settings: _Settings) -> str:
    if not settings.get("dedup.near"):
        return "Near-duplicates were not looked for." if settings else ""
    return (
        f"Of clips that show the same for {100 * settings['dedup.min_share']:g} % of their time (similarity "
        f"{settings['dedup.min_similarity']:g} or more), over the whole dataset, the one with more pixels is kept."
    )


def _held_out(settings: _Settings) -> str:
    held_out = settings.get("dedup.held_out") or []
    if not held_out:
        return "No evaluation videos were held out: before evaluating on videos, make sure that they are not in here."
    names = ", ".join(f"`{_last_part(str(name))}`" for name in held_out)
    return f"No clip shows what the held-out evaluation videos show: {names}."


def _settings(config_yaml: str) -> _Settings:
    try:
        content = yaml.safe_load(config_yaml)
    except yaml.YAMLError:
        return {}
    found = leaves(content) if isinstance(content, Mapping) else ()
    return {name: value for name, value in found if str(name).partition(".")[0] not in _LEFT_OUT}


def _is_on(settings: _Settings, section: str) -> bool:
    return bool(settings.get(f"{section}.enabled"))


def _shown(settings: _Settings) -> str:
    """Return the configuration as YAML, of every path its last part."""
    fields = {name: _without_folders(name, value) for name, value in settings.items()}
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True).rstrip() if settings else "# unknown"


def _without_folders(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_without_folders(name, item) for item in value]
    is_path = isinstance(value, str) and (name == "dedup.held_out" or value.startswith(("/", "~", "./", "../")))
    return _last_part(value) if is_path else value


def _last_part(path: str) -> str:
    return PurePath(path).name


def _shots(settings: _Settings) -> str:
    if settings.get("clips.policy") == "segments" and settings.get("clips.cuts_in_segments") == "keep":
        return "Clips are the segments that were asked for; they may reach over cuts, which `sources.parquet` names."
    return "No clip reaches over a cut or a gradual transition that was found." if settings else ""


def _computed(settings: _Settings) -> str:
    names = ["Shot boundaries", "scores", *(name for name in ("flow", "tracks") if _is_on(settings, name))]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _outcomes(counts: Mapping[str, int]) -> str:
    ended = [f"{count:,} {name}" for name, count in counts.items() if count]
    return f"{sum(counts.values()):,} = {' + '.join(ended)}" if ended else "none"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} hours" if seconds >= 3600 else f"{seconds / 60:,.1f} minutes"


def _size(num_bytes: int) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if num_bytes >= factor:
            return f"{num_bytes / factor:,.1f} {unit}"
    return f"{num_bytes / 1e3:,.1f} kB"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

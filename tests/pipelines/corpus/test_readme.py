"""The card of a dataset says what it holds, what hubs want to know, and nothing of the machine that made it."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from densewalk.datasets.config import resolve, to_yaml
from densewalk.datasets.dataset_card import DatasetCard
from densewalk.pipelines.chain import stage_versions
from densewalk.pipelines.corpus.readme import readme_text
from densewalk.pipelines.recipe import PrepareConfig, recipe_hash
from tests.made_datasets import MadeDataset

CARD = DatasetCard(
    num_clips=1234,
    num_sources=12,
    seconds=7200.0,
    bytes=3_000_000_000,
    recipe_hash="0123456789abcdef",
    licences={"CC-BY-4.0": 1000, "Own|terms": 34, "unknown": 200},
    source_outcomes={"written": 12, "rejected": 2, "failed": 1, "purged": 0},
    clip_outcomes={"written": 1234, "rejected": 3, "failed": 0, "purged": 0},
    shard_sha256={"clips-00000.tar": "ab"},
)


def front_matter(text: str) -> dict[str, object]:
    _, front, _ = text.split("---\n", 2)
    content = yaml.safe_load(front)
    assert isinstance(content, dict)
    return content


def test_hubs_find_licences_size_tags_and_where_clips_lie() -> None:
    front = front_matter(readme_text(CARD, to_yaml(resolve(PrepareConfig(), overrides=["flow.enabled=true"]))))
    assert front["license"] == ["cc-by-4.0", "other", "unknown"]
    assert front["size_categories"] == ["1K<n<10K"]
    assert "optical-flow" in front["tags"]
    assert "point-tracking" not in front["tags"]
    assert front["configs"][0] == {"config_name": "clips", "data_files": "shards/*.tar", "default": True}


@pytest.mark.parametrize(
    ("clips", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**7, "10M<n<100M"), (10**12, "1B<n<10B")]
)
def test_sizes_are_those_of_hubs(clips: int, size: str) -> None:
    assert front_matter(readme_text(replace(CARD, num_clips=clips), ""))["size_categories"] == [size]


def test_numbers_add_up_and_reasons_are_listed() -> None:
    reasons = {("clip", "rejected", "too short"): 3, ("source", "failed", "audio only"): 1}
    text = readme_text(CARD, to_yaml(PrepareConfig()), reasons)
    assert "1,234 clips, 2.0 hours in all, cut from 12 videos by densewalk: 3.0 GB of" in " ".join(text.split())
    assert "Videos handed in: 15 = 12 written + 2 rejected + 1 failed." in text
    assert "| Own\\|terms | 34 |" in text
    assert text.index("| source | failed | audio only | 1 |") < text.index("| clip | rejected | too short | 3 |")
    assert "query under *How to read it*" in readme_text(CARD, "")


def test_stages_are_named_when_they_are_the_ones_that_made_it() -> None:
    config = PrepareConfig()
    made = replace(CARD, recipe_hash=recipe_hash(config, stage_versions(config)))
    assert re.search(r"Stages: ingest v\d+, .*stow v\d+\.", readme_text(made, to_yaml(config)))
    assert "stand in the json of every clip" in readme_text(CARD, to_yaml(config))


def test_nothing_of_the_machine_is_told() -> None:
    overrides = ["sources=[/home/me/private]", "dedup.held_out=[/secret/davis/480p, eval/sintel]"]
    text = readme_text(CARD, to_yaml(resolve(PrepareConfig(), overrides=overrides)))
    assert not [word for word in ("private", "secret", "eval/", "user_agent", "shard_bytes") if word in text]
    assert "held-out evaluation videos show: `480p`, `sintel`" in text


def test_the_text_follows_the_configuration() -> None:
    keeping = resolve(PrepareConfig(), overrides=["clips.policy=segments", "clips.cuts_in_segments=keep"])
    assert "may reach over cuts" in readme_text(CARD, to_yaml(keeping))
    assert "No clip reaches over a cut" in readme_text(CARD, to_yaml(PrepareConfig()))
    alone = resolve(PrepareConfig(), overrides=["dedup.near=false"])
    assert "Near-duplicates were not looked for." in readme_text(CARD, to_yaml(alone))


@pytest.mark.parametrize(
    "config", ["", "no: [yaml", "- a list", "clips: {unknown_option: 3}", "flow: 3\nclips: null\n"]
)
def test_any_configuration_gives_a_card(config: str) -> None:
    empty = replace(CARD, num_clips=0, num_sources=0, licences={}, shard_sha256={})
    for card in (CARD, empty):
        text = readme_text(card, config)
        assert "$" not in text
        assert front_matter(text)


def test_the_code_in_it_reads_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = MadeDataset(sources=2, clips=2).write(tmp_path / "corpus")
    (code,) = re.findall(r"```python\n(.*?)```", readme_text(CARD, ""), re.DOTALL)
    code = code.replace("index[(index.motion > 5) & (index.height >= 256)]", "index")  # made clips have no scores
    code = code.replace("[0, 5]", "[0, 4]")
    monkeypatch.chdir(folder)
    scope: dict[str, object] = {}
    exec(code, scope)
    assert scope["frames"].shape == (2, 64, 64, 3)
    assert hashlib.sha256(scope["mp4"]).hexdigest() == scope["row"].sha256
    assert {clip["__key__"] for clip in scope["clips"]} == set(scope["index"].key)

"""The text of a dataset's README.md, with names to be filled in by `readme.py`."""

__all__ = ["TEMPLATE"]

TEMPLATE = """\
---
$front
---

# $clips of video for learning without labels

$clips, $hours in all, cut from $sources by densewalk: $size of H.264 in $shards of WebDataset. Every clip has a
constant frame rate and is named by the content of the video it comes from; with it come its place in that video, its
licence, and what was measured of it. $shots No clip carries sound, and nothing was annotated: labels, where there are
any, are those of the lists the videos came from.

It is meant for learning dense correspondence, tracking and representations from video alone, and for anything else
that needs many sound, deduplicated clips whose origin is known.

## Licences

A clip stands under the licence of its video. densewalk records what the source stated or what its user said, and does
not check it; `unknown` means that nobody said anything. Whether a use is allowed is for its user to decide.

$licences

## What is in it

| file | what |
|---|---|
| `shards/*.tar` | WebDataset shards with, for each clip, $members |
| `index.parquet` | a row a clip: shard, byte range, SHA-256 of its members, source, times, rate, licence, scores |
| `sources.parquet` | a row a decoded video: where it was found, SHA-256, codec, size, rate, cuts and transitions |
| `ledger.parquet` | a row a video handed in and a row a candidate clip: what became of it, and why |
| `signatures.parquet` | what near-duplicates of a clip are known by |
| `tombstones.parquet` | the same of clips that were removed, so that they do not come back |
| `rejected.tar` | pictures of some candidates that were rejected, with their reasons |
| `config.yaml`, `dataset.json` | the whole configuration; counts and the SHA-256 of every shard |

Keys are `<source id>-<first frame>-<end frame>`; a source id is the beginning of the SHA-256 of its file. In the json
beside each clip lie its lineage (uri and SHA-256 of the source, frames and seconds in it), its crop, its scores and the
versions of the stages that made it. Coordinates are pixels, x to the right, y down, centres of pixels at +0.5.

## How to read it

```python
# WebDataset
from glob import glob
import webdataset as wds
clips = wds.WebDataset(sorted(glob("shards/*.tar")), shardshuffle=100)   # dicts with "mp4" and "json" as bytes

# pandas: choose by scores, then read single clips by byte range
import pandas as pd
index = pd.read_parquet("index.parquet")
lively = index[(index.motion > 5) & (index.height >= 256)]
row = lively.iloc[0]
with open(f"shards/{row.shard}", "rb") as shard:
    shard.seek(row.offset)
    mp4 = shard.read(row.bytes)

# densewalk: checked on every read, exact frames
from pathlib import Path
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.video import read_frames
dataset = Dataset.open(Path("."))
frames = read_frames(dataset.read_clip(dataset.row(0)), [0, 5])   # uint8, 2 x height x width x RGB
```

```sql
-- DuckDB: why videos and candidates were not used
SELECT kind, outcome, reason, count(*) FROM 'ledger.parquet' WHERE reason <> '' GROUP BY ALL ORDER BY 4 DESC;
```

`densewalk inspect .` checks every byte against the tables; `densewalk report .` draws what is in it.

## How it was made

Recipe `$recipe`. The same videos under the same recipe give the same bytes, whatever the number of machines and
however often the work was interrupted.

$steps

$versions

<details><summary>Settings that shape clips</summary>

```yaml
$config
```

</details>

## What was left out, and why

Videos handed in: $source_outcomes. Candidate clips: $clip_outcomes.

$reasons

Files of equal content count once. $near_duplicates $held_out

## Having a video removed

Whoever holds rights in a video may ask those who distribute this dataset to remove it, naming its address, its file's
SHA-256 or the source id of a clip. `densewalk purge . --source ID` (or `--list FILE` for many) then removes its clips
and what was derived from them, rewrites only the shards concerned, remembers the video so that it does not come back,
and writes a certificate of what was removed. Copies that were passed on before are not reached by this; their holders
should repeat it.

## Limits

- The clips show what the videos show. Nobody has looked at all of them; people, places, texts and logos may be
  recognisable, and scenes may be unpleasant. Nothing was filtered by meaning.
- The choice of videos decides what is frequent and what is missing, and the limits on quality add a bias of their own:
  still, dark, blurred and very short shots are rarer here than in the wild.
- $computed were computed, not annotated, and are sometimes wrong.
- Near-duplicates that differ by more than a small crop, re-encoding, or a change of rate or size may remain.

This file is written anew whenever the dataset changes.
"""

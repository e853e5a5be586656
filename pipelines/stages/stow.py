"""Stow: the finished clips of a reel and the verdicts on all its candidates become one staged tar; its frames go.

A few pictures of rejected candidates are kept in a tar beside it.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from fractions import Fraction
from pathlib import Path

from densewalk.datasets.ledger import Verdict
from densewalk.datasets.quality import ClipQuality
from densewalk.datasets.records import ClipRow, Source
from densewalk.datasets.shards.tar import MemberPlace, write_shard
from densewalk.datasets.timing import display_end
from densewalk.pipelines.corpus.rejects import rejected_path, write_reel_rejections
from densewalk.pipelines.corpus.source_table import SourceRow
from densewalk.pipelines.corpus.staging import ReelOutcome, StagedClip, Staging, staged_name
from densewalk.pipelines.records import Candidate, Cutting, Reel, Refusal, ShotList, Staged
from densewalk.pipelines.spool import frame_seconds
from densewalk.pipelines.stage import Stage
from densewalk.pipelines.stages.flow import FLOW_FILE
from densewalk.pipelines.stages.tracks import TRACKS_FILE

__all__ = ["Stow"]

_COMPANIONS = (FLOW_FILE, TRACKS_FILE)
_PLACE = ("shard", "offset", "companions")


class Stow(Stage[Cutting, Staged]):
    """Writes what the folder of a reel holds of its clips into `staging` and removes the folder."""

    name = "stow"
    version = 1

    def __init__(self, staging: Staging, stage_versions: Mapping[str, int]) -> None:
        self.staging = staging
        self.stage_versions = dict(stage_versions)

    def __call__(self, records: Sequence[Cutting]) -> list[Staged]:
        """Return what was staged of each reel."""
        return [self._stow(cutting) for cutting in records]

    def _stow(self, cutting: Cutting) -> Staged:
        reel = cutting.shots.reel
        clips = tuple(self._write_tar(cutting)) if cutting.clips else ()
        write_reel_rejections(rejected_path(self.staging.tar_path(reel.source.id, _name(reel), reel.number)), cutting)
        outcome = ReelOutcome(
            source=reel.source,
            name=_name(reel),
            number=reel.number,
            is_last=reel.is_last,
            row=_source_row(cutting.shots, len(clips)),
            clips=clips,
            verdicts=(
                *(_clip_verdict(clip, reel.source) for clip in cutting.clips),
                *(_clip_verdict(clip, reel.source, refusal) for clip, refusal in cutting.rejected),
            ),
        )
        self.staging.put(outcome)
        shutil.rmtree(reel.folder)
        return Staged(
            source=reel.source,
            reel=reel.number,
            is_last=reel.is_last,
            num_clips=len(clips),
            seconds=reel.num_frames / reel.fps,
        )

    def _write_tar(self, cutting: Cutting) -> Iterator[StagedClip]:
        reel = cutting.shots.reel
        path = self.staging.tar_path(reel.source.id, _name(reel), reel.number)
        places: dict[str, list[MemberPlace]] = {}
        for place in write_shard(path, self._members(cutting)).places:
            places.setdefault(place.name.partition(".")[0], []).append(place)
        for clip in cutting.clips:
            mp4, *others = places[clip.key]
            companions = " ".join(f"{place.name.partition('.')[2]}={place.sha256}" for place in others)
            yield StagedClip(
                row=_row(clip, reel, mp4, shard=str(path.relative_to(self.staging.folder)), companions=companions),
                total_bytes=sum(place.bytes for place in places[clip.key]),
                signature=clip.signature,
            )

    def _members(self, cutting: Cutting) -> Iterator[tuple[str, bytes]]:
        reel = cutting.shots.reel
        for clip in cutting.clips:
            mp4 = (Path(reel.folder) / f"{clip.key}.mp4").read_bytes()
            place = MemberPlace(name="", offset=0, bytes=len(mp4), sha256=hashlib.sha256(mp4).hexdigest())
            yield f"{clip.key}.mp4", mp4
            yield f"{clip.key}.json", self._lineage(_row(clip, reel, place), reel.source)
            for extension in _COMPANIONS:
                companion = Path(reel.folder) / f"{clip.key}.{extension}"
                if companion.is_file():
                    yield companion.name, companion.read_bytes()

    def _lineage(self, row: ClipRow, source: Source) -> bytes:
        content = {name: value for name, value in asdict(row).items() if name not in _PLACE}
        content |= {"uri": source.uri, "source_sha256": source.sha256, "stages": self.stage_versions}
        return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def _name(reel: Reel) -> str:
    return staged_name(reel.source.uri, reel.source.licence, reel.source.label, reel.segments)


def _row(clip: Candidate, reel: Reel, mp4: MemberPlace, *, shard: str = "", companions: str = "") -> ClipRow:
    left, top, width, height = clip.crop_xywh
    return ClipRow(
        key=clip.key,
        shard=shard,
        offset=mp4.offset,
        bytes=mp4.bytes,
        sha256=mp4.sha256,
        source_id=reel.source.id,
        shot=clip.shot,
        start_seconds=clip.start_seconds,
        end_seconds=clip.end_seconds,
        start_frame=clip.interval[0],
        end_frame=clip.interval[1],
        frames=clip.frames,
        fps=float(Fraction(*clip.fps)),
        width=width,
        height=height,
        crop_x=left,
        crop_y=top,
        licence=reel.source.licence,
        label=clip.label or reel.source.label,
        companions=companions,
        **{field.name: getattr(clip.quality, field.name) for field in fields(ClipQuality)},
    )


def _clip_verdict(clip: Candidate, source: Source, refusal: Refusal | None = None) -> Verdict:
    return Verdict(
        kind="clip",
        id=clip.key,
        source_id=source.id,
        uri=source.uri,
        outcome=refusal.outcome if refusal else "written",
        reason=refusal.reason if refusal else "",
        detail=refusal.detail if refusal else "",
    )


def _source_row(shots: ShotList, num_clips: int) -> SourceRow:
    reel, source = shots.reel, shots.reel.source
    time_M = frame_seconds(reel)
    start = float(time_M[reel.lead])
    return SourceRow(
        **asdict(source),
        **asdict(reel.facts),
        width=reel.width,
        height=reel.height,
        frames=reel.num_frames,
        fps=reel.fps,
        start_seconds=start,
        seconds=display_end(time_M, reel.rate, reel.lead + reel.num_frames) - start,
        fault=reel.fault,
        cuts=shots.cuts,
        transition_starts=tuple(start for start, _ in shots.transitions),
        transition_ends=tuple(end for _, end in shots.transitions),
        clips=num_clips,
    )

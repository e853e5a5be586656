"""Every record names itself and its source, at whatever step of its way."""

import pytest

from densewalk.datasets.records import Source
from densewalk.pipelines.records import Cutting, Entry, Fetched, Held, Probed, Reel, ShotList, blamed, identity
from tests.known_reels import STREAM

SOURCE = Source(id="0" * 20, uri="/v.mp4", bytes=1, sha256="0" * 64)
ENTRY = Entry(uri="/v.mp4")
HELD = Held(source=SOURCE, path="/v.mp4")
REEL = Reel(
    source=SOURCE, facts=STREAM, folder="/f", number=3, num_frames=1, width=2, height=2, time_base=(1, 1), fps=1.0
)
SHOTS = ShotList(reel=REEL, cuts=(), transitions=(), shots=())


@pytest.mark.parametrize("record", [ENTRY, Fetched(entry=ENTRY, path="/v.mp4"), HELD, Probed(held=HELD, facts=STREAM)])
def test_a_video_is_named_by_its_uri(record: Entry | Fetched | Held | Probed) -> None:
    assert identity(record) == "/v.mp4"


@pytest.mark.parametrize("record", [REEL, SHOTS, Cutting(shots=SHOTS, clips=())])
def test_a_reel_is_named_by_its_number_too(record: Reel | ShotList | Cutting) -> None:
    assert identity(record) == f"/v.mp4 {SOURCE.id} 3"


def test_the_verdict_is_of_the_name_until_the_content_is_known() -> None:
    early, late = blamed(ENTRY, "why", "how"), blamed(REEL, "why", "how")
    assert early.is_of_name
    assert (late.id, late.uri, late.outcome, late.reason, late.detail) == (SOURCE.id, "/v.mp4", "failed", "why", "how")
    assert not late.is_of_name

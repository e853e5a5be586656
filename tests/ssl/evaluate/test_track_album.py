"""The album of followed points: what is kept, in which order, and the reasons in words."""

from pathlib import Path

import numpy as np
import pytest

from densewalk.ssl.evaluate import track_album
from densewalk.ssl.evaluate.notebook import FORGETFUL, Notebook
from densewalk.ssl.evaluate.track_album import TrackAlbum, why_points_were_lost
from densewalk.ssl.show.worst import WorstRow
from densewalk.ssl.track.tracks import Tracks

VIDEO = np.zeros((4, 24, 32, 3), np.uint8)


def _tracks(offset_px: float = 0.0, *, visible: bool = True, hidden_at_last: bool = False) -> Tracks:
    track_KT2 = np.full((3, 4, 2), 12.0)
    track_KT2[:, 2:, 0] += offset_px
    visible_KT = np.full((3, 4), visible)
    visible_KT[:, 3] &= not hidden_at_last
    return Tracks(track_KT2=track_KT2, visible_KT=visible_KT)


def test_the_worst_five_come_worst_first_and_equals_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[WorstRow]] = []

    def sheet(rows: list[WorstRow]) -> np.ndarray:
        shown.append(rows)
        return VIDEO[0]

    monkeypatch.setattr(track_album, "worst_sheet", sheet)
    album = TrackAlbum(Notebook(tmp_path))
    for number, score in enumerate([30.0, 5.0, 80.0, 5.0, 60.0, 90.0, 40.0]):
        album.add(f"v{number}", VIDEO, _tracks(), _tracks(), score=score, reason=f"reason {number}")
    album.close()
    assert [row.title for row in shown[0]] == ["v1: 5.0", "v3: 5.0", "v0: 30.0", "v6: 40.0", "v4: 60.0"]
    assert shown[0][0].reason == "reason 1"
    assert len(shown[0][0].frames) == len(VIDEO)


def test_nothing_is_drawn_for_a_notebook_that_forgets() -> None:
    album = TrackAlbum(FORGETFUL)
    album.add("a", VIDEO, _tracks(), _tracks(), score=0, reason="")
    album.close()
    assert FORGETFUL.pictures == {}


@pytest.mark.parametrize(
    ("predicted", "truth", "words"),
    [
        (_tracks(60), _tracks(), "3 of 3 points go more than 50 px astray, half of them by frame 2"),
        (_tracks(visible=False), _tracks(), "100 % of visible positions are taken for hidden"),
        (_tracks(), _tracks(hidden_at_last=True), "100 % of hidden positions are taken for visible"),
        (_tracks(20), _tracks(), "points drift: half are more than 20.0 px off"),
        (_tracks(3), _tracks(), "no grave fault: half are more than 3.0 px off"),
    ],
)
def test_the_gravest_fault_is_said_in_words(predicted: Tracks, truth: Tracks, words: str) -> None:
    judged_KT = np.broadcast_to(np.arange(4) > 1, (3, 4))
    assert why_points_were_lost(predicted, truth, judged_KT) == words
    assert why_points_were_lost(predicted, truth, np.zeros((3, 4), bool)) == "no point is visible"

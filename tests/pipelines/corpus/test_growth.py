"""Growing a dataset: what new clips are compared by."""

from densewalk.pipelines.corpus.closing import SourceOutcome
from densewalk.pipelines.corpus.growth import signed_clips
from densewalk.pipelines.corpus.staging import StagedClip
from tests.corpus_rows import a_clip, a_source, a_source_row


def _pixels(*, coded_wh: tuple[int, int], stored_wh: tuple[int, int], clip_wh: tuple[int, int]) -> int:
    source = a_source()
    row = a_clip(source, 0, width=clip_wh[0], height=clip_wh[1])
    outcome = SourceOutcome(
        source=source,
        row=a_source_row(
            source, coded_width=coded_wh[0], coded_height=coded_wh[1], width=stored_wh[0], height=stored_wh[1]
        ),
        clips=(StagedClip(row=row, total_bytes=1),),
        clip_verdicts=(),
    )
    (signed,) = signed_clips(outcome)
    return signed.pixels


def test_of_clips_stored_alike_the_one_of_the_larger_source_has_more_pixels() -> None:
    small = _pixels(coded_wh=(640, 360), stored_wh=(456, 256), clip_wh=(456, 256))
    large = _pixels(coded_wh=(1920, 1080), stored_wh=(456, 256), clip_wh=(456, 256))
    assert (small, large) == (640 * 360, 1920 * 1080)


def test_bars_that_were_cropped_away_are_no_pixels_and_turning_changes_nothing() -> None:
    assert _pixels(coded_wh=(1920, 1080), stored_wh=(456, 256), clip_wh=(456, 128)) == 1920 * 540
    assert _pixels(coded_wh=(1920, 1080), stored_wh=(256, 456), clip_wh=(256, 456)) == 1920 * 1080

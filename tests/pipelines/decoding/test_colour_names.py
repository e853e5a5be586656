"""Colour names: those that other stages decide by, and a fallback for numbers nobody knows."""

from densewalk.pipelines.decoding.colour_names import matrix_name, primaries_name, range_name, transfer_name


def test_numbers_have_the_names_that_ffmpeg_gives_them() -> None:
    assert [transfer_name(number) for number in (1, 16, 18, 2)] == ["bt709", "smpte2084", "arib-std-b67", "unknown"]
    assert [matrix_name(number) for number in (5, 9, 99)] == ["bt470bg", "bt2020nc", "unknown"]
    assert [primaries_name(number) for number in (9, 12, 0)] == ["bt2020", "smpte432", "unknown"]
    assert [range_name(number) for number in (0, 1, 2)] == ["unknown", "limited", "full"]

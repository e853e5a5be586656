"""densewalk track: any video, points from a grid, a mask or a file, a film and two tables; and what it refuses."""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames of 96 x 72 pixels, ten a second."""
    return _write(tmp_path_factory.mktemp("videos") / "a.mp4", 20)


def _write(path: Path, num_frames: int) -> Path:
    shade = np.random.default_rng(1).integers(0, 255, (72, 96, 3)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.height, stream.width, stream.pix_fmt = 72, 96, "yuv420p"
        for step in range(num_frames):
            frame_HWC = np.roll(shade, 2 * step, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_grid_is_tracked_filmed_and_written_down(
    small_run: Path, video: Path, tmp_path: Path, densewalk: Run
) -> None:
    out = tmp_path / "films" / "a.mp4"
    result = densewalk("track", small_run, video, "--out", out, "--grid", 4, "--seconds", 0.5, "--start", 0.5)
    assert result.exit_code == 0, result.output
    assert "tracking 5 frames of a.mp4" in result.stdout
    assert sorted(path.name for path in out.parent.iterdir()) == ["a.csv", "a.gif", "a.mp4", "a.npz"]
    with np.load(out.with_suffix(".npz")) as content:
        assert content["tracks"].shape == (12, 5, 2)
        assert content["frames"].tolist() == [5, 6, 7, 8, 9]
        assert content["tracks"][:, 0] == pytest.approx(content["queries"][:, 1:], abs=1e-3)


@pytest.mark.parametrize("mode", ["chained", "direct", "combined"])
def test_queries_of_a_file_are_tracked_both_ways_in_every_mode(
    mode: str, video: Path, tmp_path: Path, densewalk: Run
) -> None:
    queries = tmp_path / "queries.csv"
    queries.write_text("t,y,x\n2,30.5,40\n0,72,96\n")
    out = tmp_path / "a.mp4"
    result = densewalk(
        "track",
        "zero-motion",
        video,
        "--out",
        out,
        "--queries",
        queries,
        "--mode",
        mode,
        "--stride",
        2,
        "--seconds",
        0.4,
    )
    assert result.exit_code == 0, result.output
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4
    asked = [row for row in rows if (row["point"], row["frame"]) in (("0", "2"), ("1", "0"))]
    assert [(float(row["x"]), float(row["y"]), row["visible"]) for row in asked] == [(40, 30.5, "1"), (96, 72, "1")]


def test_a_mask_says_where_points_are(video: Path, tmp_path: Path, densewalk: Run) -> None:
    mask_HW = np.zeros((36, 48), np.uint8)
    mask_HW[9:27, 12:36] = 1
    Image.fromarray(mask_HW).save(tmp_path / "mask.png")
    out = tmp_path / "a.mp4"
    result = densewalk(
        "track", "zero-motion", video, "--out", out, "--mask", tmp_path / "mask.png", "--grid", 4, "--seconds", 0.2
    )
    assert result.exit_code == 0, result.output
    with np.load(out.with_suffix(".npz")) as content:
        assert content["queries"].tolist() == [[0, x, y] for y in (24, 36, 48) for x in (30, 42, 54, 66)]


def test_a_video_of_one_frame_gives_the_queries_themselves(tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "film.mp4"
    result = densewalk("track", "zero-motion", _write(tmp_path / "still.mp4", 1), "--out", out, "--grid", 2)
    assert result.exit_code == 0, result.output
    with np.load(out.with_suffix(".npz")) as content:
        assert content["tracks"][:, 0] == pytest.approx(content["queries"][:, 1:], abs=1e-3)
        assert content["visible"].all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "film.avi"], "does not end in .mp4"),
        (["--out", "{video}"], "would replace"),
        (["--out", "q.mp4", "--queries", "q.csv"], "would replace"),
        (["--queries", "q.csv", "--grid", "3"], "leave out --grid"),
        (["--queries", "q.csv", "--mask", "empty.png"], "leave out --grid"),
        (["--queries", "outside.csv"], "query 1 asks for frame 3 at (97, 5); the video has 96 x 72 pixels"),
        (["--queries", "late.csv"], "its frames 0 to 19 are tracked (--start, --seconds)"),
        (["--queries", "none.csv"], "no file of queries"),
        (["--mask", "empty.png"], "is empty"),
        (["--mask", "none.png"], "no mask at"),
        (["--mode", "chain"], "'chain' is not one of 'chained', 'direct', 'combined'"),
        (["--stride", "3"], "choose 4, 2, 1"),
        (["--grid", "0"], "--grid 0"),
        (["--start", "99"], "lower --start"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str],
    said: str,
    video: Path,
    tmp_path: Path,
    densewalk: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.csv").write_text("frame,x,y\n0,5,5\n")
    Path("outside.csv").write_text("frame,x,y\n0,5,5\n3,97,5\n")
    Path("late.csv").write_text("frame,x,y\n20,5,5\n")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("empty.png")
    before = sorted(tmp_path.iterdir())
    out = [] if "--out" in arguments else ["--out", "film.mp4"]
    result = densewalk("track", "zero-motion", video, *(text.format(video=video) for text in arguments), *out)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("name", "said"), [("none.mp4", "no video file at"), ("text.mp4", "cannot track")])
def test_what_is_no_video_is_refused(name: str, said: str, tmp_path: Path, densewalk: Run) -> None:
    (tmp_path / "text.mp4").write_text("not a film")
    result = densewalk("track", "zero-motion", tmp_path / name, "--out", tmp_path / "film.mp4")
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["decord__video_90.mov", "firefox-src__pixel_aspect_ratio.mp4"])
def test_odd_videos_are_tracked_in_their_own_pixels(name: str, real_data: Path, tmp_path: Path, densewalk: Run) -> None:
    out = tmp_path / "film.mp4"
    source = real_data / "videos" / "odd" / name
    result = densewalk("track", "zero-motion", source, "--out", out, "--grid", 3, "--seconds", 0.2)
    assert result.exit_code == 0, result.output
    with av.open(str(source)) as container:
        frame = next(container.decode(video=0))
        size_wh = (frame.width, frame.height)
        upright_wh = size_wh[::-1] if frame.rotation % 180 else size_wh
    with np.load(out.with_suffix(".npz")) as content:
        assert tuple(content["size_wh"]) == upright_wh

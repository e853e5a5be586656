"""A written film decodes to what was put in, starts at once in a browser, and a GIF keeps to its budget."""

from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from densewalk.datasets.errors import ConfigError
from densewalk.ssl.show.film import gif_bytes, mp4_bytes, write_gif, write_mp4


def moving_square(num_frames: int = 12, height: int = 64, width: int = 96) -> np.ndarray:
    video = np.zeros((num_frames, height, width, 3), np.uint8)
    video[:] = np.linspace(40, 160, width)[None, None, :, None].astype(np.uint8)
    for t in range(num_frames):
        video[t, 20:40, 4 + 5 * t : 24 + 5 * t] = (220, 60, 40)
    return video


def decoded(path: Path) -> tuple[np.ndarray, av.VideoFrame, float]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        rate = float(container.streams.video[0].average_rate)
    return np.stack([f.to_ndarray(format="rgb24") for f in frames]), frames[0], rate


def test_an_mp4_decodes_to_the_same_frames_size_rate_and_colours(tmp_path: Path) -> None:
    video = moving_square()
    write_mp4(tmp_path / "film.mp4", video, fps=12.5)
    back, first, rate = decoded(tmp_path / "film.mp4")
    assert back.shape == video.shape
    assert rate == 12.5
    assert first.format.name == "yuv420p"
    assert np.abs(back.astype(int) - video).mean() < 3
    flat = np.abs(back[:, 26:34, :2].astype(int) - video[:, 26:34, :2])
    assert flat.max() <= 6
    for t in range(len(video)):
        assert np.abs(back[t, 30, 14 + 5 * t].astype(int) - (220, 60, 40)).max() <= 8


def test_an_odd_side_is_extended_by_one(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", moving_square(3, 33, 47), fps=10)
    assert decoded(tmp_path / "film.mp4")[0].shape == (3, 34, 48, 3)


def test_bytes_are_those_of_the_file(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", moving_square(), fps=10)
    assert mp4_bytes(moving_square(), fps=10) == (tmp_path / "film.mp4").read_bytes()


def test_an_mp4_has_its_index_before_its_data_and_stable_bytes(tmp_path: Path) -> None:
    contents = set()
    for _ in range(12):
        write_mp4(tmp_path / "film.mp4", moving_square(), fps=30000 / 1001)
        contents.add((tmp_path / "film.mp4").read_bytes())
    content = contents.pop()
    assert not contents
    assert content.index(b"moov") < content.index(b"mdat")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_gif_shows_every_frame_for_its_time_with_close_colours(tmp_path: Path) -> None:
    video = moving_square()
    write_gif(tmp_path / "film.gif", video, fps=12.5)
    with Image.open(tmp_path / "film.gif") as gif:
        assert (gif.size, gif.n_frames, gif.info["duration"], gif.info["loop"]) == ((96, 64), 12, 80, 0)
        for t in range(12):
            gif.seek(t)
            back = np.array(gif.convert("RGB")).astype(int)
            assert np.abs(back - video[t]).mean() < 6
            assert np.abs(back[30, 14 + 5 * t] - (220, 60, 40)).max() <= 12


def test_a_gif_stays_within_its_budget_by_giving_up_quality() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (10, 80, 120, 3), dtype=np.uint8)
    full = len(gif_bytes(noise, fps=10))
    for share in (0.6, 0.2, 0.05):
        content = gif_bytes(noise, fps=10, max_bytes=int(full * share))
        assert len(content) <= full * share
        with Image.open(BytesIO(content)) as gif:
            assert abs(gif.width / gif.height - 1.5) < 0.1


def test_a_budget_that_cannot_be_kept_names_the_option() -> None:
    with pytest.raises(ConfigError, match="max_bytes=100"):
        gif_bytes(moving_square(), fps=10, max_bytes=100)


def test_rare_saturated_colours_keep_their_hue_in_a_gif() -> None:
    rng = np.random.default_rng(1)
    video = np.repeat(rng.integers(60, 160, (4, 96, 96, 1), dtype=np.uint8), 3, axis=-1)
    colours = [(255, 40, 40), (40, 220, 60), (60, 90, 255), (240, 220, 40)]
    for n, colour in enumerate(colours):
        video[:, 10 + 20 * n : 13 + 20 * n, 40:43] = colour
    with Image.open(BytesIO(gif_bytes(video, fps=10))) as gif:
        back = np.array(gif.convert("RGB")).astype(int)
    for n, colour in enumerate(colours):
        assert np.abs(back[11 + 20 * n, 41] - colour).max() < 40

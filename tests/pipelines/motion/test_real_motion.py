"""Flow and tracks of real pictures: what DIS finds survives its encodings, and tracks stay on what they began on."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from densewalk.datasets.motion.consistency import occlusion, pixel_residual
from densewalk.datasets.motion.flow_code import FLOW_CODES, decode_field, encode_field, field_range
from densewalk.datasets.motion.flow_file import read_flow
from densewalk.datasets.motion.track_file import read_tracks
from densewalk.datasets.readers.flow import FLOW_SETS
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.motion.estimators import load_estimator
from densewalk.pipelines.stages.flow import Flow, FlowConfig
from densewalk.pipelines.stages.tracks import Tracks, TracksConfig
from densewalk.ssl.metrics.flow import endpoint_error, warp_difference
from tests.filmed_scene import film

pytestmark = pytest.mark.real_data


def first_frames(file: Path, num_frames: int, short_side: int) -> np.ndarray:
    frames = []
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            scale = short_side / min(frame.width, frame.height)
            size_wh = tuple(2 * round(side * scale / 2) for side in (frame.width, frame.height))
            frames.append(cv2.resize(frame.to_ndarray(format="rgb24"), size_wh, interpolation=cv2.INTER_AREA))
            if len(frames) == num_frames:
                break
    return np.stack(frames)


def test_errors_of_dis_on_flying_chairs_are_not_those_of_storing_it(real_data: Path) -> None:
    pair = FLOW_SETS["chairs"].open(real_data / "flow_flyingchairs", "all")[0]
    forth, back = load_estimator("dis", "flow.estimator")(pair.first_HWC, pair.second_HWC)
    true_2HW, known_HW = pair.truth.flow_2HW, pair.truth.known_HW
    error_HW = endpoint_error(forth, true_2HW)
    bare = error_HW[known_HW].mean()
    hidden_HW = occlusion(pixel_residual(forth, back))
    assert np.median(error_HW[known_HW]) < 1
    # Large motion of small things is beyond DIS; what does not come back is where it is wrong.
    assert error_HW[known_HW & ~hidden_HW].mean() < 0.6 * np.hypot(*true_2HW)[known_HW].mean()
    assert error_HW[known_HW & hidden_HW].mean() > 3 * error_HW[known_HW & ~hidden_HW].mean()
    for code in FLOW_CODES:
        stored = encode_field(forth, code, quality=95)
        read_2HW = decode_field(stored, code, forth.shape[1:], field_range(forth))
        assert abs(endpoint_error(read_2HW, true_2HW)[known_HW].mean() - bare) < 0.05 * bare
        truth_stored = encode_field(true_2HW, code, quality=95)
        truth_read_2HW = decode_field(truth_stored, code, true_2HW.shape[1:], field_range(true_2HW))
        assert endpoint_error(truth_read_2HW, true_2HW).mean() < {"jpeg": 0.25, "png16": 0.012, "fp16": 0.006}[code]


def test_stored_motion_of_a_real_clip_explains_its_frames(real_data: Path, tmp_path: Path) -> None:
    frames_THWC = first_frames(real_data / "videos" / "clips" / "co-tracker__bear.mp4", 10, 128)
    cutting = film(frames_THWC, tmp_path)
    list(InProcessEngine().run([Flow(FlowConfig()), Tracks(TracksConfig(starts_per_frame=30))], [cutting]))
    key = cutting.clips[0].key
    fields = read_flow(tmp_path / f"{key}.flow.npz")
    still_2HW = np.zeros((2, *frames_THWC.shape[1:3]), np.float32)
    for source, target in ((0, 6), (6, 0)):
        pair, visible_HW = (frames_THWC[source], frames_THWC[target]), fields.visible(source, target)
        assert 0.6 < visible_HW.mean() < 1
        moved = warp_difference(*pair, fields.flow(source, target))[visible_HW].mean()
        assert moved < 0.5 * warp_difference(*pair, still_2HW)[visible_HW].mean()
    tracks = read_tracks(tmp_path / f"{key}.tracks.npz")
    cut = tracks.cut()
    assert cut.alive_KT.sum(1).mean() > 4
    first = np.arange(len(tracks)), tracks.start_K
    last = np.arange(len(tracks)), cut.last_frame_K
    colour_K3, later_K3 = (colours_at(frames_THWC, at[1], cut.point_KT2[at]) for at in (first, last))
    stayed_K3 = colours_at(frames_THWC, last[1], cut.point_KT2[first])
    assert np.abs(later_K3 - colour_K3).mean() < 0.6 * np.abs(stayed_K3 - colour_K3).mean()


def colours_at(frames_THWC: np.ndarray, frame_K: np.ndarray, point_K2: np.ndarray) -> np.ndarray:
    """Colours of the pixels that points lie in."""
    height, width = frames_THWC.shape[1:3]
    column_K, row_K = np.clip(point_K2.astype(int), 0, (width - 1, height - 1)).T
    return frames_THWC[frame_K, row_K, column_K].astype(float)

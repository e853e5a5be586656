"""Tracks of TAP-Vid-Kubric against a scene of which everything is known."""

import numpy as np
import pytest

from densewalk.datasets.readers.clips.kubric_points import KubricTracks, draw_tracks, read_kubric_tracks, share_tracks
from densewalk.datasets.readers.clips.kubric_points_camera import rotations, world_from_box
from densewalk.datasets.readers.clips.kubric_points_visibility import rough_normals
from tests.boxes_in_space import BoxScene, turn
from tests.datasets.readers.clips.conftest import MadeMovi


def _world(made: BoxScene, tracks: KubricTracks) -> np.ndarray:
    """Where the surfaces of the queries truly are at every frame."""
    world = np.empty((*tracks.visible_KT.shape, 3))
    for row, (frame, x, y) in enumerate(tracks.query_K3.astype(int)):
        shown, number = made.frames[frame], tracks.object_K[row]
        for target in range(made.num_frames):
            world[row, target] = (
                made.world(number - 1, shown.place[y, x] - 0.5, target) if number else shown.world[y, x]
            )
    return world


def test_tracks_follow_their_surfaces(movi: MadeMovi) -> None:
    for clip, made in enumerate(movi.scenes):
        tracks = draw_tracks(movi.open().scene(clip), seed=clip)
        world = _world(made, tracks)
        true = np.stack([made.project(world[:, frame], frame) for frame in range(made.num_frames)], axis=1)
        assert np.abs(tracks.track_KT2 - true).max() < 0.01
        seen = np.stack([made.sees(world[:, frame], frame) for frame in range(made.num_frames)], axis=1)
        assert (seen == tracks.visible_KT).mean() > 0.97
        assert (seen & ~tracks.visible_KT).mean() < 0.01
        count = np.arange(len(tracks.query_K3))
        frame_K = tracks.query_K3[:, 0].astype(int)
        assert np.abs(tracks.track_KT2[count, frame_K] - tracks.query_K3[:, 1:]).max() < 0.01
        assert tracks.visible_KT[count, frame_K].all()


def test_tracks_are_a_function_of_the_seed(movi: MadeMovi) -> None:
    first, again, other = (draw_tracks(movi.open().scene(0), num_tracks=20, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.query_K3, again.query_K3)
    assert np.array_equal(first.track_KT2, again.track_KT2)
    assert not np.array_equal(first.query_K3, other.query_K3)


def test_queries_are_distinct_pixels_of_one_grid(movi: MadeMovi) -> None:
    scene = movi.open().scene(1)
    tracks = draw_tracks(scene, seed=1)
    frame_K, x_K, y_K = tracks.query_K3.T
    assert len(np.unique(tracks.query_K3, axis=0)) == len(tracks.query_K3)
    assert all(len(np.unique((axis - 0.5) % 4)) == 1 for axis in (x_K, y_K))
    segment_THW = scene.segmentation(range(6))
    assert np.array_equal(segment_THW[frame_K.astype(int), y_K.astype(int), x_K.astype(int)], tracks.object_K)


def test_objects_share_the_tracks_and_small_ones_leave_theirs() -> None:
    assert share_tracks(np.array([8000, 8000, 8000, 8000]), 256).tolist() == [64] * 4
    assert share_tracks(np.array([20000, 0, 100, 5000]), 256).tolist() == [123, 0, 10, 123]
    assert share_tracks(np.array([300, 30]), 256).tolist() == [30, 3]


def test_scenes_are_read_as_tracked_videos(movi: MadeMovi) -> None:
    videos = list(read_kubric_tracks(movi.open(), num_tracks=30, seed=2))
    assert [video.name for video in videos] == list(movi.open().table.keys)
    for video, made in zip(videos, movi.scenes, strict=True):
        assert np.array_equal(video.video_THWC[3], made.picture(3))
        assert video.query_K3 is not None
        assert video.track_KT2.shape == (len(video.query_K3), 6, 2)


def test_boxes_and_quaternions_mean_what_kubric_means() -> None:
    rng = np.random.default_rng(0)
    quaternion = rng.normal(size=(5, 4))
    for one in quaternion:
        assert np.allclose(rotations(one), turn(one / np.linalg.norm(one)))
    made = BoxScene(4)
    place = rng.uniform(-0.5, 0.5, (7, 3))
    maps_KT34 = world_from_box(made.corners())
    found = place @ maps_KT34[1, 3, :, :3].T + maps_KT34[1, 3, :, 3]
    assert np.allclose(found, made.world(1, place, 3))


def test_a_camera_returns_what_it_projects(movi: MadeMovi) -> None:
    camera, made = movi.open().scene(0).camera, movi.scenes[0]
    rng = np.random.default_rng(1)
    point_N2, distance_N, frame_N = rng.uniform(0, 64, (50, 2)), rng.uniform(1, 20, 50), rng.integers(0, 6, 50)
    world_N3 = camera.unproject(point_N2, distance_N, frame_N)
    back_N2, reach_N, in_front_N = camera.project(world_N3, frame_N)
    assert np.allclose(back_N2, point_N2)
    assert np.allclose(reach_N, distance_N)
    assert in_front_N.all()
    assert np.allclose(made.project(world_N3[:1], int(frame_N[0])), point_N2[:1], atol=1e-4)
    behind_N3 = 2 * camera.position_T3[frame_N] - world_N3
    assert not camera.project(behind_N3, frame_N)[2].any()


@pytest.mark.parametrize(("bumps", "is_rough"), [(0, False), (2, False), (3, True)])
def test_normals_are_rough_where_three_diagonal_neighbours_differ(bumps: int, is_rough: bool) -> None:
    normal_THW3 = np.zeros((1, 5, 5, 3))
    normal_THW3[..., 2] = 1
    for y, x in [(1, 1), (1, 3), (3, 1)][:bumps]:
        normal_THW3[0, y, x] = [1, 0, 0]
    assert rough_normals(normal_THW3)[0, 2, 2] == is_rough

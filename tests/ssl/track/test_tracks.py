"""Tracks and their rasters."""

import numpy as np

from densewalk.ssl.track.tracks import Tracks


def test_scaling_moves_points_to_another_raster_and_keeps_visibility() -> None:
    rng = np.random.default_rng(8)
    tracks = Tracks(track_KT2=rng.uniform(0, 64, (2, 3, 2)), visible_KT=rng.random((2, 3)) < 0.5)
    scaled = tracks.scaled((2.0, 0.5))
    assert np.allclose(scaled.track_KT2, tracks.track_KT2 * np.array((2.0, 0.5)))
    assert np.array_equal(scaled.visible_KT, tracks.visible_KT)

"""Scene settings refuse what cannot be drawn, naming every mistaken field."""

import pytest

from densewalk.datasets.config import from_mapping, resolve, to_mapping
from densewalk.datasets.errors import ConfigError
from densewalk.datasets.scenes.config import SceneConfig


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        SceneConfig(height=4, num_frames=0, fps=0.0, num_layers=(3, 2), brightness_drift=1.0, max_speed_px=-1.0)
    for field in ("height", "num_frames", "fps", "num_layers", "brightness_drift", "max_speed_px"):
        assert f"scenes.{field}" in str(error.value)


@pytest.mark.parametrize("radius", [(0.0, 0.2), (0.3, 0.2), (0.5, 1.5)])
def test_a_radius_outside_the_frame_is_refused(radius: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="layer_radius"):
        SceneConfig(layer_radius=radius)


def test_settings_survive_being_written_and_overridden() -> None:
    config = SceneConfig(height=64, num_layers=(1, 3))
    assert from_mapping(SceneConfig(), to_mapping(config)) == config
    assert resolve(config, overrides=["num_layers=[2, 6]", "max_speed_px=2"]).num_layers == (2, 6)

"""Settings of generated scenes."""

from dataclasses import dataclass

from densewalk.datasets.config import require

__all__ = ["SceneConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneConfig:
    """Size, content and motion of a generated scene."""

    height: int = 96
    """Rows, pixels."""
    width: int = 96
    """Columns, pixels."""
    num_frames: int = 8
    """Frames of a clip; motion returns, so long clips stay populated."""
    fps: float = 12.0
    """Frames a second, for plans that speak of seconds (MOVi-E: 12)."""
    num_layers: tuple[int, int] = (2, 4)
    """Fewest and most moving objects in front of the background."""
    layer_radius: tuple[float, float] = (0.14, 0.28)
    """Range of an object's radius as a share of the shorter side."""
    max_speed_px: float = 6.0
    """Fastest an object's centre moves, pixels a frame."""
    max_background_speed_px: float = 5.5
    """Fastest the background moves at the centre of the frame, pixels a frame."""
    max_rotation_degrees: float = 5.0
    """Fastest an object turns, degrees a frame; the background turns at most a quarter as fast."""
    max_scale_rate: float = 0.04
    """Fastest an object grows, share of its size a frame, for each of its axes; the background a quarter of it."""
    brightness_drift: float = 0.25
    """Strength of the light that drifts over the frame with time, as a share of the brightness; 0 keeps colours."""

    def __post_init__(self) -> None:
        (low_layers, high_layers), (low_radius, high_radius) = self.num_layers, self.layer_radius
        rates = ("max_speed_px", "max_background_speed_px", "max_rotation_degrees", "max_scale_rate")
        require(
            min(self.height, self.width) < 16
            and f"scenes.height={self.height}, scenes.width={self.width}: use at least 16 pixels",
            self.num_frames < 1 and f"scenes.num_frames={self.num_frames} must be at least 1",
            self.fps <= 0 and f"scenes.fps={self.fps} must be positive",
            not 0 <= low_layers <= high_layers <= 200
            and f"scenes.num_layers={self.num_layers} is not a range within 0-200",
            not 0 < low_radius <= high_radius <= 1
            and f"scenes.layer_radius={self.layer_radius} is not a range within (0, 1]",
            not 0 <= self.brightness_drift < 1 and f"scenes.brightness_drift={self.brightness_drift} must be in [0, 1)",
            *(
                getattr(self, rate) < 0 and f"scenes.{rate}={getattr(self, rate)} must not be negative"
                for rate in rates
            ),
        )

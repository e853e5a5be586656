"""One scene of MOVi: its layers by frame, its camera and its objects, as numbers rather than as they are stored.

What is stored (kubric's challenges/movi/movi_e.py; TFDS's core/example_serializer.py for names and nesting):

    video, normal, object_coordinates, segmentations, depth    PNG, one a frame
    forward_flow, backward_flow          uint16 as integers, (row, column), in the range metadata/<name>_range
    camera/{focal_length, sensor_width, positions, quaternions}    instances/{bboxes_3d, quaternions, ...}

Distance is depth_range[0] + depth / 65535 (depth_range[1] - depth_range[0]); flow alike; normals are 2 n / 65535 - 1.
Kubric's flow is (row, column) and both fields follow time (kubric/renderer/blender_utils.py, issue 152): backward flow
is the motion that led here from the frame before. It is converted here, and nowhere else, to (x, y) and the way back.

Shapes: T frames, H W rows and columns, K objects, 2 = (x, y).
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from densewalk.datasets.errors import DataError
from densewalk.datasets.readers.clips.kubric_points_camera import KubricCamera, rotations
from densewalk.datasets.readers.clips.movi_pictures import decode_png
from densewalk.datasets.readers.clips.tfrecord_example import ExampleReader

__all__ = ["MoviScene"]

_FULL = 65535


class MoviScene:
    """A record of MOVi; every layer is read when asked for. Raises `DataError` naming record and layer on damage."""

    def __init__(self, example: ExampleReader) -> None:
        self._example = example
        self._flows: dict[str, np.ndarray] = {}
        self.num_frames, height, width = (
            self._number(f"metadata/{name}") for name in ("num_frames", "height", "width")
        )
        self.size_hw = (height, width)
        """Rows and columns."""
        if min(self.num_frames, height, width) < 1:
            raise DataError(f"{example.where} says of itself {self.num_frames} frames of {width} x {height} pixels")

    @property
    def name(self) -> str:
        """The scene's own name, which is unique in its split only."""
        return self._example.item("metadata/video_name", 0).decode("utf-8", "replace")

    def video(self, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w 3"]:
        """Return frames as RGB 0-255."""
        return self._pictures("video", frames, 3, np.uint8)

    def segmentation(self, frames: Sequence[int]) -> UInt8[np.ndarray, "t h w"]:
        """Return the number of each pixel's object, from 1 on; 0 is the background."""
        return self._pictures("segmentations", frames, 1, np.uint8)[..., 0]

    def depth(self, frames: Sequence[int]) -> Float32[np.ndarray, "t h w"]:
        """Return the distance of each pixel's surface from the camera's centre, in metres of the scene."""
        low, high = self._range("depth_range")
        stored = self._pictures("depth", frames, 1, np.uint16)[..., 0]
        return (low + stored * ((high - low) / _FULL)).astype(np.float32)

    def object_coordinates(self, frames: Sequence[int]) -> Float32[np.ndarray, "t h w 3"]:
        """Return where in its object's box a pixel's surface lies, -1/2 to 1/2 each; the background's mean nothing."""
        stored = self._pictures("object_coordinates", frames, 3, np.uint16)
        return stored.astype(np.float32) / _FULL - 0.5

    def normals(self, frames: Sequence[int]) -> Float32[np.ndarray, "t h w 3"]:
        """Return the surface normals in world axes."""
        return self._pictures("normal", frames, 3, np.uint16).astype(np.float32) * (2 / _FULL) - 1

    def forward_flow(self, frame: int) -> Float32[np.ndarray, "2 h w"]:
        """Return the rendered displacement of every pixel to the next frame; the last frame's leads beyond the clip."""
        return self._flow("forward_flow", frame)

    def backward_flow(self, frame: int) -> Float32[np.ndarray, "2 h w"]:
        """Return the rendered displacement of every pixel to the frame before, beyond the clip for the first one."""
        return -self._flow("backward_flow", frame)

    @cached_property
    def camera(self) -> KubricCamera:
        """The camera at every frame."""
        focal, sensor = (self._floats(f"camera/{name}", (1,))[0] for name in ("focal_length", "sensor_width"))
        return KubricCamera(
            focal=float(focal / sensor),
            position_T3=self._floats("camera/positions", (self.num_frames, 3)),
            rotation_T33=rotations(self._floats("camera/quaternions", (self.num_frames, 4))),
            size_hw=self.size_hw,
        )

    def boxes(self, num_objects: int) -> Float64[np.ndarray, "k t 8 3"]:
        """Return the corners of every object's box in the world; row k is object number k + 1 of the segmentation.

        Raises `DataError` when there are fewer boxes than `num_objects`.
        """
        box_KT83 = self._floats("instances/bboxes_3d", (-1, self.num_frames, 8, 3))
        if len(box_KT83) < num_objects or len(box_KT83) != len(self.rotation_KT33):
            raise DataError(
                f"{self._example.where} shows object {num_objects}, and has {len(box_KT83)} boxes and "
                f"{len(self.rotation_KT33)} rotations; the file is damaged"
            )
        return box_KT83

    @cached_property
    def rotation_KT33(self) -> Float64[np.ndarray, "k t 3 3"]:  # noqa: N802
        """From every object's axes to the world's."""
        return rotations(self._floats("instances/quaternions", (-1, self.num_frames, 4)))

    def _number(self, name: str) -> int:
        values = self._example.integers(name)
        if len(values) != 1:
            raise DataError(f"{self._example.where}: {name} has {len(values)} values; expected one")
        return int(values[0])

    def _floats(self, name: str, shape: tuple[int, ...]) -> Float64[np.ndarray, "..."]:
        values = self._example.floats(name).astype(np.float64)
        try:
            array = values.reshape(shape)
        except ValueError:
            raise DataError(f"{self._example.where}: {name} has {len(values)} values; expected {shape}") from None
        if not np.isfinite(array).all():
            raise DataError(f"{self._example.where}: {name} holds values that are not finite; the file is damaged")
        return array

    def _range(self, name: str) -> tuple[float, float]:
        low, high = self._floats(f"metadata/{name}", (2,))
        return float(low), float(high)

    def _pictures(
        self, layer: str, frames: Sequence[int], channels: int, dtype: type[np.uint8] | type[np.uint16]
    ) -> np.ndarray:
        where = f"{layer} of {self._example.where}"
        if (count := self._example.count(layer)) != self.num_frames:
            raise DataError(f"{where} has {count} frames; expected {self.num_frames}")
        return np.stack(
            [
                decode_png(self._example.item(layer, frame), self.size_hw, channels, dtype, f"frame {frame} of {where}")
                for frame in frames
            ]
        )

    def _flow(self, name: str, frame: int) -> Float32[np.ndarray, "2 h w"]:
        if not 0 <= frame < self.num_frames:
            raise DataError(f"{self._example.where} has {self.num_frames} frames; there is no frame {frame}")
        if name not in self._flows:
            shape = (self.num_frames, *self.size_hw, 2)
            values = self._example.integers(name)
            if values.size != np.prod(shape) or values.min() < 0 or values.max() > _FULL:
                raise DataError(f"{self._example.where}: {name} has {values.size} values; expected {shape} of 16 bits")
            self._flows[name] = values.astype(np.uint16).reshape(shape)
        low, high = self._range(f"{name}_range")
        flow_HW2 = (low + self._flows[name][frame] * ((high - low) / _FULL)).astype(np.float32)
        return np.ascontiguousarray(flow_HW2[..., ::-1].transpose(2, 0, 1))

"""A scene of boxes that move and turn over a floor under a dome, cast ray by ray, with everything known of it.

Written from the geometry alone: nothing here comes from the readers that it tests.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_DOME_RADIUS = 25.0


def turn(quaternion: np.ndarray) -> np.ndarray:
    """Rotate by q v q* for each axis; w comes first."""
    w, v = quaternion[0], quaternion[1:]
    return np.stack([e + 2 * np.cross(v, np.cross(v, e) + w * e) for e in np.eye(3)], axis=1)


def _quaternion(axis: np.ndarray, angle: float) -> np.ndarray:
    return np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * axis / np.linalg.norm(axis)])


def _from_matrix(m: np.ndarray) -> np.ndarray:
    """The eigenvector of the largest eigenvalue of Bar-Itzhack's matrix."""
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], np.trace(m)],
        ]
    )
    x, y, z, w = np.linalg.eigh(k)[1][:, -1]
    return np.array([w, x, y, z])


@dataclass(frozen=True)
class Shown:
    """What one frame shows."""

    segment: np.ndarray
    distance: np.ndarray
    place: np.ndarray
    """In the box, 0 to 1."""
    normal: np.ndarray
    world: np.ndarray


class BoxScene:
    """Frames of `side` x `side` pixels; object k + 1 is box k."""

    focal, sensor = 35.0, 32.0

    def __init__(self, seed: int, *, num_frames: int = 6, side: int = 64, boxes: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.num_frames, self.side, self.num_boxes = num_frames, side, boxes
        start = np.array([7.0, -4.0, 4.0]) + rng.uniform(-0.5, 0.5, 3)
        step = rng.uniform(-0.15, 0.15, 3)
        self.camera_position = start + np.arange(num_frames)[:, None] * step
        self.camera_quaternion = np.stack([self._looking_at_origin(position) for position in self.camera_position])
        self.size = rng.uniform(0.9, 2.0, (boxes, 3))
        first = rng.uniform([-1.5, -1.5, 0.1], [1.5, 1.5, 3.1], (boxes, 3))
        speed = rng.uniform(-0.35, 0.35, (boxes, 3)) * [1, 1, 0.3]
        self.position = first[:, None] + np.arange(num_frames)[:, None] * speed[:, None]
        axes, angles = rng.normal(size=(boxes, 3)), rng.uniform(-0.45, 0.45, boxes)
        first_angle = rng.uniform(0, 3, boxes)
        turns = [
            [_quaternion(axes[k], first_angle[k] + t * angles[k]) for t in range(num_frames)] for k in range(boxes)
        ]
        self.quaternion = np.reshape(turns, (boxes, num_frames, 4))

    @staticmethod
    def _looking_at_origin(position: np.ndarray) -> np.ndarray:
        back = position / np.linalg.norm(position)
        right = np.cross([0, 0, 1.0], back)
        right /= np.linalg.norm(right)
        return _from_matrix(np.stack([right, np.cross(back, right), back], axis=1))

    def corners(self) -> np.ndarray:
        """Of every box at every frame, in the order of itertools.product over (low, high) of x, y and z."""
        unit = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
        every = [[self.world(k, unit, t) for t in range(self.num_frames)] for k in range(self.num_boxes)]
        return np.reshape(every, (self.num_boxes, self.num_frames, 8, 3))

    def world(self, box: int, place: np.ndarray, frame: int) -> np.ndarray:
        """Places within a box (-1/2 to 1/2) in the world."""
        return (place * self.size[box]) @ turn(self.quaternion[box, frame]).T + self.position[box, frame]

    def project(self, world: np.ndarray, frame: int) -> np.ndarray:
        """Raster positions by kubric's own matrices (intrinsics and inverse of matrix_world), x and y."""
        f = self.focal / self.sensor
        intrinsics = np.array([[f, 0, -0.5], [0, -f, -0.5], [0, 0, -1.0]])
        seen = (world - self.camera_position[frame]) @ turn(self.camera_quaternion[frame])
        homogeneous = seen @ intrinsics.T
        return homogeneous[..., :2] / homogeneous[..., 2:] * self.side

    def cast(self, frame: int, pixel_xy: np.ndarray) -> Shown:
        """What rays through raster positions meet first."""
        scale = self.sensor / self.focal / self.side
        x, y = (pixel_xy[..., 0] - self.side / 2) * scale, (self.side / 2 - pixel_xy[..., 1]) * scale
        ray = np.stack([x, y, -np.ones_like(x)], axis=-1) @ turn(self.camera_quaternion[frame]).T
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        eye = self.camera_position[frame]
        distance, normal = self._background(eye, ray)
        segment, place = np.zeros(x.shape, np.uint8), np.zeros_like(ray)
        for box in range(self.num_boxes):
            rotation = turn(self.quaternion[box, frame])
            local_eye = (eye - self.position[box, frame]) @ rotation / self.size[box]
            local_ray = ray @ rotation / self.size[box]
            low, high = np.sort([(s - local_eye) / local_ray for s in (-0.5, 0.5)], axis=0)
            enter, leave = low.max(axis=-1), high.min(axis=-1)
            hit = (enter < leave) & (enter > 0) & (enter < distance)
            side = np.eye(3)[low.argmax(axis=-1)] * -np.sign(local_ray)
            distance = np.where(hit, enter, distance)
            segment[hit] = box + 1
            place[hit] = (local_eye + enter[..., None] * local_ray)[hit] + 0.5
            normal[hit] = (side @ rotation.T)[hit]
        return Shown(segment, distance, place, normal, eye + distance[..., None] * ray)

    @staticmethod
    def _background(eye: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = ray @ eye
        dome = -along + np.sqrt(along**2 - eye @ eye + _DOME_RADIUS**2)
        floor = np.where(ray[..., 2] < 0, -eye[2] / np.minimum(ray[..., 2], -1e-9), np.inf)
        is_floor = floor < dome
        inwards = -(eye + dome[..., None] * ray) / _DOME_RADIUS
        return np.minimum(dome, floor), np.where(is_floor[..., None], [0.0, 0.0, 1.0], inwards)

    @cached_property
    def centres(self) -> np.ndarray:
        """Of all pixels, rows x columns x (x, y)."""
        return np.stack(np.meshgrid(*[np.arange(self.side) + 0.5] * 2), axis=-1)

    @cached_property
    def frames(self) -> list[Shown]:
        """All frames at their pixel centres."""
        return [self.cast(frame, self.centres) for frame in range(self.num_frames)]

    def moved(self, frame: int, target: int) -> np.ndarray:
        """Where in the raster of `target` the surfaces are that `frame` shows, rows x columns x (x, y)."""
        shown = self.frames[frame]
        world = shown.world.copy()
        for box in range(self.num_boxes):
            mine = shown.segment == box + 1
            world[mine] = self.world(box, shown.place[mine] - 0.5, target)
        return self.project(world, target)

    def sees(self, world: np.ndarray, frame: int, *, slack: float = 1e-3) -> np.ndarray:
        """Whether world points are what a ray towards them meets first, and inside the raster."""
        point = self.project(world, frame)
        inside = ((point >= 0) & (point <= self.side)).all(axis=-1)
        seen = (world - self.camera_position[frame]) @ turn(self.camera_quaternion[frame])
        reach = np.linalg.norm(world - self.camera_position[frame], axis=-1)
        return inside & (seen[..., 2] < 0) & (self.cast(frame, point).distance > reach * (1 - slack))

    def picture(self, frame: int) -> np.ndarray:
        """Colours that follow the surfaces."""
        shown = self.frames[frame]
        where = np.where((shown.segment > 0)[..., None], shown.place * 7, shown.world)
        return (127 + 127 * np.sin(where * 3 + shown.segment[..., None])).astype(np.uint8)

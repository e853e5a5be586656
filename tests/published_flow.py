"""Tiny data sets of optical flow in the layouts they are published in; every pair has its own random numbers."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

SIZE_HW = (24, 32)


class FlowWriter:
    """Writes files of pairs under a folder and remembers the true flow of each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(11)
        self.flows: list[np.ndarray] = []

    def picture(self, *names: str) -> None:
        """Write random images, one a name."""
        for name in names:
            path = self._path(name)
            image = self.rng.integers(0, 256, (*SIZE_HW, 3), np.uint8)
            assert cv2.imwrite(str(path), image)

    def flow(self, name: str) -> np.ndarray:
        """Write a random flow as .flo or .pfm; remember and return it."""
        flow = self.rng.uniform(-9, 9, (2, *SIZE_HW)).astype(np.float32)
        self.flows.append(flow)
        values, size = flow.transpose(1, 2, 0).astype("<f4"), np.array(SIZE_HW[::-1], "<i4").tobytes()
        if name.endswith(".pfm"):
            three = np.concatenate((values, np.zeros_like(values[..., :1])), axis=2)[::-1]
            content = f"PF\n{SIZE_HW[1]} {SIZE_HW[0]}\n-1.0\n".encode() + three.tobytes()
        else:
            content = np.array(202021.25, "<f4").tobytes() + size + values.tobytes()
        self._path(name).write_bytes(content)
        return flow

    def kitti_flow(self, occluded: str, non_occluded: str) -> None:
        """Write a sparse flow and the half of it that is not occluded, and remember it, 0 elsewhere."""
        value = self.rng.integers(2**15 - 900, 2**15 + 900, (*SIZE_HW, 2))
        known = self.rng.random(SIZE_HW) < 0.5
        seen = known & (self.rng.random(SIZE_HW) < 0.5)
        for name, where in ((occluded, known), (non_occluded, seen)):
            x_y_known = np.concatenate((value * where[..., None], where[..., None]), axis=2).astype(np.uint16)
            assert cv2.imwrite(str(self._path(name)), x_y_known[..., ::-1])
        self.flows.append((((value - 2**15) / 64) * known[..., None]).transpose(2, 0, 1).astype(np.float32))

    def plane(self, name: str, values: np.ndarray) -> None:
        """Write a grey PNG."""
        assert cv2.imwrite(str(self._path(name)), values.astype(np.uint8))

    def _path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def write_chairs(root: Path, kinds: str = "121") -> FlowWriter:
    """FlyingChairs' release with a pair for every 1 (training) or 2 (validation)."""
    writer = FlowWriter(root)
    for number in range(1, len(kinds) + 1):
        writer.picture(f"data/{number:05d}_img1.ppm", f"data/{number:05d}_img2.ppm")
        writer.flow(f"data/{number:05d}_flow.flo")
    (root / "FlyingChairs_train_val.txt").write_text("\n".join(kinds) + "\n")
    return writer


def write_things(root: Path, frames: int = 3, split: str = "TEST") -> FlowWriter:
    """FlyingThings3D with one sequence; the flow of its ends leads to no stored frame."""
    writer = FlowWriter(root)
    for number in range(6, 6 + frames):
        writer.picture(f"frames_cleanpass/{split}/A/0000/left/{number:04d}.png")
        for direction, name in (("into_future", "OpticalFlowIntoFuture"), ("into_past", "OpticalFlowIntoPast")):
            writer.flow(f"optical_flow/{split}/A/0000/{direction}/left/{name}_{number:04d}_L.pfm")
    return writer


def write_things_subset(root: Path) -> FlowWriter:
    """The subset of FlyingThings3D with two frames, both directions and occlusions."""
    writer = FlowWriter(root)
    writer.picture("val/image_clean/left/0000000.png", "val/image_clean/left/0000001.png")
    for direction, number in (("into_future", 0), ("into_past", 1)):
        writer.flow(f"val/flow/left/{direction}/{number:07d}.flo")
        writer.plane(f"val/flow_occlusions/left/{direction}/{number:07d}.png", np.eye(*SIZE_HW) * 255)
    return writer


def write_sintel(root: Path, *, occlusions: bool = True) -> FlowWriter:
    """Sintel's training part with two sequences of 3 and 2 frames, that is 3 pairs."""
    writer = FlowWriter(root)
    for sequence, frames in (("alley_1", 3), ("bamboo_2", 2)):
        for number in range(1, frames + 1):
            place = f"{sequence}/frame_{number:04d}"
            writer.picture(f"training/clean/{place}.png", f"training/final/{place}.png")
            if number < frames:
                writer.flow(f"training/flow/{place}.flo")
                writer.plane(f"training/invalid/{place}.png", np.zeros(SIZE_HW))
            if number < frames and occlusions:
                writer.plane(f"training/occlusions/{place}.png", np.eye(*SIZE_HW) * 255)
    return writer


def write_kitti(root: Path, *, images: str = "image_2", objects: bool = True) -> FlowWriter:
    """KITTI's training part with two pairs."""
    writer = FlowWriter(root)
    for number in range(2):
        writer.picture(f"training/{images}/{number:06d}_10.png", f"training/{images}/{number:06d}_11.png")
        names = (f"training/{kind}/{number:06d}_10.png" for kind in ("flow_occ", "flow_noc"))
        writer.kitti_flow(*names)
        if objects:
            writer.plane(f"training/obj_map/{number:06d}_10.png", np.eye(*SIZE_HW) * 3)
    return writer


WRITERS: dict[str, Callable[[Path], FlowWriter]] = {
    "chairs": write_chairs,
    "things": write_things,
    "sintel-clean": write_sintel,
    "sintel-final": write_sintel,
    "kitti2012": lambda root: write_kitti(root, images="colored_0", objects=False),
    "kitti2015": write_kitti,
}
"""What writes the layout of each data set, by its name."""

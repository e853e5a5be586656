"""MOVi as TFDS writes it, by other means than the reader's: protobuf's own messages and a CRC bit by bit.

Names and nesting follow kubric's challenges/movi/movi_e.py and TFDS's example serialiser.
"""

import io
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.boxes_in_space import BoxScene


@cache
def _example_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="made", syntax="proto3")
    kinds = {"BytesList": 12, "FloatList": 2, "Int64List": 3}
    for name, kind in kinds.items():
        file.message_type.add(name=name).field.add(name="value", number=1, label=3, type=kind)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(kinds, start=1):
        field = feature.field.add(name=name.lower(), number=number, label=1, type=11, type_name=f".made.{name}")
        field.oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=1, type=9)
    entry.field.add(name="value", number=2, label=1, type=11, type_name=".made.Feature")
    features.field.add(name="feature", number=1, label=3, type=11, type_name=".made.Features.FeatureEntry")
    example = file.message_type.add(name="Example")
    example.field.add(name="features", number=1, label=1, type=11, type_name=".made.Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("made.Example"))


def example(features: dict[str, Any]) -> bytes:
    """Serialise lists of bytes, floats or integers under their names."""
    message = _example_class()()
    for name, values in features.items():
        feature = message.features.feature[name]
        if isinstance(values, list):
            feature.byteslist.value.extend(values)
        elif np.asarray(values).dtype.kind == "f":
            feature.floatlist.value.extend(np.ravel(values).tolist())
        else:
            feature.int64list.value.extend(np.ravel(values).tolist())
    return message.SerializeToString(deterministic=True)


@cache
def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901
        table.append(value)
    return table


def _masked(content: bytes) -> bytes:
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def tfrecords(contents: list[bytes]) -> bytes:
    """Frame records with their lengths and checksums."""
    stream = io.BytesIO()
    for content in contents:
        length = struct.pack("<Q", len(content))
        stream.write(length + _masked(length) + content + _masked(content))
    return stream.getvalue()


def movi_png(picture: np.ndarray) -> bytes:
    if picture.shape[-1] == 3:
        picture = picture[..., ::-1]
    return cv2.imencode(".png", picture)[1].tobytes()


def _stored_flow(flows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As kubric's file_io: cut down to 16 bits between the least and the greatest value."""
    low, high = flows.min(), flows.max()
    return ((flows - low) * 65535 / (high - low)).astype(np.uint16), np.array([low, high], np.float32)


def scene_features(scene: BoxScene, name: str = "0") -> dict[str, Any]:
    """All features of one scene, as MOVi-E has them."""
    frames, count, boxes = scene.frames, scene.num_frames, scene.num_boxes
    depth = np.stack([shown.distance for shown in frames])[..., None]
    low, high = depth.min(), depth.max()
    ahead = [scene.moved(t, min(t + 1, count - 1)) - scene.centres for t in range(count)]
    behind = [scene.centres - scene.moved(t, max(t - 1, 0)) for t in range(count)]
    forward, forward_range = _stored_flow(np.stack(ahead)[..., ::-1])
    backward, backward_range = _stored_flow(np.stack(behind)[..., ::-1])
    floats = {
        "camera/focal_length": [scene.focal],
        "camera/sensor_width": [scene.sensor],
        "camera/field_of_view": [2 * np.arctan(scene.sensor / 2 / scene.focal)],
        "camera/positions": scene.camera_position,
        "camera/quaternions": scene.camera_quaternion,
        "instances/bboxes_3d": scene.corners(),
        "instances/quaternions": scene.quaternion,
        "instances/positions": scene.position,
        "instances/mass": np.ones(boxes),
        "instances/bboxes/ragged_flat_values": np.zeros((boxes, 2, 4)),
        "metadata/depth_range": [low, high],
        "metadata/forward_flow_range": forward_range,
        "metadata/backward_flow_range": backward_range,
        "events/collisions/force": [],
    }
    return {
        "metadata/video_name": [name.encode()],
        "metadata/num_frames": [count],
        "metadata/width": [scene.side],
        "metadata/height": [scene.side],
        "metadata/num_instances": [boxes],
        "background": [b"dome"],
        "instances/bboxes/ragged_row_lengths_0": [2] * boxes,
        "instances/category": list(range(boxes)),
        **{key: np.asarray(value, np.float32) for key, value in floats.items()},
        "video": [movi_png(scene.picture(t)) for t in range(count)],
        "segmentations": [movi_png(shown.segment[..., None]) for shown in frames],
        "depth": [movi_png(np.round((d - low) / (high - low) * 65535).astype(np.uint16)) for d in depth],
        "normal": [movi_png(((shown.normal + 1) / 2 * 65535).astype(np.uint16)) for shown in frames],
        "object_coordinates": [movi_png((shown.place * 65535).astype(np.uint16)) for shown in frames],
        "forward_flow": forward,
        "backward_flow": backward,
    }


def as_integers(features: dict[str, Any]) -> dict[str, Any]:
    """Numbers in lists become arrays, so that lists mean byte strings only."""
    return {
        name: np.asarray(values, np.int64)
        if isinstance(values, list) and not any(isinstance(value, bytes) for value in values)
        else values
        for name, values in features.items()
    }


def write_movi(root: Path, shards: list[list[BoxScene]], *, split: str = "train", dataset: str = "movi_e") -> Path:
    """Write a version folder as TFDS publishes it and return it; the other splits it names are not there."""
    folder = root / dataset / "64x64" / "1.0.0"
    folder.mkdir(parents=True)
    for number, scenes in enumerate(shards):
        contents = [
            example(as_integers(scene_features(scene, f"{number}-{place}"))) for place, scene in enumerate(scenes)
        ]
        (folder / f"{dataset}-{split}.tfrecord-{number:05d}-of-{len(shards):05d}").write_bytes(tfrecords(contents))
    info = {
        "name": dataset,
        "version": "1.0.0",
        "configName": "64x64",
        "fileFormat": "tfrecord",
        "splits": [
            {
                "name": split,
                "numBytes": "1",
                "shardLengths": [str(len(scenes)) for scenes in shards],
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
            },
            {"name": "test" if split == "validation" else "validation", "numBytes": "1", "shardLengths": ["1"]},
        ],
    }
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder

"""The 19 classes that Cityscapes is evaluated on and BDD100K shares, numbered as both publish them (train ids)."""

__all__ = ["STREET_CLASSES"]

STREET_CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
"""Names by number."""

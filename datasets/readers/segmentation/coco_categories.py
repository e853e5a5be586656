"""The categories of COCO as published, by id: 80 things, COCO-Stuff's 91 stuff classes, the 53 of COCO panoptic.

Ids 12, 26, 29, 30, 45, 66, 68, 69, 71, 83 and 91 belong to things that COCO never labelled.
"""

from collections.abc import Mapping

__all__ = ["PANOPTIC_STUFF", "STUFF", "THINGS"]

# fmt: off
THINGS: Mapping[str, Mapping[int, str]] = {
    "accessory": {27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase"},
    "animal": {
        16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow", 22: "elephant", 23: "bear",
        24: "zebra", 25: "giraffe",
    },
    "appliance": {78: "microwave", 79: "oven", 80: "toaster", 81: "sink", 82: "refrigerator"},
    "electronic": {72: "tv", 73: "laptop", 74: "mouse", 75: "remote", 76: "keyboard", 77: "cell phone"},
    "food": {
        52: "banana", 53: "apple", 54: "sandwich", 55: "orange", 56: "broccoli", 57: "carrot", 58: "hot dog",
        59: "pizza", 60: "donut", 61: "cake",
    },
    "furniture": {62: "chair", 63: "couch", 64: "potted plant", 65: "bed", 67: "dining table", 70: "toilet"},
    "indoor": {
        84: "book", 85: "clock", 86: "vase", 87: "scissors", 88: "teddy bear", 89: "hair drier", 90: "toothbrush",
    },
    "kitchen": {44: "bottle", 46: "wine glass", 47: "cup", 48: "fork", 49: "knife", 50: "spoon", 51: "bowl"},
    "outdoor": {10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter", 15: "bench"},
    "person": {1: "person"},
    "sports": {
        34: "frisbee", 35: "skis", 36: "snowboard", 37: "sports ball", 38: "kite", 39: "baseball bat",
        40: "baseball glove", 41: "skateboard", 42: "surfboard", 43: "tennis racket",
    },
    "vehicle": {2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 8: "truck", 9: "boat"},
}
"""Names of the things by supercategory, sorted, and id."""

STUFF: Mapping[str, Mapping[int, str]] = {
    "building": {95: "bridge", 96: "building-other", 128: "house", 151: "roof", 158: "skyscraper", 166: "tent"},
    "ceiling": {102: "ceiling-other", 103: "ceiling-tile"},
    "floor": {
        101: "carpet", 114: "floor-marble", 115: "floor-other", 116: "floor-stone", 117: "floor-tile",
        118: "floor-wood",
    },
    "food-stuff": {121: "food-other", 122: "fruit", 153: "salad", 170: "vegetable"},
    "furniture-stuff": {
        98: "cabinet", 107: "counter", 108: "cupboard", 110: "desk-stuff", 112: "door-stuff", 123: "furniture-other",
        130: "light", 133: "mirror-stuff", 156: "shelf", 161: "stairs", 165: "table",
    },
    "ground": {
        111: "dirt", 125: "gravel", 126: "ground-other", 136: "mud", 140: "pavement", 144: "platform",
        145: "playingfield", 147: "railroad", 149: "road", 154: "sand", 159: "snow",
    },
    "plant": {
        94: "branch", 97: "bush", 119: "flower", 124: "grass", 129: "leaves", 134: "moss", 142: "plant-other",
        163: "straw", 169: "tree",
    },
    "raw-material": {100: "cardboard", 132: "metal", 139: "paper", 143: "plastic"},
    "sky": {106: "clouds", 157: "sky-other"},
    "solid": {127: "hill", 135: "mountain", 150: "rock", 160: "solid-other", 162: "stone", 182: "wood"},
    "structural": {99: "cage", 113: "fence", 138: "net", 146: "railing", 164: "structural-other"},
    "textile": {
        92: "banner", 93: "blanket", 104: "cloth", 105: "clothes", 109: "curtain", 131: "mat", 137: "napkin",
        141: "pillow", 152: "rug", 167: "textile-other", 168: "towel",
    },
    "wall": {
        171: "wall-brick", 172: "wall-concrete", 173: "wall-other", 174: "wall-panel", 175: "wall-stone",
        176: "wall-tile", 177: "wall-wood",
    },
    "water": {120: "fog", 148: "river", 155: "sea", 178: "water-other", 179: "waterdrops"},
    "window": {180: "window-blind", 181: "window-other"},
}
"""Names of COCO-Stuff's classes by supercategory, sorted, and id."""

_SHARED = (
    92, 93, 95, 100, 107, 109, 112, 118, 119, 122, 125, 128, 130, 133, 138, 141, 144, 145, 147, 148, 149, 151,
    154, 155, 156, 159, 161, 166, 168, 171, 175, 176, 177, 178, 180, 181,
)
_MERGED = {
    184: "tree-merged", 185: "fence-merged", 186: "ceiling-merged", 187: "sky-other-merged", 188: "cabinet-merged",
    189: "table-merged", 190: "floor-other-merged", 191: "pavement-merged", 192: "mountain-merged",
    193: "grass-merged", 194: "dirt-merged", 195: "paper-merged", 196: "food-other-merged",
    197: "building-other-merged", 198: "rock-merged", 199: "wall-other-merged", 200: "rug-merged",
}
# fmt: on

_STUFF_NAMES = {number: name for names in STUFF.values() for number, name in names.items()}

PANOPTIC_STUFF: Mapping[int, str] = {number: _STUFF_NAMES[number] for number in _SHARED} | _MERGED
"""Names of the stuff classes of COCO panoptic by id, ascending."""

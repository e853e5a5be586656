"""The tables of categories are COCO's: counts, ids, and groups that papers count."""

from densewalk.datasets.readers.segmentation.coco_categories import PANOPTIC_STUFF, STUFF, THINGS


def test_things_are_80_in_12_supercategories() -> None:
    ids = [number for names in THINGS.values() for number in names]
    assert len(THINGS) == 12
    assert sorted(ids) == sorted(set(range(1, 91)) - {12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
    assert list(THINGS) == sorted(THINGS)


def test_stuff_is_91_classes_in_15_supercategories_in_alphabetic_order() -> None:
    name_of = {number: name for names in STUFF.values() for number, name in names.items()}
    assert len(STUFF) == 15
    assert sorted(name_of) == list(range(92, 183))
    assert [name_of[number] for number in sorted(name_of)] == sorted(name_of.values())
    assert list(STUFF) == sorted(STUFF)


def test_panoptic_stuff_is_53_classes_of_which_17_were_merged() -> None:
    assert len(PANOPTIC_STUFF) == 53
    assert list(PANOPTIC_STUFF) == sorted(PANOPTIC_STUFF)
    merged = [number for number, name in PANOPTIC_STUFF.items() if name.endswith("-merged")]
    assert merged == list(range(184, 201))

"""The training runs this project stands for, by name; each is a complete configuration to start from.

Every field can be overridden on the command line as `section.field=value`.
"""

from collections.abc import Callable

from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes.gmrw import gmrw, gmrw_scenes_small, gmrw_small

RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "gmrw": gmrw,
    "gmrw_scenes_small": gmrw_scenes_small,
    "gmrw_small": gmrw_small,
}

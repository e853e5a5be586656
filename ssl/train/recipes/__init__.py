"""The training runs this project stands for, by name; each is a complete configuration to start from.

Every field can be overridden on the command line as `section.field=value`.
"""

from collections.abc import Callable

from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.recipes.crw import crw, crw_small
from densewalk.ssl.train.recipes.gmrw import gmrw, gmrw_scenes_small, gmrw_small
from densewalk.ssl.train.recipes.multiscale import multiscale, multiscale_small
from densewalk.ssl.train.recipes.oracle import oracle, oracle_small

RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "crw": crw,
    "crw_small": crw_small,
    "gmrw": gmrw,
    "gmrw_scenes_small": gmrw_scenes_small,
    "gmrw_small": gmrw_small,
    "multiscale": multiscale,
    "multiscale_small": multiscale_small,
    "oracle": oracle,
    "oracle_small": oracle_small,
}

"""The objectives that can be chosen by name."""

from densewalk.ssl.objectives.gmrw import GMRW

OBJECTIVES = {"gmrw": GMRW}

"""The patches that answered: a patch of a test image beside the training patches nearest to it."""

from jaxtyping import Float
from torch import Tensor

from densewalk.datasets.readers.labelled import LabelledImage
from densewalk.ssl.evaluate.labelled_split import LabelledSplit
from densewalk.ssl.probe.cells import cell_middles
from densewalk.ssl.probe.patch_memory import PatchMemory
from densewalk.ssl.show.retrieval import Match, RetrievalRow

__all__ = ["FRAME_PX", "retrieved"]

FRAME_PX = 24.0
"""Side of the frame around a patch, in pixels of its image."""

_ASKED, _SHOWN = 100, 4


_PLACES = ((0.5, 0.8), (0.3, 0.4), (0.7, 0.55), (0.5, 0.2))
"""Where in an image a patch is taken, in turn, as shares of its width and height."""


def retrieved(
    item: LabelledImage,
    feature_DHW: Float[Tensor, "d gh gw"],
    memory: PatchMemory,
    train: LabelledSplit,
    *,
    row: int,
) -> RetrievalRow:
    """Return a patch of an image and the nearest patches of up to four training images; `row` says which patch."""
    height, width = item.label_HW.shape
    rows, columns = feature_DHW.shape[1:]
    place_N2 = cell_middles((height, width), (rows, columns))
    across, down = _PLACES[row % len(_PLACES)]
    node = int(down * rows) * columns + int(across * columns)
    near = memory.nearest(feature_DHW.flatten(1).T[node : node + 1], _ASKED)
    matches: dict[int, Match] = {}
    for score, index in zip(near.score_QK[0].tolist(), near.index_QK[0].tolist(), strict=True):
        source = int(memory.source_M[index])
        if source in matches or len(matches) == _SHOWN:
            continue
        name = train.classes[min(int(memory.share_ML[index].argmax()), len(train.classes) - 1)]
        x, y = memory.place_M2[index].tolist()
        matches[source] = Match(image_HWC=train[source].image_HWC, place_xy=(x, y), similarity=score, title=name)
    x, y = place_N2[node].tolist()
    return RetrievalRow(query_HWC=item.image_HWC, query_xy=(x, y), matches=tuple(matches.values()), title=item.name)

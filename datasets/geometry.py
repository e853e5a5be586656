"""Where a point is: the coordinate convention of the whole project, affine maps, sampling and correspondence.

Coordinates are raster pixels (x, y). (0, 0) is the top-left *corner* of the top-left pixel, pixel centres lie at +0.5
and (W, H) is the bottom-right corner, as in TAP-Vid. Node (row i, column j) of a grid of stride s sits at ((j + .5) s,
(i + .5) s). Affine maps are 3x3 matrices that read right to left: `clip_from_view @ point_in_view`. `grid_sample` is
always called with `align_corners=False`, which is this convention.

`correspond` answers the one question every dense objective asks: where does a point of one view lie in another, and is
that place visible? Warped walk labels, contrastive positives and flow-warped feature losses are all calls of it.

Shapes: B batch, N points, C channels, H W rows and columns, 2 = (x, y).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.views import Motion, View

__all__ = [
    "affine_scale_shift",
    "correspond",
    "crop_affine",
    "flip_affine",
    "grid_points",
    "inside",
    "node_from_point",
    "sample_at",
    "transform_points",
]


def grid_points(
    height: int, width: int, *, stride: float = 1.0, device: torch.device | str = "cpu"
) -> Float[Tensor, "n 2"]:
    """Return the raster positions of a grid's `height * width` nodes, row by row, in pixels of the full raster."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float32, device=device),
        torch.arange(width, dtype=torch.float32, device=device),
        indexing="ij",
    )
    return (torch.stack((x, y), dim=-1).reshape(-1, 2) + 0.5) * stride


def node_from_point(point: Float[Tensor, "*b n 2"], *, stride: float) -> Float[Tensor, "*b n 2"]:
    """Return fractional node coordinates (column, row): whole numbers are nodes of a grid of `stride`."""
    return point / stride - 0.5


def inside(point: Float[Tensor, "*b n 2"], size_hw: tuple[int, int]) -> Bool[Tensor, "*b n"]:
    """Return which points lie in a raster of `size_hw`, its borders included."""
    x, y = point.unbind(-1)
    return (x >= 0) & (x <= size_hw[1]) & (y >= 0) & (y <= size_hw[0])


def affine_scale_shift(scale_xy: tuple[float, float], shift_xy: tuple[float, float]) -> Float[Tensor, "3 3"]:
    """Return the map x -> scale * x + shift, per axis."""
    (sx, sy), (dx, dy) = scale_xy, shift_xy
    return torch.tensor([[sx, 0.0, dx], [0.0, sy, dy], [0.0, 0.0, 1.0]])


def crop_affine(box_xywh: tuple[float, float, float, float], size_hw: tuple[int, int]) -> Float[Tensor, "3 3"]:
    """Return `clip_from_view` of a view of `size_hw` that shows the clip's box (x, y, width, height)."""
    x, y, width, height = box_xywh
    return affine_scale_shift((width / size_hw[1], height / size_hw[0]), (x, y))


def flip_affine(width: int) -> Float[Tensor, "3 3"]:
    """Return the horizontal mirror of a raster of `width` columns; it is its own inverse."""
    return affine_scale_shift((-1.0, 1.0), (float(width), 0.0))


def transform_points(
    target_from_source: Float[Tensor, "*b 3 3"], point: Float[Tensor, "*b n 2"]
) -> Float[Tensor, "*b n 2"]:
    """Apply affine maps to points."""
    linear, shift = target_from_source[..., :2, :2], target_from_source[..., :2, 2]
    return point @ linear.transpose(-1, -2) + shift[..., None, :]


def sample_at(
    image_BCHW: Float[Tensor, "b c h w"], point_BN2: Float[Tensor, "b n 2"], *, padding: str = "border"
) -> Float[Tensor, "b n c"]:
    """Read an image bilinearly at raster points; `padding` is what lies outside: `border` or `zeros`."""
    height, width = image_BCHW.shape[-2:]
    unit = point_BN2 * torch.tensor([2.0 / width, 2.0 / height], device=point_BN2.device, dtype=point_BN2.dtype) - 1.0
    read = F.grid_sample(image_BCHW, unit[:, :, None], mode="bilinear", padding_mode=padding, align_corners=False)
    return read[..., 0].transpose(1, 2)


def correspond(
    source: View,
    target: View,
    motion: Motion | None,
    point_BN2: Float[Tensor, "b n 2"],
    *,
    source_position: int = 0,
    target_position: int = 0,
) -> tuple[Float[Tensor, "b n 2"], Bool[Tensor, "b n"]]:
    """Return where points of one view's frame lie in another view's frame, and which of them are visible there.

    `source_position` and `target_position` choose the frames by their place in the views. Frames that show the same
    clip frame are related by geometry alone; others need `motion` with a field for exactly that pair. A point is valid
    when it is inside the target raster and, across time, unoccluded.

    Raises `ConfigError` when the frames differ in time and `motion` has no field between them.
    """
    source_frame, target_frame = source.frame_BT[:, source_position], target.frame_BT[:, target_position]
    clip_BN2 = transform_points(source.clip_from_view_B33, point_BN2)
    visible = torch.ones(point_BN2.shape[:2], dtype=torch.bool, device=point_BN2.device)
    moved = source_frame != target_frame
    if bool(moved.any()):
        displaced, seen = _follow(motion, source_frame, target_frame, clip_BN2)
        clip_BN2 = torch.where(moved[:, None, None], displaced, clip_BN2)
        visible = seen | ~moved[:, None]
    view_from_clip = torch.linalg.inv(target.clip_from_view_B33)
    point = transform_points(view_from_clip, clip_BN2)
    return point, visible & inside(point, target.size_hw)


def _follow(
    motion: Motion | None,
    source_frame_B: Tensor,
    target_frame_B: Tensor,
    clip_BN2: Float[Tensor, "b n 2"],
) -> tuple[Float[Tensor, "b n 2"], Bool[Tensor, "b n"]]:
    """Move clip points along the motion field of each sample's frame pair."""
    if motion is None:
        raise ConfigError("these views differ in time and the batch carries no motion; set objective.plan.motion=true")
    match = (motion.source_frame_BP == source_frame_B[:, None]) & (motion.target_frame_BP == target_frame_B[:, None])
    needed = source_frame_B != target_frame_B
    if bool((needed & ~match.any(1)).any()):
        pairs = list(zip(source_frame_B.tolist(), target_frame_B.tolist(), strict=True))
        raise ConfigError(f"the batch has no motion between clip frames {pairs}; the plan must ask for these pairs")
    batch, chosen = torch.arange(len(match), device=match.device), match.float().argmax(1)
    flow = sample_at(motion.flow_BP2HW[batch, chosen], clip_BN2)
    seen = sample_at(motion.visible_BPHW[batch, chosen][:, None].float(), clip_BN2, padding="zeros")[..., 0] > 0.5
    return clip_BN2 + flow, seen

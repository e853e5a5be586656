"""Fewer items of a set that still stand for all of it."""

__all__ = ["spread_over"]


def spread_over(count: int, wanted: int) -> range:
    """Return the numbers of `wanted` of `count` items, every n-th from the first on; all when that is 0 or
    there are no more.

    It is GMFlow's rule for its 1,024 pairs of FlyingThings3D: what is left of a whole multiple is dropped at the end.
    """
    chosen = min(wanted, count) or count
    step = count // chosen if chosen else 1
    return range(0, chosen * step, step)

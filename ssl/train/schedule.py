"""The learning rate as a pure function of where the run stands: linear warm-up, then constant (GMRW).

A function of `Progress` alone needs no state of its own, so a resumed run cannot disagree with an uninterrupted one.
"""

from densewalk.ssl.objectives.objective import Progress

__all__ = ["learning_rate"]


def learning_rate(progress: Progress, *, peak: float, warmup_steps: int) -> float:
    """Return the rate of the step that `progress` leads to; step `warmup_steps` is the first at `peak`."""
    if progress.step >= warmup_steps:
        return peak
    return peak * ((progress.step + 1) / warmup_steps)

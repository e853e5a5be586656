"""Running an ablation as Ray tasks: one training a CPU core, or a GPU where there are any.

Ray places the tasks wherever there is room, on one machine or on many that share the folder. Repeating the command
continues what was stopped and measures what is missing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from densewalk.cluster.engine.session import held_output, start_ray
from densewalk.datasets.errors import DensewalkError, TrainingError
from densewalk.ssl.ablation.ablation import Ablation, Training
from densewalk.ssl.ablation.measure import run_training

__all__ = ["run_ablation"]


def run_ablation(ablation: Ablation, out: Path, *, on_done: Callable[[int, int, str], None]) -> None:
    """Train and score every run of `ablation` in `out`; `on_done` hears (done, total, what) as they finish.

    A run that fails does not keep the others from finishing; then `TrainingError` names every failed one.
    """
    started = start_ray()
    try:
        _run_tasks(ablation, ablation.trainings(), out.absolute(), on_done)
    finally:
        if started:
            import ray

            with held_output():
                ray.shutdown()


def _run_tasks(
    ablation: Ablation, trainings: Sequence[Training], out: Path, on_done: Callable[[int, int, str], None]
) -> None:
    import ray

    gpus = 1 if ray.cluster_resources().get("GPU") else 0
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=2)(_train)
    names = {task.remote(ablation, training, out): training.folder for training in trainings}
    waiting, faults = list(names), []
    while waiting:
        (ready,), waiting = ray.wait(waiting, num_returns=1)
        fault = ray.get(ready)
        if fault is not None:
            faults.append(f"  {names[ready]}: {fault}")
        on_done(len(names) - len(waiting), len(names), f"{names[ready]}{' failed' if fault else ''}")
    if faults:
        listed = "\n".join(faults)
        raise TrainingError(f"{len(faults)} of {len(names)} runs failed; repeat the command to try again:\n{listed}")


def _train(ablation: Ablation, training: Training, out: Path) -> str | None:
    """Train and score one run; return what the user must know when it cannot be done."""
    try:
        run_training(ablation, training, out)
    except DensewalkError as error:
        return str(error)
    return None

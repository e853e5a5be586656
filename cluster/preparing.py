"""Preparing a corpus on the engine that was asked for, with its plan before and its books after."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from densewalk.cluster.progress import Show
from densewalk.cluster.ray_engine import RayEngine
from densewalk.datasets.config import to_yaml
from densewalk.pipelines.corpus.prepare import PrepareResult, plan_corpus, prepare
from densewalk.pipelines.corpus.processing import PrepareProgress
from densewalk.pipelines.engine import Engine
from densewalk.pipelines.inprocess import InProcessEngine
from densewalk.pipelines.recipe import PrepareConfig
from densewalk.pipelines.sources import SourceSpec, coverage, describe_spec

__all__ = ["describe_corpus", "describe_result", "prepare_corpus"]


def prepare_corpus(
    specs: Sequence[str], out: Path, config: PrepareConfig, *, on_ray: bool, show: Show
) -> PrepareResult:
    """Make or extend a dataset; Ray is started only when there is work and ended afterwards."""

    def tell(progress: PrepareProgress) -> None:
        show(progress.phase, progress.done, progress.total, _note(progress))

    with _engine(on_ray) as engine:
        return prepare(specs, out, config, engine, tell)


def describe_corpus(specs: Sequence[str], out: Path, config: PrepareConfig) -> str:
    """Return the configuration as YAML, headed by what it would work on, with how much of Kinetics is there."""
    plan = plan_corpus(specs, out, config)
    facts = [
        *(line for text in (*specs, *config.sources) for line in _about(text)),
        f"{plan.num_sources} sources, {plan.num_refused} of which are not looked at",
        f"{plan.num_clips_before} clips in {out} so far",
        f"stages {', '.join(plan.stages)}; recipe {plan.recipe_hash}",
    ]
    return "\n".join([*(f"# {fact}" for fact in facts), to_yaml(config).rstrip()])


def describe_result(result: PrepareResult) -> str:
    """Return what became of every file, in a few lines."""
    lines = [
        f"{result.sources} sources = {result.written} written + {result.rejected} rejected + {result.failed} failed"
        + (f" + {result.purged} purged" if result.purged else ""),
        *(
            f"  {count:4d} {reason}"
            for reason, count in sorted(result.reasons.items(), key=lambda item: (-item[1], item[0]))
        ),
        f"{result.new_clips} new clips, {result.clips} in {result.folder}",
    ]
    return "\n".join(lines)


def _about(text: str) -> Iterator[str]:
    yield describe_spec(text)
    if SourceSpec.parse(text).kind == "kinetics":
        yield from coverage(text).report().splitlines()


def _note(progress: PrepareProgress) -> str:
    counts = (("clips", progress.clips), ("failed", progress.failed), ("rejected", progress.rejected))
    texts = [f"{count} {name}" for name, count in counts if count]
    return "  ".join(filter(None, [", ".join(texts), Path(progress.uri).name]))


@contextmanager
def _engine(on_ray: bool) -> Iterator[Engine]:
    if not on_ray:
        yield InProcessEngine()
        return
    with RayEngine() as engine:
        yield engine

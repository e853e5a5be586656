"""From raw video to a scored tracker: prepare, pretrain, evaluate, track, report.

Every step leaves its result in a folder of its own and is skipped when that result is there, so a stopped quickstart
goes on where it was. Beside the run stands a shorter one whose way back shares the crop of the way there: it shows what
label warping is for.
"""

from pathlib import Path, PurePath

from densewalk.cluster.measuring import already_measured, measure, plan_evaluation
from densewalk.cluster.preparation_view import shown_preparation
from densewalk.cluster.preparing import describe_result, prepare_corpus
from densewalk.cluster.progress import say, shown_progress
from densewalk.cluster.quickstart.filmed_clip import film_clip
from densewalk.cluster.quickstart.page import write_quickstart_page
from densewalk.cluster.quickstart.plan import QuickstartPlan
from densewalk.cluster.training_plan import describe_step
from densewalk.datasets.dataset_card import CARD
from densewalk.datasets.ledger import read_ledger
from densewalk.pipelines.corpus.homes.folder_home import FolderHome
from densewalk.pipelines.corpus.tables import LEDGER
from densewalk.pipelines.sources import read_entries
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.evaluating import Listener
from densewalk.ssl.train.config import TrainConfig
from densewalk.ssl.train.loop import pretrain

__all__ = ["run_quickstart"]


def run_quickstart(plan: QuickstartPlan) -> Path:
    """Do every step that is not done yet and return the path of the report; raises what the steps raise."""
    say(f"1/6 videos: {', '.join(PurePath(spec).name for spec in plan.prepare.sources)}")
    say(f"2/6 prepare clips in {plan.corpus}")
    if not _is_prepared(plan):
        with shown_preparation() as view:
            result = prepare_corpus((), FolderHome(plan.corpus), plan.prepare, on_ray=True, view=view)
        say(describe_result(result, str(plan.corpus)))
    for name, (run, config) in plan.trainings.items():
        say(f"3/6 pretrain {name} in {run}")
        _pretrain(run, config)
    say(f"4/6 evaluate on generated scenes into {plan.scores}")
    scores = _evaluate(plan)
    say(f"5/6 track a clip into {plan.track}")
    film_clip(plan)
    say("6/6 report")
    write_quickstart_page(plan, scores)
    return plan.report


def _is_prepared(plan: QuickstartPlan) -> bool:
    """Return whether the dataset is finished and accounts for every file, so that Ray need not start."""
    if not (plan.corpus / CARD).is_file():
        return False
    known = {verdict.uri for verdict in read_ledger(plan.corpus / LEDGER) if verdict.kind == "source"}
    return {entry.uri for entry in read_entries(plan.prepare.sources)} <= known


def _pretrain(run: Path, config: TrainConfig) -> None:
    with shown_progress() as show:
        pretrain(config, run, on_step=lambda record: show("pretrain", *describe_step(record)))


def _evaluate(plan: QuickstartPlan) -> dict[str, list[Scores]]:
    evaluation = plan_evaluation(plan.runs, out=plan.scores)
    if known := already_measured(evaluation):
        return known
    total = len(evaluation.subjects) * len(evaluation.benchmarks)
    done: list[Scores] = []
    with shown_progress() as show:

        def tell(scores: Scores) -> None:
            done.append(scores)
            note = f"{scores.name}: {scores.subject} {scores.headline} {scores.scalars[scores.headline]:.1f}"
            show("evaluate", len(done), total, note)

        return measure(evaluation, Listener(on_scores=tell))

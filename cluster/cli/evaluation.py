"""An evaluation on the terminal: one moving line, then a table a benchmark."""

from densewalk.cluster.cli.tables import show_table
from densewalk.cluster.measuring import EvaluationPlan, measure
from densewalk.cluster.progress import say, shown_progress
from densewalk.cluster.scoreboard import board
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.evaluate.evaluating import Listener

__all__ = ["run_evaluation"]


def run_evaluation(plan: EvaluationPlan) -> None:
    """Measure what a plan says, tell how far it is, show the tables and where the scores are."""
    done: list[Scores] = []
    total = len(plan.subjects) * len(plan.benchmarks)
    with shown_progress() as progress:

        def hear_scores(scores: Scores) -> None:
            done.append(scores)
            headline = scores.scalars[scores.headline]
            progress("evaluate", len(done), total, f"{scores.name}: {scores.subject} {scores.headline} {headline:.1f}")

        def hear_item(benchmark: str, subject: str, item: int, items: int, what: str) -> None:
            progress(f"{benchmark} {subject}", item, items, what)

        results = measure(plan, Listener(on_item=hear_item, on_scores=hear_scores))
    for name, scores in results.items():
        show_table(name, board(scores))
    say(f"scores written to {plan.out}")

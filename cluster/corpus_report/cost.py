"""What a dataset cost, by stage and by preparation, as runs.jsonl tells it."""

from collections.abc import Mapping, Sequence

from densewalk.cluster.history import Run
from densewalk.pipelines.tally import StageTally, add_tallies
from densewalk.ssl.report.blocks import Block, Chart, Code, Fold, Note
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.show.item_bars import item_bars

__all__ = ["cost_blocks"]

_MOST_RUNS = 30


def cost_blocks(runs: Sequence[Run], *, frames: int) -> list[Block]:
    """Return bars and a table of the stages and a table of the preparations; `frames` were decoded for the dataset."""
    tallies: dict[str, StageTally] = {}
    for run in runs:
        add_tallies(tallies, run.stages)
    if not runs:
        return [Note(text="Nobody wrote down what this dataset cost: it has no `runs.jsonl`.")]
    blocks: list[Block] = []
    if any(tally.seconds > 0 for tally in tallies.values()):
        spent = {name: tally.seconds for name, tally in tallies.items()}
        blocks = [Chart(svg=item_bars({"seconds": spent}, label="seconds of work (less is better)"))]
        blocks.append(_stages(tallies, frames))
    shown = runs[-_MOST_RUNS:]
    commands = "\n".join(f"# {run.started}\n{run.command}" for run in shown)
    return [*blocks, _runs(shown, len(runs)), Fold(summary="Commands", blocks=(Code(text=commands),))]


def _stages(tallies: Mapping[str, StageTally], frames: int) -> Table:
    total = sum(tally.seconds for tally in tallies.values())
    columns = (
        Column(title="stage"),
        Column(title="records in", digits=0),
        Column(title="out", digits=0),
        Column(title="ended here", digits=0),
        Column(title="work", unit="s", digits=1),
        Column(title="share", unit="%", digits=1),
        Column(title="a record", unit="ms", digits=1),
        Column(title="a frame", unit="ms", digits=3),
    )
    rows = [
        Row(
            values=(
                name,
                tally.taken,
                tally.given,
                sum(tally.ended.values()),
                tally.seconds,
                100 * tally.seconds / total,
                1000 * tally.seconds / tally.taken if tally.taken else None,
                1000 * tally.seconds / frames if frames else None,
            )
        )
        for name, tally in tallies.items()
    ]
    caption = (
        "Time that workers spent in each stage, over all preparations, those that were broken off included. "
        f"A frame is one of the {frames:,} frames decoded for what is in the dataset now."
    )
    return Table(columns=columns, rows=tuple(rows), caption=caption)


def _runs(runs: Sequence[Run], total: int) -> Table:
    columns = (
        Column(title="started (UTC)"),
        Column(title="took", unit="min", digits=1),
        Column(title="engine"),
        Column(title="CPUs", digits=0),
        Column(title="sources", digits=0),
        Column(title="failed", digits=0),
        Column(title="new clips", digits=0),
        Column(title="ended"),
        Column(title="densewalk"),
        Column(title="machine"),
    )
    rows = [
        Row(
            values=(
                run.started[:16].replace("T", " "),
                run.seconds / 60,
                run.engine,
                run.cpus,
                sum(run.sources.values()) if run.finished else None,
                run.sources.get("failed", 0) if run.finished else None,
                run.new_clips if run.finished else None,
                "whole" if run.finished else "broken off",
                run.densewalk,
                run.machine,
            )
        )
        for run in runs
    ]
    caption = f"The last {len(runs)} of {total} preparations." if total > len(runs) else "Every preparation."
    return Table(columns=columns, rows=tuple(rows), caption=caption)

"""What a page shows of one benchmark: tables, curves, bars, pictures, the protocol and where the numbers come from.

Scores of different protocols stand in different tables, each headed by what sets it apart. Published numbers join a
table only when their protocol is the table's; the others follow by themselves, with what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from densewalk.cluster.score_charts import item_charts, threshold_charts
from densewalk.cluster.scoreboard import board, score_columns
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores, comparable
from densewalk.ssl.evaluate.reference import Reference, published
from densewalk.ssl.report.blocks import Block, Fold, Listing
from densewalk.ssl.report.protocols import differing, flattened, setting_words
from densewalk.ssl.report.score_pictures import PictureBudget, score_pictures
from densewalk.ssl.report.table import Column, Row, Table

__all__ = ["Entry", "benchmark_blocks", "benchmark_text"]

_MAX_TITLE_SETTINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a benchmark: scores, the name they go by on this page, and the folder they were read from."""

    scores: Scores
    label: str
    folder: Path


def benchmark_text(name: str) -> str:
    """Return what a benchmark measures, in plain words; nothing for one that is unknown here."""
    return BENCHMARKS[name].text if name in BENCHMARKS else ""


def benchmark_blocks(entries: Sequence[Entry], *, budget: PictureBudget) -> list[Block]:
    """Return the blocks of one benchmark; `entries` are in the order of the table's rows, the first leads the bars."""
    groups = _by_protocol(entries)
    protocols = [group[0].scores.protocol for group in groups]
    rows = published(entries[0].scores.name)
    blocks: list[Block] = []
    for group, title in zip(groups, _titles(protocols), strict=True):
        same = [row for row in rows if not row.differs(group[0].scores.protocol)]
        scores = {entry.label: entry.scores for entry in group}
        blocks += [_table(group, same, title), *threshold_charts(scores), *item_charts(scores)]
        blocks += [*_pictures(group, budget), _protocol(group[0].scores), _provenance(group)]
    elsewhere = [(row, min((row.differs(protocol) for protocol in protocols), key=len)) for row in rows]
    if elsewhere := [(row, words) for row, words in elsewhere if words]:
        blocks.append(_published_elsewhere(entries[0].scores, elsewhere))
    return blocks


def _by_protocol(entries: Sequence[Entry]) -> list[list[Entry]]:
    groups: list[list[Entry]] = []
    for entry in entries:
        group = next((group for group in groups if comparable(group[0].scores, entry.scores)), None)
        if group is None:
            groups.append([entry])
        else:
            group.append(entry)
    return groups


def _titles(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return by what each protocol is set apart from the others; nothing for a single one."""
    settings = differing(protocols)
    shown = dict(list(settings.items())[:_MAX_TITLE_SETTINGS])
    rest = len(settings) - len(shown)
    more = f"; {rest} more settings differ" if rest else ""
    return [
        "; ".join(f"{setting_words(name)}: {values[number]}" for name, values in shown.items()) + more
        for number in range(len(protocols))
    ]


def _table(group: Sequence[Entry], same: Sequence[Reference], title: str) -> Table:
    """Return our rows and the published ones in the columns that anybody has a number for."""
    own = board([entry.scores for entry in group])
    rows = [
        Row(values=(entry.label, *row.values[1:]), role=row.role) for entry, row in zip(group, own.rows, strict=True)
    ]
    rows += [_published_row(row, score_columns(group[0].scores)) for row in same]
    kept = [n for n in range(len(own.columns)) if n < 2 or any(row.values[n] is not None for row in rows)]
    return Table(
        columns=tuple(own.columns[n] for n in kept),
        rows=tuple(replace(row, values=tuple(row.values[n] for n in kept)) for row in rows),
        caption=_sources(same),
        title=title,
    )


def _sources(rows: Sequence[Reference]) -> str:
    named: dict[str, list[str]] = {}
    for row in rows:
        named.setdefault(row.source, []).append(row.subject)
    said = "; ".join(f"{', '.join(subjects)}: {source}" for source, subjects in named.items())
    return f"Published: {said}." if said else ""


def _published_row(row: Reference, columns: Mapping[str, Column], *more: str) -> Row:
    return Row(values=(row.subject, *(row.scalars.get(key) for key in columns), *more), role="published")


def _published_elsewhere(scores: Scores, rows: Sequence[tuple[Reference, list[str]]]) -> Block:
    """Return a table of what was published under other protocols, in which nothing is compared."""
    columns = score_columns(scores)
    plain = [replace(column, better=None) for column in columns.values()]
    table = Table(
        columns=(Column(title="Subject"), *plain, Column(title="What differs"), Column(title="Source")),
        rows=tuple(_published_row(row, columns, "; ".join(words), row.source) for row, words in rows),
        caption="These numbers do not compare with those above: each was made under the differences it names.",
    )
    return Fold(summary=f"Published under other protocols: {len(rows)}", blocks=(table,))


def _pictures(group: Sequence[Entry], budget: PictureBudget) -> list[Block]:
    """Return a fold of pictures for every subject that has any, the first one open."""
    folds: list[Block] = []
    for entry in group:
        if blocks := score_pictures(entry.scores, entry.folder, budget):
            folds.append(Fold(summary=f"Pictures of {entry.label}", blocks=tuple(blocks), is_open=not folds))
    return folds


def _protocol(scores: Scores) -> Fold:
    settings = flattened(scores.protocol)
    entries = tuple((setting_words(name), value) for name, value in settings.items())
    return Fold(
        summary=f"Protocol: every setting that moves the numbers, {len(entries)} in all",
        blocks=(Listing(entries=entries),),
    )


def _provenance(group: Sequence[Entry]) -> Fold:
    listings = [
        Listing(
            title=entry.label,
            entries=tuple((setting_words(name), _origin(value)) for name, value in entry.scores.provenance.items()),
        )
        for entry in group
    ]
    return Fold(summary="Where the numbers come from", blocks=tuple(listings))


def _origin(value: Any) -> str:
    return (
        ", ".join(f"{name} {text}" for name, text in flattened(value).items())
        if isinstance(value, Mapping)
        else str(value)
    )

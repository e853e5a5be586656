"""What was measured of the clips, and what their sources are: histograms and counts."""

from collections import Counter
from collections.abc import Mapping

from densewalk.cluster.corpus_report.spread import Spread
from densewalk.cluster.corpus_report.survey import ClipSurvey, SourceSurvey
from densewalk.ssl.report.blocks import Block, Chart
from densewalk.ssl.report.table import Column, Row, Table
from densewalk.ssl.show.histogram import histogram
from densewalk.ssl.show.item_bars import item_bars

__all__ = ["measured_blocks"]

_LABELS = {
    "seconds": "length of a clip, s",
    "motion": "motion, % of the shorter side per second",
    "sharpness": "sharpness",
    "brightness": "brightness (mean luma)",
    "contrast": "contrast",
    "changing": "share of the picture that changes",
    "repeated": "share of repeated frames",
    "text": "share of the picture covered by text",
}
_MOST_ITEMS = 8


def measured_blocks(clips: ClipSurvey, sources: SourceSurvey) -> list[Block]:
    """Return a histogram for each quantity that was measured, bars of sizes and rates, and the licences."""
    drawn = [_histogram(clips.spreads[name], label) for name, label in _LABELS.items() if clips.spreads[name].values]
    if sources.lengths.values:
        drawn.append(_histogram(sources.lengths, "length of a source, s"))
    counted = {
        "clips by size, px": clips.sizes,
        "clips by frames a second": clips.rates,
        "sources by coded size, px": sources.sizes,
        "sources by codec": sources.codecs,
    }
    bars = [_bars(counts, label) for label, counts in counted.items() if counts]
    return [*drawn, *bars, *([_licences(clips)] if clips.licences else [])]


def _histogram(spread: Spread, label: str) -> Chart:
    bars = spread.bars()
    svg = histogram(bars.edges, bars.counts, label=label, median=bars.median, log_x=spread.log, open_end=bars.open_end)
    return Chart(svg=svg, caption=f"{spread.missing:,} not measured." if spread.missing else "")


def _bars(counts: Mapping[str, int], label: str) -> Chart:
    most = dict(Counter(counts).most_common(_MOST_ITEMS))
    shown = {name: float(count) for name, count in sorted(most.items(), key=lambda item: (-item[1], item[0]))}
    if left := sum(counts.values()) - sum(most.values()):
        shown[f"{len(counts) - len(most)} others"] = float(left)
    return Chart(svg=item_bars({"count": shown}, label=label, digits=0))


def _licences(clips: ClipSurvey) -> Table:
    columns = (
        Column(title="licence"),
        Column(title="clips", digits=0),
        Column(title="hours", digits=2),
        Column(title="share of clips", unit="%", digits=1),
    )
    rows = [
        Row(values=(name or "not stated", count, clips.licence_seconds[name] / 3600, 100 * count / clips.clips))
        for name, count in sorted(clips.licences.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Table(columns=columns, rows=tuple(rows), caption="Licences as their sources, or whoever named them, stated.")

"""Curves and bars as inline SVG that follows the page's light or dark colours.

Matplotlib draws with stand-in colours, which then become CSS variables (`--ink`, `--series-1`, ...) with a fallback
that reads on both grounds; text stays text, so it takes the page's font and can be searched. The result is the `<svg>`
element alone, free of ids that could clash with those of other charts and of references to anything outside.
"""

import hashlib
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from io import StringIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from densewalk.ssl.show.chart_colours import INK, LINE, MUTED, QUIET, SERIES

__all__ = ["bars", "loss_curve", "threshold_curves"]

_SERIES = [f"#0a00{number:02x}" for number in range(1, len(SERIES) + 1)]
_INK, _MUTED, _GRID, _QUIET = "#0b0001", "#0b0002", "#0b0003", "#0b0004"
_CSS = {_INK: INK, _MUTED: MUTED, _GRID: LINE, _QUIET: QUIET, **dict(zip(_SERIES, SERIES, strict=True))}
_Style = tuple[str, str | tuple[float, tuple[float, ...]]]
_DASHES: list[str | tuple[float, tuple[float, ...]]] = ["-", (0, (4, 2)), (0, (1, 1.5))]
"""Line styles, one after another when the colours are used up."""
_LINE_LETTERS, _KEY_LETTERS = 54, 6
"""Letters that a line of a chart has room for, and those that the sample beside a name takes."""
_SETTINGS = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
}


def loss_curve(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    y_label: str = "loss",
    x_label: str = "step",
    references: Mapping[str, float] | None = None,
    log_y: bool = False,
) -> str:
    """Return named curves (x values, y values) as SVG: each as measured, faint, and as a running median, firm.

    `references` are named levels drawn as dashed lines. Values that are not finite leave a gap.
    """
    with matplotlib.rc_context(_settings(repr((curves, y_label, x_label, references, log_y)))):
        figure, axes = _canvas(2.6)
        for number, (name, (x, y)) in enumerate(curves.items()):
            _draw_curve(axes, np.asarray(x, float), np.asarray(y, float), name=name, style=_style(number))
        for name, level in (references or {}).items():
            axes.axhline(level, color=_MUTED, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                name, (1, level), (-2, 3), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                ha="right", color=_MUTED, fontsize=9,
            )  # fmt: skip
        if log_y:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        else:
            axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 2.5, 5, 10]))
        axes.set_xlabel(x_label, color=_MUTED)
        axes.set_title(y_label, loc="left", color=_MUTED, fontsize=9, pad=10)
        _add_legend(figure, axes, curves, y_label)
        return _svg(figure, f"{y_label} against {x_label}: {', '.join(curves)}")


def threshold_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x_label: str, y_label: str
) -> str:
    """Return named curves of a share in percent (y, 0-100) against a threshold (x) as SVG, such as PCK or success."""
    with matplotlib.rc_context(_settings(repr((curves, x_label, y_label)))):
        figure, axes = _canvas(2.6)
        for number, (name, (x, y)) in enumerate(curves.items()):
            colour, dash = _style(number)
            axes.plot(np.asarray(x, float), np.asarray(y, float), color=colour, linestyle=dash, linewidth=2, label=name)
        axes.set_ylim(0, 100)
        axes.margins(x=0)
        axes.set_xlabel(x_label, color=_MUTED)
        axes.set_title(y_label, loc="left", color=_MUTED, fontsize=9, pad=10)
        _add_legend(figure, axes, curves, y_label)
        return _svg(figure, f"{y_label} against {x_label}: {', '.join(curves)}")


def bars(values: Mapping[str, float], *, label: str, ours: Collection[str] = (), digits: int = 1) -> str:
    """Return horizontal bars as SVG in the order given, each with its value; those named in `ours` are in colour.

    `label` names the quantity, its unit and which way is better. A value that is not finite has no bar.
    """
    with matplotlib.rc_context(_settings(repr((values, label, sorted(ours), digits)))):
        figure, axes = _canvas(0.55 + 0.3 * len(values))
        finite = {name: value if np.isfinite(value) else 0.0 for name, value in values.items()}
        place = np.arange(len(values))[::-1]
        colours = [_SERIES[0] if name in ours else _QUIET for name in values]
        axes.barh(place, list(finite.values()), height=0.62, color=colours)
        for y, (name, value) in zip(place, values.items(), strict=True):
            text = f"{value:.{digits}f}" if np.isfinite(value) else "not measured"
            axes.annotate(
                text, (finite[name], y), (5 if finite[name] >= 0 else -5, 0), textcoords="offset points", va="center",
                ha="left" if finite[name] >= 0 else "right", color=_INK,
            )  # fmt: skip
        axes.set_yticks(place, list(values), color=_INK)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_visible(False)
        axes.grid(visible=False)
        # A value left of zero stands between its bar and the names.
        axes.margins(x=0.3 if min(finite.values()) < 0 else 0.1)
        axes.spines["bottom"].set_visible(False)
        axes.axvline(0, color=_GRID, linewidth=1)
        head = textwrap.wrap(label, _LINE_LETTERS + 8)
        figure.set_figheight(figure.get_figheight() + 0.17 * (len(head) - 1))
        figure.suptitle("\n".join(head), x=0.01, ha="left", color=_MUTED, fontsize=9)
        return _svg(figure, f"{label}: " + ", ".join(f"{name} {value:.{digits}f}" for name, value in values.items()))


def _settings(content: str) -> dict[str, object]:
    """Salt the ids that remain with the content: stable bytes, and no clash between charts."""
    return _SETTINGS | {"svg.hashsalt": hashlib.sha256(content.encode()).hexdigest()}


def _style(number: int) -> _Style:
    return _SERIES[number % len(_SERIES)], _DASHES[number // len(_SERIES) % len(_DASHES)]


def _add_legend(figure: Figure, axes: Axes, curves: Collection[str], title: str) -> None:
    """Name several curves: beside the title where there is room, else in lines of their own below."""
    letters = [len(name) + _KEY_LETTERS for name in curves]
    if len(title) + sum(letters) > _LINE_LETTERS and len(curves) > 1:
        columns = max(1, min(3, _LINE_LETTERS // max(letters)))
        figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(curves) // columns) + 0.1)
        figure.legend(loc="outside lower left", ncols=columns, frameon=False, labelcolor=_INK)
    elif len(curves) > 1:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, labelcolor=_INK, borderaxespad=0.2
        )


def _canvas(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.5, height_inches), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=_MUTED, length=0, pad=6)
    return figure, axes


def _draw_curve(axes: Axes, x: np.ndarray, y: np.ndarray, *, name: str, style: _Style) -> None:
    colour, dash = style
    x, y = _thinned(x), _thinned(np.where(np.isfinite(y), y, np.nan))
    if len(y) < 20:
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=2, label=name, marker="o", markersize=3.5)
        return
    axes.plot(x, y, color=colour, linewidth=0.9, alpha=0.35)
    median = _running_median(y, len(y) // 20)
    axes.plot(x, median, color=colour, linestyle=dash, linewidth=2.2, label=name, solid_capstyle="round")


def _thinned(values: np.ndarray, limit: int = 1500) -> np.ndarray:
    """Keep at most `limit` evenly spaced values; more cannot be told apart at this size."""
    return values[:: -(-len(values) // limit)] if len(values) else values


def _running_median(y: np.ndarray, reach: int) -> np.ndarray:
    """Return the median of the finite values within `reach` places on either side, and a gap where none is."""
    padded = np.pad(y, reach, constant_values=np.nan)
    window = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    known = np.isfinite(window).any(-1) & np.isfinite(y)
    result = np.full(len(y), np.nan)
    result[known] = np.nanmedian(window[known], axis=-1)
    return result


def _svg(figure: Figure, description: str) -> str:
    buffer = StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn = buffer.getvalue()
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn)
    drawn = re.sub(r"<!--.*?-->", "", drawn, flags=re.DOTALL).replace("xlink:href", "href")
    drawn = drawn.replace("'DejaVu Sans', sans-serif", "inherit").replace("'DejaVu Sans'", "inherit")
    drawn = re.sub(r' d="[^"]*"', _rounded, drawn)
    for stand_in, css in _CSS.items():
        drawn = drawn.replace(stand_in, css)
    box = re.search(r'viewBox="([^"]*)"', drawn)
    if box is None:
        raise RuntimeError("matplotlib drew an SVG without a viewBox")
    label = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = f'<svg role="img" aria-label="{label}" viewBox="{box[1]}" width="100%">'
    return re.sub(r"\n\s*", "\n", head + drawn[drawn.index(">") + 1 :]).strip()


def _rounded(path: re.Match[str]) -> str:
    """Give a path's coordinates two decimals: a hundredth of a point is enough and saves half the bytes."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path[0])

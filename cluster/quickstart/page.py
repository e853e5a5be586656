"""The page a quickstart ends with: what went in, what was learnt, how well, and what to try next.

It is written for somebody who has not read the code or the papers.
"""

from collections.abc import Mapping, Sequence

from densewalk.cluster.corpus_report.clip_pictures import clip_sheet, source_strips
from densewalk.cluster.quickstart.filmed_clip import FILM, MASKS, WALKS, read_film_card
from densewalk.cluster.quickstart.plan import QuickstartPlan
from densewalk.cluster.run_report import curve_charts, score_blocks
from densewalk.cluster.scoreboard import COLLAPSED, OURS, board
from densewalk.datasets.dataset import Dataset
from densewalk.datasets.records import ClipRow
from densewalk.ssl.evaluate import BENCHMARKS
from densewalk.ssl.evaluate.benchmark import Scores
from densewalk.ssl.report.blocks import Block, Chart, Code, Facts, Picture
from densewalk.ssl.report.page import Page
from densewalk.ssl.show.curves import bars
from densewalk.ssl.show.still import jpeg_bytes

__all__ = ["write_quickstart_page"]

_TRACKING, _ERROR = "scenes-tracking", "endpoint_error_px"
_LEAD = (
    "densewalk teaches a network to follow every point of a video without a single label. This page shows one small "
    "run from raw files to a scored tracker, made on this machine."
)

_SCORES_TEXT = (
    "The same network untrained, raw colours and zero motion are measured under the same protocol as the trained one; "
    "the best value of each column is marked, whoever has it. A small network after a few minutes need not lead "
    "everywhere; it must lead in tracking. `scores/*.json` holds every setting that moves a number."
)


def write_quickstart_page(plan: QuickstartPlan, scores: Mapping[str, Sequence[Scores]]) -> None:
    """Write `plan.report` from what the steps have left."""
    dataset = Dataset.open(plan.corpus)
    errors = {row.subject: row.scalars[_ERROR] for row in scores[_TRACKING]}
    page = Page("densewalk quickstart", _LEAD)
    _add_summary(page, plan, dataset, errors)
    _add_corpus(page, dataset)
    _add_training(page, plan)
    _add_film(page, plan, dataset)
    flow = scores["scenes-flow"]
    others = {name: rows for name, rows in scores.items() if rows is not flow}
    page.section("Scores beside the floor", _SCORES_TEXT, *score_blocks(others), _masks(plan))
    _add_collapse(page, plan, flow)
    page.section("What to do next", "Every command has `--help`.", Code(text=_next_commands(plan)))
    page.write(plan.report)


def _add_summary(page: Page, plan: QuickstartPlan, dataset: Dataset, errors: Mapping[str, float]) -> None:
    card = dataset.card
    text = (
        "The bars say how far from the truth a tracked point is on average, on generated scenes that no run has seen. "
        "`zero-motion` guesses that nothing moves, `rgb` follows colours, `untrained` is the same network before "
        f"training, and `{COLLAPSED}` is explained below."
    )
    facts = Facts(
        facts=(
            (f"{card.num_clips}", f"clips from {card.num_sources} videos, {card.seconds:.0f} s in all"),
            (f"{plan.train.steps:,}", f"training steps of {plan.train.batch_size} clips"),
            (f"{errors[OURS]:.1f} px", "mean error of a tracked point"),
            (f"{errors['zero-motion']:.1f} px", "the error of guessing that nothing moves"),
        )
    )
    label = "endpoint error, px of a 256 x 256 picture (shorter is better)"
    page.section("In short", text, facts, Chart(svg=bars(errors, label=label, ours=[OURS])))


def _add_corpus(page: Page, dataset: Dataset) -> None:
    outcomes = dataset.card.source_outcomes
    text = (
        f"{sum(outcomes.values())} files went in: {outcomes['written']} gave clips, {outcomes['rejected']} were not "
        f"wanted, {outcomes['failed']} could not be read; `ledger.parquet` says why. A network finds where the film "
        "cuts from one shot to another (red lines), and no clip ever reaches over a cut: a point cannot be followed "
        "from one scene into another."
    )
    strips: list[Block] = [
        Picture(
            content=jpeg_bytes(strip),
            alt=f"frames of {source.uri.rpartition('/')[2]} over time with {len(source.cuts)} cuts as red lines",
            caption="One source from its first to its last second." if not number else "",
        )
        for number, (source, strip) in enumerate(source_strips(dataset.folder))
    ]
    sheet = Picture(
        content=jpeg_bytes(clip_sheet(dataset.folder)),
        alt="first, middle and last frame of clips of the dataset",
        caption="Clips as they are stored; a red edge means that the source cuts there.",
    )
    page.section("What went in", text, *strips, sheet)


def _add_training(page: Page, plan: QuickstartPlan) -> None:
    scenes = 100 * plan.train.data.scene_weight
    text = (
        "A walker starts on a patch of one frame, steps to the patch of a later frame that looks most "
        "like it, and steps back to the first frame. If the features are right, it comes home. The way back is shown "
        "through another crop of the picture, so home has moved, and only what the patch looks like can lead there. "
        "That is label warping; nobody ever says where a point really went.\n\n"
        f"Of the training clips {scenes:.0f}% were generated scenes and {100 - scenes:.0f}% the clips above. The thin "
        "lines are single steps, the thick ones a running median."
    )
    page.section("How it learnt", text, *curve_charts(plan.runs))


def _add_film(page: Page, plan: QuickstartPlan, dataset: Dataset) -> None:
    row = _filmed_row(plan, dataset)
    text = (
        "A grid of points is laid on the first frame of a real clip and followed from frame to frame. The tail shows "
        "where a point has been; a hollow marker says that the network takes it for hidden or lost. Nothing in this "
        "clip was ever labelled.\n\nBelow it is one random walk. Left: a point is chosen. Middle: where the walkers "
        "that start there go in a later frame; bright is many. Right: where they are after stepping back. The tighter "
        "the spot around the ring, the surer the network is of what it followed."
    )
    film = Picture(
        content=(plan.track / FILM).read_bytes(),
        alt="points with coloured tails following the movement of a real clip",
        caption=f"Clip {row.key}, {row.frames / row.fps:.1f} s at {row.fps:g} frames a second.",
    )
    walk = _walk(plan, OURS, "Where walkers go that start on one point of this clip.")
    page.section("What it sees move", text, film, walk)


def _add_collapse(page: Page, plan: QuickstartPlan, flow: Sequence[Scores]) -> None:
    seen = {row.subject: row.scalars for row in flow}
    collapsed, ours = seen[COLLAPSED], seen[OURS]
    text = (
        "The same network was trained once more with one crop for both ways. Home then lies where the walk began, so "
        "a walker gets there by staying put, whatever it sees: the loss falls faster, and the network learns places "
        f"instead of looks. Between two frames in which points truly move {ours['true_px']:.1f} px it sees "
        f"{collapsed['predicted_px']:.1f} px of motion and is {collapsed['EPE']:.1f} px off, where guessing that "
        f"nothing moves is {seen['zero-motion']['EPE']:.1f} px off. With label warping the network sees "
        f"{ours['predicted_px']:.1f} px and is {ours['EPE']:.1f} px off. A loss that falls proves nothing, which is "
        "why every score here stands beside its floor."
    )
    walk = _walk(plan, COLLAPSED, "The same point without label warping.")
    page.section("What label warping is for", text, board(flow, caption=BENCHMARKS["scenes-flow"].text), walk)


def _walk(plan: QuickstartPlan, name: str, caption: str) -> Picture:
    alt = "a query point, the walkers' distribution in a later frame, and their distribution after the return"
    return Picture(content=(plan.track / WALKS[name]).read_bytes(), alt=alt, caption=caption)


def _masks(plan: QuickstartPlan) -> Picture:
    return Picture(
        content=(plan.track / MASKS).read_bytes(),
        alt="four frames of a generated scene with coloured objects, twice",
        caption="Mask propagation in one held-out scene over a second. Above: the true objects. Below: the objects of "
        "the first frame as the network carried them along.",
    )


def _filmed_row(plan: QuickstartPlan, dataset: Dataset) -> ClipRow:
    key = read_film_card(plan.track)["clip"]
    return next(row for row in dataset if row.key == key)


def _next_commands(plan: QuickstartPlan) -> str:
    run = plan.runs[OURS]
    return "\n".join(
        (
            "# your own videos, a longer run",
            "densewalk prepare ~/videos --out data/corpus",
            "densewalk pretrain data/corpus --out runs/first steps=5000",
            "densewalk evaluate runs/first",
            "densewalk report runs/first",
            "",
            "# the network of this page on any video",
            f"densewalk track {run} video.mp4 --out tracks.mp4 --short-side {plan.film.short_side_px}",
            "",
            "# is the dataset of this page sound?",
            f"densewalk inspect {plan.corpus}",
        )
    )

"""How much of Kinetics is there: per split and per label, and which clips exactly.

Links rot: of one list of 19,906 validation clips, papers report on 18,076 to 19,881. Scores compare only over the same
clips, so `present_names` gives the list to publish beside a result.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from densewalk.datasets.config import require
from densewalk.pipelines.sources.kinetics import Annotations
from densewalk.pipelines.sources.spec import SourceSpec

__all__ = ["Coverage", "Share", "coverage", "present_names"]

_WORST_LABELS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Annotations of one split and label by what became of them."""

    present: int = 0
    """Their files are there, replacements not counted."""
    replaced: int = 0
    """A file of the replacement archive serves."""
    absent: int = 0

    @property
    def total(self) -> int:
        """All annotations."""
        return self.present + self.replaced + self.absent

    @property
    def ratio(self) -> float:
        """Which part of them has a file; 1 when there are none."""
        return (self.present + self.replaced) / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What there is of one list of annotations."""

    shares: dict[tuple[str, str], Share]
    """By split and label, sorted."""
    broken: int
    """Rows that could not be read."""
    extra: dict[str, int]
    """Video files that no row names, by the split whose folder they lie below; splits without annotations are left
    out."""

    def of(self, *, split: str | None = None, label: str | None = None) -> Share:
        """Return the sum over the shares of a split and of a label; None for all."""
        found = [s for (a, b), s in self.shares.items() if split in (None, a) and label in (None, b)]
        return Share(
            present=sum(share.present for share in found),
            replaced=sum(share.replaced for share in found),
            absent=sum(share.absent for share in found),
        )

    def report(self) -> str:
        """Return a text: a line a split, then the labels of which least is there."""
        lines = [_line("split", "present", "replaced", "absent", "extra", "there")]
        for split in dict.fromkeys([*(split for split, _ in self.shares), *self.extra]):
            share = self.of(split=split)
            lines.append(_counted(split or "(none)", share, self.extra.get(split, 0)))
        if self.broken:
            lines.append(f"{self.broken} rows could not be read")
        shares = {label: self.of(label=label) for label in dict.fromkeys(label for _, label in self.shares)}
        worst = sorted((share.ratio, label) for label, share in shares.items() if label and share.absent)
        if worst:
            lines += ["", _line("label", "present", "replaced", "absent", "", "there")]
            lines += [_counted(label, shares[label], None) for _, label in worst[:_WORST_LABELS]]
        return "\n".join(lines)


def coverage(text: str) -> Coverage:
    """Return what there is of the annotations of a `kinetics:` specification.

    Raises `ConfigError` when it is of another kind or its files are absent.
    """
    annotations = Annotations(_kinetics(text))
    counts = Counter((match.split, match.mention.label, match.status) for match in annotations.matches())
    keys = sorted({(split, label) for split, label, status in counts if status != "broken"})
    splits = {"", *(split for split, _ in keys)}
    return Coverage(
        shares={
            key: Share(
                present=counts[*key, "present"], replaced=counts[*key, "replaced"], absent=counts[*key, "absent"]
            )
            for key in keys
        },
        broken=sum(number for (*_, status), number in counts.items() if status == "broken"),
        extra={split: number for split, number in annotations.files.extra().items() if split in splits},
    )


def present_names(text: str) -> Iterator[str]:
    """Return the sorted `<youtube id>_<start>_<end>` of every annotated clip of which there is a file."""
    matches = Annotations(_kinetics(text)).matches()
    found = {match.clip for match in matches if match.status in ("present", "replaced")}
    return iter(sorted(found))


def _kinetics(text: str) -> SourceSpec:
    spec = SourceSpec.parse(text)
    require(spec.kind != "kinetics" and f"{text}: coverage is known of kinetics:CSV@videos=DIR only")
    return spec


def _counted(name: str, share: Share, extra: int | None) -> str:
    there = f"{share.ratio:.1%}"
    return _line(name, share.present, share.replaced, share.absent, "" if extra is None else extra, there)


def _line(name: str, *cells: object) -> str:
    return f"{name:<32}" + "".join(f"{cell:>10}" for cell in cells)

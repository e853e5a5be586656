"""densewalk export: write a subject's network for the tools of others."""

from pathlib import Path
from typing import Annotated

import typer

from densewalk.cluster.cli.arguments import output_folder
from densewalk.cluster.progress import say

__all__ = ["export"]


def export(
    subject: Annotated[str, typer.Argument(help="What is exported, as densewalk evaluate names it.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the export.")],
) -> None:
    """Write a residual network for detectron2, with the script that scores it on COCO.

    The folder holds weights under detectron2's names, its settings, and a script that trains Mask R-CNN over the frozen
    network and leaves scores that densewalk report shows.

    \b
    Example:
      densewalk export moco:r50.pth@stages=4 --out detection
      python detection/run_detection.py --data COCO --out scores
    """
    from densewalk.cluster.exporting import export_for_detectron2

    runner = export_for_detectron2(subject, output_folder(out))
    say(f"next, where detectron2 is installed: python {runner} --data COCO --out scores")

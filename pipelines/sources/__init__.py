"""Where videos come from: `read_entries` turns source specifications into entries; `spec.py` lists their forms."""

from densewalk.pipelines.sources.coverage import Coverage, coverage, present_names
from densewalk.pipelines.sources.folders import VIDEO_SUFFIXES
from densewalk.pipelines.sources.reading import read_entries
from densewalk.pipelines.sources.spec import KINDS, SourceKind, SourceSpec, describe_spec

__all__ = [
    "KINDS",
    "VIDEO_SUFFIXES",
    "Coverage",
    "SourceKind",
    "SourceSpec",
    "coverage",
    "describe_spec",
    "present_names",
    "read_entries",
]

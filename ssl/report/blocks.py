"""What a page is made of besides tables: pictures, charts, code, notes, key numbers, settings, and what folds away."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar, Literal

import av
from PIL import Image

from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.report.table import Table

__all__ = ["Block", "Chart", "Code", "Facts", "Fold", "Listing", "Note", "Picture"]

_SIGNATURES = [
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (4, b"ftyp", "video/mp4"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A still or moving picture: the bytes of a PNG, JPEG, GIF or mp4 file."""

    kind: ClassVar[str] = "picture"

    content: bytes
    alt: str
    """What a reader who cannot see it must know."""
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError("a picture needs an alternative text")
        _ = self.media_type

    @property
    def media_type(self) -> str:
        """MIME type, told from the first bytes; raises `ValueError` for any other format."""
        for place, signature, media_type in _SIGNATURES:
            if self.content[place : place + len(signature)] == signature:
                return media_type
        raise ValueError(f"a picture is PNG, JPEG, GIF or mp4; these bytes begin with {self.content[:12]!r}")

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels, so that the page does not jump while it loads."""
        if self.media_type != "video/mp4":
            return Image.open(BytesIO(self.content)).size
        with av.open(BytesIO(self.content)) as container:
            return container.streams.video[0].width, container.streams.video[0].height

    @property
    def uri(self) -> str:
        """The content as a data URI."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """An inline SVG as `ssl/show` draws them; it carries its own description and takes the page's colours.

    Raises `ValueError` for anything but one `<svg>` element that neither acts nor refers to something outside.
    """

    kind: ClassVar[str] = "chart"

    svg: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.svg.startswith("<svg"):
            raise ValueError(f"a chart is one <svg> element; this begins with {self.svg[:20]!r}")
        check_drawing(self.svg)

    @property
    def width_px(self) -> float:
        """Width at which its letters have their natural size."""
        box = re.match(r'<svg[^>]*viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ', self.svg)
        return float(box[1]) if box else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Text shown as it is: a command, a configuration."""

    kind: ClassVar[str] = "code"

    text: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark set off from the text."""

    kind: ClassVar[str] = "note"

    text: str
    tone: Literal["plain", "warning"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A few key numbers in large type: (value, what it is)."""

    kind: ClassVar[str] = "facts"

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Settings or facts of little weight: (name, value) in small type."""

    kind: ClassVar[str] = "listing"

    entries: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Blocks behind a line of text that opens them."""

    kind: ClassVar[str] = "fold"

    summary: str
    blocks: tuple["Block", ...]
    is_open: bool = False


Block = Picture | Chart | Table | Code | Note | Facts | Listing | Fold

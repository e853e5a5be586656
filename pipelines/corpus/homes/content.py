"""What identifies the bytes of a file and of an object, so that one can be known for the other without reading it.

S3 names an object that came in one piece by its MD5, and one that came in parts by the MD5 of their MD5s and their
number, unless the bucket encrypts with keys of its own; then only the SHA-256 that was written beside it tells.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Content", "part_bytes"]

_PART_BYTES = 16 << 20
_MOST_PARTS = 9000


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Size and hashes of a file."""

    bytes: int
    sha256: str
    md5: str
    etag_of_parts: str
    """What S3 calls it when it comes in parts of `part_bytes`."""

    @classmethod
    def of(cls, path: Path) -> "Content":
        """Read a file once."""
        size = path.stat().st_size
        sha256, md5, parts, count = hashlib.sha256(), _md5(), _md5(), 0
        with path.open("rb") as file:
            while part := file.read(part_bytes(size)):
                sha256.update(part)
                md5.update(part)
                parts.update(_md5(part).digest())
                count += 1
        return cls(
            bytes=size, sha256=sha256.hexdigest(), md5=md5.hexdigest(), etag_of_parts=f"{parts.hexdigest()}-{count}"
        )

    def is_called(self, etag: str) -> bool:
        """Return whether S3 would give this content the name `etag`."""
        return etag.strip('"') in (self.md5, self.etag_of_parts)


def part_bytes(size: int) -> int:
    """Return the size of the parts that a file of `size` bytes is sent in."""
    return max(_PART_BYTES, -(-size // _MOST_PARTS))


def _md5(content: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(content, usedforsecurity=False)  # a name, not a seal

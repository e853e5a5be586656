"""Where an item of a list lies: an absolute path, a URL, or `youtube:` and an id.

Spellings of the same place become one: a YouTube URL in any of its usual forms becomes the id in it, a path loses `..`.
A URL that carries a password is refused, since it would stay in the dataset for ever.
"""

import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

__all__ = ["is_youtube8m_id", "is_youtube_id", "locate", "youtube_id_of"]

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_HIDDEN_ID = re.compile(r"[A-Za-z0-9_-]{4}")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://.*")
_SCHEMES = ("http", "https", "s3", "gs", "hf")
_YOUTUBE_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"})
_NO_COOKIE_HOST = "www.youtube-nocookie.com"
_SHORT_HOST = "youtu.be"
_ID_FOLDERS = frozenset({"shorts", "embed", "live", "v"})


def is_youtube_id(text: str) -> bool:
    """Return whether `text` has the form of a YouTube id: 11 letters, digits, `_` and `-`."""
    return _ID.fullmatch(text) is not None


def is_youtube8m_id(text: str) -> bool:
    """Return whether `text` has the form of an id of YouTube-8M, which stands for a YouTube id: 4 such letters."""
    return _HIDDEN_ID.fullmatch(text) is not None


def youtube_id_of(text: str) -> str | None:
    """Return the id in an id, `youtube:` and an id, or a YouTube URL; None when there is none."""
    bare = text.removeprefix("youtube:")
    if is_youtube_id(bare):
        return bare
    if not _URL.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    folders = parts.path.strip("/").split("/")
    found = ""
    if host == _SHORT_HOST and len(folders) == 1:
        found = folders[0]
    elif host in _YOUTUBE_HOSTS and folders == ["watch"]:
        found = parse_qs(parts.query).get("v", [""])[0]
    elif host in _YOUTUBE_HOSTS | {_NO_COOKIE_HOST} and len(folders) == 2 and folders[0] in _ID_FOLDERS:
        found = folders[1]
    return found if is_youtube_id(found) else None


def locate(text: str, root: Path) -> str:
    """Return the uri of an item; a relative path is below `root`, and eleven letters are a path if one is there.

    Raises `ValueError` on letters that cannot be printed, on a scheme that cannot be fetched, and on a URL without a
    host, with a password, or of YouTube without a video's id.
    """
    item = text.strip()
    if not item:
        raise ValueError("no path or URL")
    if not item.isprintable():
        raise ValueError(f"{item!a} holds letters that cannot be printed")
    url = _URL.fullmatch(item)
    if url:
        return _checked_url(item, url["scheme"].lower())
    if item.startswith("youtube:"):
        if not youtube_id_of(item):
            raise ValueError(f"{item} is no YouTube id of 11 letters, digits, _ and -")
        return item
    path = os.path.normpath(root / item)
    if is_youtube_id(item) and not os.path.lexists(path):
        return f"youtube:{item}"
    return path


def _checked_url(item: str, scheme: str) -> str:
    if scheme not in _SCHEMES:
        raise ValueError(f"a URL of scheme {scheme}:; expected a path or one of {', '.join(_SCHEMES)}")
    parts = urlsplit(item)  # raises ValueError on brackets that do not match
    if not parts.netloc:
        raise ValueError(f"no host in {item}")
    if "@" in parts.netloc and scheme in ("http", "https"):
        raise ValueError(f"a URL of {parts.netloc.rpartition('@')[2]} carries a name or password")
    if " " in item and scheme in ("http", "https"):
        raise ValueError(f"a blank in {item}; write %20")
    if (parts.hostname or "").lower() in _YOUTUBE_HOSTS | {_NO_COOKIE_HOST, _SHORT_HOST}:
        found = youtube_id_of(item)
        if not found:
            raise ValueError(f"no video's id in {item}")
        return f"youtube:{found}"
    return f"{scheme}{item[len(scheme) :]}"

"""Connections to web servers, kept open between requests: the standard library's parser on a timed socket.

`http.client` is used because every byte must be timed, single bytes of a head too, and bodies must come as sent.
Proxies of the environment (https_proxy, no_proxy) are used; cookies and stored passwords have no part in it.
"""

import base64
import http.client
import os
import socket
import ssl
import time
import urllib.request
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from densewalk.datasets.errors import ConfigError
from densewalk.datasets.storage.timed_socket import Clock, TimedSocket, trusted_certificates

__all__ = ["PORTS", "Links", "Origin", "WebLink"]

PORTS = {"http": 80, "https": 443}
_IDLE_SECONDS = 50.0
"""Servers close what is idle after a minute or so; a link is not used again when it may be about to be closed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The server of a URL."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, parts: SplitResult) -> "Origin":
        """Return the server that a URL taken apart names."""
        return cls(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])

    @property
    def netloc(self) -> str:
        """Host and, where it is not the usual one, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class WebLink:
    """One connection; for one thread at a time. Raises `OSError` and `HTTPException` for what happens to it."""

    def __init__(self, origin: Origin, clock: Clock) -> None:
        self.origin = origin
        self.is_used = False
        """Whether an answer came over it, so that the server may have closed it since."""
        self.idle_since = 0.0
        proxy = _proxy_of(origin)
        self._prefix = f"http://{origin.netloc}" if proxy and origin.scheme == "http" else ""
        self._always = _credentials(proxy) if proxy and self._prefix else {}
        self._stream = _connected(origin, proxy, clock)
        self._client = http.client.HTTPConnection(origin.host, origin.port)
        self._client.auto_open = 0

    def get(self, target: str, headers: Mapping[str, str], clock: Clock) -> http.client.HTTPResponse:
        """Ask for a path and query; return the answer, to be read to its end before the link is used again."""
        self._client.sock = TimedSocket(self._stream, clock)
        self._client.putrequest("GET", self._prefix + target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self.origin.netloc, **self._always, **headers}.items():
            self._client.putheader(name, value)
        self._client.endheaders()
        answer = self._client.getresponse()
        self.is_used = True
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
        self._stream.close()


class Links:
    """Idle connections of this process, by server; a fork has none, since it must not speak on its parent's."""

    def __init__(self) -> None:
        self._idle: dict[tuple[int, Origin], deque[WebLink]] = {}

    def take(self, origin: Origin, clock: Clock) -> WebLink:
        """Return a connection that nobody uses."""
        idle = self._of(origin)
        with suppress(IndexError):
            while True:
                link = idle.pop()
                if time.monotonic() - link.idle_since < _IDLE_SECONDS:
                    return link
                link.close()
        return WebLink(origin, clock)

    def give_back(self, link: WebLink) -> None:
        """Keep a connection whose last answer was read to its end."""
        link.idle_since = time.monotonic()
        self._of(link.origin).append(link)

    def _of(self, origin: Origin) -> "deque[WebLink]":
        return self._idle.setdefault((os.getpid(), origin), deque())  # atomic, as are the deque's own methods


def _connected(origin: Origin, proxy: SplitResult | None, clock: Clock) -> socket.socket:
    host, port = (origin.host, origin.port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
    client = http.client.HTTPConnection(host, port, timeout=min(clock.stall_seconds, clock.left()))
    if proxy is not None and origin.scheme == "https":
        client.set_tunnel(origin.host, origin.port, _credentials(proxy))
    client.connect()
    stream: socket.socket = client.sock
    if origin.scheme == "http":
        return stream
    try:
        return trusted_certificates().wrap_socket(stream, server_hostname=origin.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        raise ConfigError(
            f"https://{origin.netloc} is not trusted: {error.verify_message}; "
            "name the certificates that vouch for it in SSL_CERT_FILE"
        ) from error
    except BaseException:
        stream.close()
        raise


def _proxy_of(origin: Origin) -> SplitResult | None:
    address = urllib.request.getproxies().get(origin.scheme, "")
    if not address or urllib.request.proxy_bypass(origin.host):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme != "http":
        raise ConfigError(f"{origin.scheme}_proxy has the scheme {parts.scheme}://; expected http://HOST:PORT")
    return parts


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    text = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

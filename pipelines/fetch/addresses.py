"""Which machine a URL means, and whether a request may go there.

A name is resolved once and the connection made to the address that was checked, so a name that changes its mind between
check and use gains nothing. A redirect may lead to the public network or to where the first URL already was; the
link-local range, where clouds keep their keys, is never asked.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["Address", "Network", "admitted_ips", "network_of", "parse_url"]

Network = Literal["public", "private", "loopback", "forbidden"]
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|[0-9a-f:.]+")
_KEPT = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart, as ASCII."""

    scheme: str
    host: str
    """Lower case; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query, as they are requested."""

    @property
    def netloc(self) -> str:
        """Host and, where it is not the usual one, port: the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL again, without a fragment."""
        return f"{self.scheme}://{self.netloc}{self.target}"


def parse_url(url: str) -> Address:
    """Take an http(s) URL apart; raises `FetchFault` (bad address) for any other."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in url):
        raise FetchFault("bad address", f"control characters in {url!r}")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("ascii" if ":" in (parts.hostname or "") else "idna").decode().lower()
        port = parts.port
        target = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    except (ValueError, UnicodeError) as error:
        raise FetchFault("bad address", f"{url}: {error}") from error
    if parts.scheme not in _PORTS:
        raise FetchFault("bad address", f"{url}: expected http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise FetchFault("bad address", "holds a user name or password, which are never sent or written down")
    if not _HOST.fullmatch(host):
        raise FetchFault("bad address", f"{url}: no host in it")
    return Address(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, target)


def network_of(ip: str) -> Network:
    """Return where an IP address lies."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if address.is_loopback:
        return "loopback"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "forbidden"
    return "public" if address.is_global else "private"


def admitted_ips(address: Address, networks: frozenset[Network]) -> list[tuple[str, Network]]:
    """Resolve the host; return its IP addresses and where they lie, in the resolver's order.

    Raises `FetchFault` when the name is not known, or when any of its addresses lies outside `networks`.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchFault("network fault", f"cannot resolve {address.host}: {error}", again=True) from error
    ips = [(str(ip), network_of(str(ip))) for ip in dict.fromkeys(info[4][0] for info in found)]
    for ip, network in ips:
        if network not in networks:
            raise FetchFault("bad address", f"{address.host} is {ip}, a {network} address")
    return ips

"""One http(s) request over a connection whose every byte is timed: the standard library's parser on a checked socket.

`http.client` is used rather than a session library because three things must be in hand that those hide: the address
that is connected to (see addresses.py), how long each read may take, and the body exactly as sent, never decompressed
in passing. Environment proxies, cookies and stored passwords have no part in it.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from densewalk.datasets.storage.timed_socket import TimedSocket, trusted_certificates
from densewalk.pipelines.fetch.addresses import Address, Network, admitted_ips
from densewalk.pipelines.fetch.errand import Clock
from densewalk.pipelines.fetch.faults import FetchFault

__all__ = ["request"]


@contextmanager
def request(
    address: Address, headers: Mapping[str, str], *, networks: frozenset[Network], clock: Clock
) -> Iterator[tuple[http.client.HTTPResponse, Network]]:
    """GET `address`; yield the answer, whose body is read inside the block, and the network it came from.

    Raises `FetchFault` for whatever goes wrong with the connection, in the block too.
    """
    try:
        plain, network = _connected(address, admitted_ips(address, networks), clock)
        with contextlib.ExitStack() as stack:
            stack.callback(plain.close)
            stream = _secured(plain, address.host, clock) if address.scheme == "https" else plain
            stack.callback(stream.close)
            connection = http.client.HTTPConnection(address.host, address.port)
            connection.sock = TimedSocket(stream, clock)
            connection.putrequest("GET", address.target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": address.netloc, "Connection": "close", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            yield connection.getresponse(), network
    except ssl.SSLCertVerificationError as error:
        raise FetchFault("certificate not trusted", f"{address.host}: {error.verify_message}") from error
    except TimeoutError as error:
        clock.left()
        raise FetchFault("stalled", f"{address.host}: {error}; fetch.stall_seconds", again=True) from error
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        raise FetchFault("network fault", f"{address.host}: {said}", again=True) from error


def _connected(address: Address, ips: list[tuple[str, Network]], clock: Clock) -> tuple[socket.socket, Network]:
    """Connect to the first of the IP addresses that answers."""
    fault: OSError = OSError(f"{address.host} has no address")
    for ip, network in ips:
        try:
            timeout = min(clock.stall_seconds, clock.left())
            return socket.create_connection((ip, address.port), timeout=timeout), network
        except OSError as error:
            fault = error
    raise fault


def _secured(plain: socket.socket, host: str, clock: Clock) -> ssl.SSLSocket:
    plain.settimeout(min(clock.stall_seconds, clock.left()))
    return trusted_certificates().wrap_socket(plain, server_hostname=host)

"""Connections over TLS and through proxies, kept and dropped."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from densewalk.datasets.errors import ConfigError, DataError, UnreachableError
from densewalk.datasets.storage import web_link
from densewalk.datasets.storage.opening import open_store
from densewalk.datasets.storage.timed_socket import trusted_certificates
from densewalk.datasets.storage.web_link import Origin
from tests.range_server import Fault, RangeServer
from tests.self_signed import write_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost` that nobody trusts."""
    return write_certificate(tmp_path / "certificate.pem")


@pytest.fixture
def secure(server: RangeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let the server speak TLS; return its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True, do_handshake_on_connect=False)
    trusted_certificates.cache_clear()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    yield server.url.replace("http://127.0.0.1", "https://localhost")
    trusted_certificates.cache_clear()


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Listen as a proxy that connects wherever CONNECT says; return its address and the heads it was sent."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def carry(source: socket.socket, target: socket.socket) -> None:
            while block := source.recv(1 << 16):
                target.sendall(block)

        def serve() -> None:
            client, _ = listener.accept()
            heads.append(client.recv(1 << 12))
            host, _, port = heads[0].split()[1].decode().partition(":")
            server = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            threading.Thread(target=carry, args=(server, client), daemon=True).start()
            carry(client, server)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads


def test_a_certificate_that_is_not_trusted_is_told_at_once(secure: str, cache) -> None:
    with pytest.raises(ConfigError, match=r"https://localhost:\d+ is not trusted: .*SSL_CERT_FILE"):
        open_store(f"{secure}/d", cache(bytes=0)).size("a.tar")


def test_files_come_over_one_secure_connection(secure, certificate, server, cache, body, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    web = open_store(f"{secure}/d", cache(bytes=0, stall_seconds=5.0, deadline_seconds=20.0))
    for offset in (0, 1000, 100_000):
        assert web.read("a.tar", offset, 150_000) == body[offset : offset + 150_000]
    assert len({asked.port for asked in server.asked}) == 1


def test_a_secure_redirect_never_leads_to_an_insecure_place(secure, certificate, server, cache, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server.plan = lambda _: Fault(status=302, headers={"Location": "http://localhost/a.tar"})
    with pytest.raises(DataError, match="redirected to"):
        open_store(f"{secure}/d", cache(bytes=0, stall_seconds=5.0, deadline_seconds=20.0)).size("a.tar")


def test_a_secure_place_is_reached_through_a_proxy(secure, certificate, proxy, cache, body, monkeypatch) -> None:
    address, heads = proxy
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("https_proxy", address.replace("//", "//me:s3cret@"))
    monkeypatch.setenv("no_proxy", "")
    web = open_store(f"{secure}/d", cache(bytes=0, stall_seconds=5.0, deadline_seconds=20.0))
    assert web.read("a.tar", 3, 9) == body[3:12]
    assert heads[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic bWU6czNjcmV0" in heads[0]


def test_a_handshake_that_stalls_is_left(cache: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            open_store(f"https://localhost:{silent.getsockname()[1]}/d", cache(deadline_seconds=0.5)).size("a")
        assert time.monotonic() - began < 3


def test_a_link_that_was_idle_for_long_is_not_used_again(server: RangeServer, cache, body, monkeypatch) -> None:
    monkeypatch.setattr(web_link, "_IDLE_SECONDS", 0.0)
    web = open_store(f"{server.url}/d", cache(bytes=0))
    for offset in (0, 10):
        assert web.read("a.tar", offset, 9) == body[offset : offset + 9]
    assert len({asked.port for asked in server.asked}) == 2


@pytest.mark.parametrize(
    ("url", "netloc"),
    [("http://h/a", "h"), ("http://h:80/a", "h"), ("https://h:80/a", "h:80"), ("http://[::1]:9/a", "[::1]:9")],
)
def test_a_server_is_named_without_its_usual_port(url: str, netloc: str) -> None:
    assert Origin.of(urlsplit(url)).netloc == netloc

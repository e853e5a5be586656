"""Connections over TLS: certificates are checked against the name, and handshakes are timed."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from densewalk.datasets.storage.timed_socket import trusted_certificates
from densewalk.pipelines.fetch.faults import FetchFault
from densewalk.pipelines.fetch.http_source import download
from tests.self_signed import write_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost` that signs itself, with its key."""
    return write_certificate(tmp_path / "certificate.pem")


@pytest.fixture
def secure(server: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the server speak TLS, and the client trust nobody yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True, do_handshake_on_connect=False)
    trusted_certificates.cache_clear()
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    yield server
    trusted_certificates.cache_clear()


def _https(server: Any, host: str) -> str:
    return server.url("/a", host).replace("http:", "https:")


def test_an_unknown_certificate_is_refused_and_a_known_one_trusted_for_its_name(
    secure: Any,
    video: Any,
    body: bytes,
    errand: Any,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secure.play("/a", video(body))
    with pytest.raises(FetchFault) as caught:
        download(_https(secure, "localhost"), tmp_path / "a", errand())
    assert caught.value.reason == "certificate not trusted"
    trusted_certificates.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    download(_https(secure, "localhost"), tmp_path / "a", errand())
    assert (tmp_path / "a").read_bytes() == body
    with pytest.raises(FetchFault) as caught:
        download(_https(secure, "127.0.0.1"), tmp_path / "b", errand())
    assert caught.value.reason == "certificate not trusted"


def test_a_handshake_that_never_ends_stalls(errand: Callable[..., Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []
        threading.Thread(target=lambda: held.append(listener.accept()[0]), daemon=True).start()
        began = time.monotonic()
        with pytest.raises(FetchFault) as caught:
            download(f"https://127.0.0.1:{listener.getsockname()[1]}/", tmp_path / "a", errand(attempts=1))
        assert caught.value.reason == "stalled"
        assert time.monotonic() - began < 1
        for stream in held:
            stream.close()

"""Addresses: what a URL means, and which networks an IP address lies in."""

import socket

import pytest

from densewalk.pipelines.fetch.addresses import admitted_ips, network_of, parse_url
from densewalk.pipelines.fetch.faults import FetchFault


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://a.org", "http://a.org/"),
        ("HTTPS://A.org:443/b c.mp4?x=1 2#part", "https://a.org/b%20c.mp4?x=1%202"),
        ("http://a.org:8080/%20%zz", "http://a.org:8080/%20%zz"),
        ("http://bücher.example/ü.mp4", "http://xn--bcher-kva.example/%C3%BC.mp4"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
    ],
)
def test_a_url_is_asked_for_as_plain_ascii(url: str, asked: str) -> None:
    assert parse_url(url).url == asked


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://a.org/b", "http://", "http:///a", "http://a.org:99999/", "http://a.org:x/"),
        *("http://u:secret@a.org/", "http://a.org\r\nX: y/", "http://[::bad/", "http://a b.org/", "http://.../"),
        *("http://a.org/\udcff", "http://good.org\\@bad.org/", "http://[fe80::1%25eth0]/"),
    ],
)
def test_a_doubtful_url_is_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(FetchFault) as caught:
        parse_url(url)
    assert caught.value.reason == "bad address"
    assert not caught.value.is_retryable
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("8.8.8.8", "public"),
        ("2600::1", "public"),
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("fd00::1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "forbidden"),
        ("::ffff:169.254.169.254", "forbidden"),
        ("fe80::1%eth0", "forbidden"),
        ("0.0.0.0", "forbidden"),
        ("224.0.0.1", "forbidden"),
        ("255.255.255.255", "forbidden"),
    ],
)
def test_every_ip_lies_in_one_network(ip: str, network: str) -> None:
    assert network_of(ip) == network


def test_one_bad_address_of_a_name_is_enough_to_refuse_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 1, 6, "", (ip, 80)) for ip in ("8.8.8.8", "8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    address = parse_url("http://mixed.example/")
    assert admitted_ips(address, frozenset({"public", "private"})) == [("8.8.8.8", "public"), ("10.0.0.1", "private")]
    with pytest.raises(FetchFault, match="a private address"):
        admitted_ips(address, frozenset({"public"}))
    monkeypatch.undo()
    with pytest.raises(FetchFault, match="a forbidden address"):
        admitted_ips(parse_url("http://169.254.169.254/latest"), frozenset({"public", "private", "loopback"}))
    with pytest.raises(FetchFault, match="loopback"):
        admitted_ips(parse_url("http://2130706433/"), frozenset({"public"}))

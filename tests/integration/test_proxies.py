# SPDX-License-Identifier: Apache-2.0
"""Downloads through a real forward proxy, and from a server that only an authority of one's own vouches for."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.errors import FetchError
from peers.fixtures import Workshop
from peers.proxies import FAR, Authority, ForwardProxy, far_server, forward_proxy, make_authority
from support.own_wheel import NAME, wheel

pytestmark = pytest.mark.integration

NOBODY = "http://127.0.0.1:9"
SPEC = "3.13-slim-trixie"
BODY = b"content"


@pytest.fixture(autouse=True)
def no_proxies_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[ForwardProxy]:
    with forward_proxy(tmp_path) as running:
        yield running


def get(url: str, proxy: str = "", *, direct: tuple[str, ...] = (), authorities: str = "") -> bytes:
    proxies = tuple((scheme, proxy) for scheme in ("http", "https") if proxy)
    options = FetchOptions(backoff=0.01, proxies=proxies, direct=direct, more_authorities=authorities)
    fetcher = HttpFetcher(options, sleep=time.sleep, jitter=lambda: 0.5, monotonic=time.monotonic)
    return b"".join(fetcher.stream(url, maximum=1 << 20))


def refused(url: str, proxy: str = "", *, authorities: str = "") -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(url, proxy, authorities=authorities)
    return caught.value


def test_plain_requests_and_tunnels(proxy: ForwardProxy, authority: Authority) -> None:
    with far_server({"x": BODY}) as plain, far_server({"x": BODY}, authority.server) as secure:
        assert get(f"{plain}/x", proxy.url) == BODY
        assert get(f"{secure}/x", proxy.url, authorities=str(authority.certificate)) == BODY
        seen = [line.rsplit(" ", 1)[0] for line in proxy.requests()]
        assert seen == [f"GET {plain}/x", f"CONNECT {secure.removeprefix('https://')}"]
        assert get(f"{plain}/x", proxy.url, direct=(FAR,)) == BODY
        assert len(proxy.requests()) == len(seen)


def test_an_unknown_authority_is_not_believed_and_the_remedy_is_named(
    proxy: ForwardProxy, authority: Authority
) -> None:
    with far_server({"x": BODY}, authority.server) as secure:
        for through in ("", proxy.url):
            error = refused(f"{secure}/x", through)
            assert "certificate verify failed" in error.why
            assert "ca_file under [network]" in error.hint


def test_a_certificate_for_another_host_is_not_believed(tmp_path: Path) -> None:
    other = make_authority(tmp_path, host="127.0.0.3")
    with far_server({"x": BODY}, other.server) as secure:
        assert "IP address mismatch" in refused(f"{secure}/x", authorities=str(other.certificate)).why


def test_a_proxy_that_is_not_there_is_named(authority: Authority) -> None:
    with far_server({"x": BODY}) as plain, far_server({"x": BODY}, authority.server) as secure:
        for server in (plain, secure):
            error = refused(f"{server}/x", NOBODY)
            assert error.why.startswith(f"the proxy {NOBODY} failed: ")
            assert "no_proxy" in error.hint


def test_a_proxy_that_wants_a_name_is_told_from_a_server_that_refuses(
    tmp_path: Path, authority: Authority
) -> None:
    files, trusted = {"x": BODY}, str(authority.certificate)
    with (
        forward_proxy(tmp_path, "BasicAuth me s3cret") as proxy,
        far_server(files) as plain,
        far_server(files, authority.server) as secure,
    ):
        named = proxy.url.replace("//", "//me:s3cret@")
        for server in (plain, secure):
            error = refused(f"{server}/x", proxy.url, authorities=trusted)
            assert "407" in error.why
            assert "NAME:PASSWORD@" in error.hint
            assert get(f"{server}/x", named, authorities=trusted) == BODY
        assert "s3cret" not in str(refused(f"{plain}/none", named).details)


def test_a_tunnel_that_is_refused(tmp_path: Path, authority: Authority) -> None:
    with forward_proxy(tmp_path, "ConnectPort 1") as proxy, far_server({"x": BODY}, authority.server) as secure:
        error = refused(f"{secure}/x", proxy.url, authorities=str(authority.certificate))
    assert "Tunnel connection failed: 403" in error.why


def configure(workshop: Workshop, network: str, index: str) -> Workshop:
    """A project whose one Python package is to come from an index."""
    digest = hashlib.sha256(wheel()).hexdigest()
    (workshop.directory / "imagewright.toml").write_text(
        f"""[defaults]
python_packages = ["demo-own==1.0 --hash=sha256:{digest}"]
installers = "none"

[mirrors]
pypi = "{index}/simple"

[network]
{network}
"""
    )
    return workshop


@pytest.mark.slow
def test_the_program_keeps_to_its_configuration(
    workshop: Workshop, tmp_path: Path, proxy: ForwardProxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = wheel()
    page = f'<a href="/files/{NAME}#sha256={hashlib.sha256(data).hexdigest()}">{NAME}</a>'.encode()
    files = {"simple/demo-own": page, f"files/{NAME}": data}
    project = tmp_path / "project"
    project.mkdir()
    (project / "own.pem").write_bytes(authority.certificate.read_bytes())
    here = Workshop(project, tmp_path / "store", project / "imagewright.lock")
    with far_server(files, authority.server) as secure:
        tunnel = f"CONNECT {secure.removeprefix('https://')} HTTP/1.0"
        configure(here, f'proxy = "{proxy.url}"\nca_file = "own.pem"', secure).call("lock", SPEC)
        assert tunnel in proxy.requests()
        lock = here.lock.read_text(encoding="utf-8")
        assert f"demo-own 1.0 {NAME}" in lock
        assert str(proxy.port) not in lock

        direct = configure(here, f'proxy = "{proxy.url}"\nno_proxy = ["{FAR}"]\nca_file = "own.pem"', secure)
        before = proxy.requests().count(tunnel)
        direct.call("lock", SPEC)
        assert proxy.requests().count(tunnel) == before

        ended = configure(here, f'no_proxy = ["{FAR}"]', secure).call("lock", SPEC, expect=4)
        assert "certificate verify failed" in ended.stderr
        assert "ca_file under [network]" in ended.stderr

        monkeypatch.setenv("https_proxy", NOBODY)  # the environment wins
        ended = configure(here, f'proxy = "{proxy.url}"\nca_file = "own.pem"', secure).call("lock", SPEC, expect=4)
        assert f"the proxy {NOBODY} failed" in ended.stderr

    ended = configure(here, 'ca_file = "none.pem"', secure).call("lock", SPEC, expect=3)
    assert "cannot read the CA certificates in" in ended.stderr


def test_the_secret_of_a_proxy_is_sent_to_nobody_else(tmp_path: Path) -> None:
    """Base64 of it would be found in a server's log, which shows the headers that it got."""
    secret = base64.b64encode(b"me:s3cret").decode()
    seen: list[str] = []
    with forward_proxy(tmp_path, "BasicAuth me s3cret") as proxy, far_server({"x": BODY}, seen=seen) as plain:
        assert get(f"{plain}/x", proxy.url.replace("//", "//me:s3cret@")) == BODY
    assert seen
    assert secret not in "".join(seen)

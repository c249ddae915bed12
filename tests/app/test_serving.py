# SPDX-License-Identifier: Apache-2.0
"""The web server for looking at a site: on this machine alone, and nothing but the site's files."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.app import serving
from imagewright.app.serving import Address, read_address, serve
from imagewright.app.site_files import LIST, SiteFiles
from imagewright.errors import MachineError, UsageError

FILES = {"index.html": b"<p>first", "assets/site.css": b"p{}", "data/images.js": b"x", "images/a/sbom.json": b"{}"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    with SiteFiles(tmp_path / "out", 0o022) as tree:
        tree.expect(FILES)
        for path, content in FILES.items():
            tree.put(path, content)
        tree.finish()
    (tmp_path / "out/secret.txt").write_text("not listed")
    return tmp_path / "out"


@pytest.fixture
def port(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    servers: list[serving._Server] = []
    begun = threading.Event()
    make = serving._Server

    def remembered(directory: Path, address: Address) -> serving._Server:
        servers.append(make(directory, address))
        return servers[0]

    monkeypatch.setattr(serving, "_Server", remembered)
    thread = threading.Thread(target=serve, args=(site, Address("127.0.0.1", 0), lambda _: begun.set()))
    thread.start()
    assert begun.wait(10)
    try:
        yield int(servers[0].server_address[1])
    finally:
        servers[0].shutdown()
        thread.join(10)


def ask(port: int, path: str, method: str = "GET", host: str = "") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


@pytest.mark.loopback
def test_the_sites_files_and_their_types(port: int) -> None:
    status, body, headers = ask(port, "/")
    assert (status, body, headers["Content-Type"]) == (200, b"<p>first", "text/html; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert ask(port, "/data/images.js?x=1")[2]["Content-Type"] == "text/javascript; charset=utf-8"
    assert ask(port, "/assets/site.css", "HEAD")[:2] == (200, b"")
    assert ask(port, "/images/a/sbom.json")[1] == b"{}"


@pytest.mark.loopback
@pytest.mark.parametrize(
    "path",
    ["/secret.txt", f"/{LIST}", "/../out/index.html", "/%2e%2e/x", "/assets", "/assets/", "/x"],
)
def test_nothing_else(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


@pytest.mark.loopback
def test_a_link_or_a_pipe_in_the_place_of_a_file_is_not_read(port: int, site: Path) -> None:
    (site / "index.html").unlink()
    (site / "index.html").symlink_to(site / "secret.txt")
    assert ask(port, "/")[0] == 404
    (site / "index.html").unlink()
    os.mkfifo(site / "index.html")
    assert ask(port, "/")[0] == 404


@pytest.mark.loopback
def test_other_names_of_this_machine_and_other_methods_are_refused(port: int) -> None:
    assert ask(port, "/", host="images.example")[0] == 421
    assert ask(port, "/", "POST")[0] == 501
    assert ask(port, "/", "DELETE")[0] == 501


@pytest.mark.loopback
def test_a_port_that_is_taken(port: int, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MachineError, match=f"cannot listen on 127.0.0.1:{port}"):
        serve(site, Address("127.0.0.1", port), lambda _: None)


def test_addresses() -> None:
    assert read_address("127.0.0.1:8000") == Address("127.0.0.1", 8000)
    assert read_address("[::1]:0") == Address("::1", 0)
    for text in ("0.0.0.0:80", "192.168.1.1:80", "127.0.0.1", "127.0.0.1:70000", "example.org:80", ":80", "8000"):
        with pytest.raises(UsageError, match="not ADDRESS:PORT on loopback"):
            read_address(text)

# SPDX-License-Identifier: Apache-2.0
"""A forward proxy, tinyproxy, on loopback, and a server with a certificate of an authority of one's own."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.machine import program

FAR = "127.0.0.2"
"""A host that is this machine, but is not among those that are always reached directly."""

_CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
LogFile "{log}"
LogLevel Connect
MaxClients 50
Allow 127.0.0.1
{more}
"""


@dataclass(frozen=True, slots=True)
class ForwardProxy:
    """A running proxy: its address, and what it was asked for."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """What ``proxy`` in ``[network]`` is set to."""
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[str]:
        """The request lines so far: ``GET http://…`` and ``CONNECT HOST:PORT``."""
        text = self.log.read_text(encoding="utf-8")
        return [line.rpartition("): ")[2] for line in text.splitlines() if "Request (file descriptor" in line]


@contextmanager
def forward_proxy(directory: Path, more: str = "") -> Iterator[ForwardProxy]:
    """tinyproxy while the block runs; ``more`` are further lines of tinyproxy.conf(5)."""
    proxy = ForwardProxy(_free_port(), directory / "tinyproxy.log")
    configuration = directory / "tinyproxy.conf"
    configuration.write_text(_CONFIGURATION.format(port=proxy.port, log=proxy.log, more=more))
    command = [program("tinyproxy", "tinyproxy"), "-d", "-c", str(configuration)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait(proxy.port, process)
        yield proxy
    finally:
        process.terminate()
        process.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, and a server's certificate with its key that it signed."""

    certificate: Path
    server: Path


def make_authority(directory: Path, host: str = FAR) -> Authority:
    """An authority of one's own, and a certificate for a server at an address."""
    openssl = program("openssl", "openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    root = ["-subj", "/CN=Own authority", "-addext", "keyUsage=critical,keyCertSign", "-keyout", "own.key"]
    leaf = ["-subj", "/CN=server", "-CA", "own.pem", "-CAkey", "own.key", "-addext", f"subjectAltName=IP:{host}"]
    leaf += ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "authorityKeyIdentifier=keyid"]
    for words in ([*root, "-out", "own.pem"], [*leaf, "-keyout", "server.key", "-out", "server.crt"]):
        subprocess.run([openssl, "req", "-x509", *key, *words], cwd=directory, check=True, capture_output=True)
    both = directory / "server.pem"
    both.write_bytes((directory / "server.crt").read_bytes() + (directory / "server.key").read_bytes())
    return Authority(directory / "own.pem", both)


class _Server(ThreadingHTTPServer):
    files: Mapping[str, bytes]
    seen: list[str]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not believe the certificate hangs up; that is no defect of the server."""
        if not isinstance(sys.exception(), ssl.SSLError | ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed wants a socket


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer with a file."""
        self.server.seen.append(str(self.headers))
        data = self.server.files.get(self.path.strip("/"))
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def far_server(
    files: Mapping[str, bytes], certificate: Path | None = None, *, seen: list[str] | None = None
) -> Iterator[str]:
    """A server at an address that a proxy is used for, with TLS if there is a certificate; its address.

    ``seen`` gets the headers of each request.
    """
    server = _Server((FAR, 0), _Handler)
    server.files, server.seen = files, [] if seen is None else seen
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'http' if certificate is None else 'https'}://{FAR}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError(f"tinyproxy ended: {process.communicate()[1]!r}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("tinyproxy does not answer")

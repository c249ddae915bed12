# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry on loopback: open, or with TLS and a token server; and a proxy that spoils things."""

from __future__ import annotations

import base64
import http.client
import json
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from peers.programs import output, wait_until
from support.machine import program

USER, PASSWORD = "maintainer", "correct horse"
_DAYS = "30"


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """A running registry: ``host`` and port, the file of its certificate authority ("" without TLS), its files."""

    host: str
    authority: str
    directory: Path


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened to a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def real_registry(directory: Path, **sections: Any) -> Iterator[RealRegistry]:
    """Run docker-registry until the block ends; ``sections`` are more of its configuration (JSON is YAML)."""
    program("docker-registry", "docker-registry")
    port = free_port()
    http_section = {"addr": f"127.0.0.1:{port}", **sections.pop("http", {})}
    configuration = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "http": http_section,
        **sections,
    }
    (directory / "config.yml").write_text(json.dumps(configuration))
    log = (directory / "registry.log").open("wb")
    process = subprocess.Popen(
        ["docker-registry", "serve", directory / "config.yml"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    log.close()

    def listens() -> bool:
        assert process.poll() is None, (directory / "registry.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until("docker-registry", listens, seconds=30)
        authority = str(directory / "ca.pem") if "tls" in http_section else ""
        yield RealRegistry(f"127.0.0.1:{port}", authority, directory)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def secure_registry(directory: Path) -> Iterator[RealRegistry]:
    """A registry with TLS, which sends those who come to a token server with a password."""
    make_certificates(directory)
    with token_server(directory) as realm:
        tls = {"certificate": str(directory / "server.pem"), "key": str(directory / "server.key")}
        token = {
            "realm": realm,
            "service": "imagewright tests",
            "issuer": "imagewright tests",
            "rootcertbundle": str(directory / "ca.pem"),
        }
        with real_registry(directory, http={"tls": tls}, auth={"token": token}) as registry:
            yield registry


def make_certificates(directory: Path) -> None:
    """``ca.pem``, and ``server.pem`` with ``server.key`` that it signed for 127.0.0.1."""
    assert shutil.which("openssl")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    ca = [
        *new,
        "/CN=imagewright tests CA",
        "-x509",
        "-days",
        _DAYS,
        "-addext",
        "basicConstraints=critical,CA:TRUE",
    ]
    output([*ca, "-keyout", directory / "ca.key", "-out", directory / "ca.pem"])
    output([*new, "/CN=127.0.0.1", "-keyout", directory / "server.key", "-out", directory / "server.csr"])
    (directory / "extensions").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    signing: list[str | Path] = [
        "openssl",
        "x509",
        "-req",
        "-in",
        directory / "server.csr",
        "-CA",
        directory / "ca.pem",
    ]
    signing += ["-CAkey", directory / "ca.key", "-CAcreateserial", "-days", _DAYS]
    output([*signing, "-extfile", directory / "extensions", "-out", directory / "server.pem"])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed_token(directory: Path, scopes: list[str]) -> str:
    """A JSON web token as docker-registry wants it (distribution, docs/spec/auth/jwt.md)."""
    certificate = ssl.PEM_cert_to_DER_cert((directory / "ca.pem").read_text())
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "imagewright tests",
        "sub": USER,
        "aud": "imagewright tests",
        "access": access,
    }
    claims |= {"exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(now)}
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(certificate).decode()]}
    text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", directory / "ca.key"],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    return f"{text}.{_encoded(signed.stdout)}"


@contextmanager
def token_server(directory: Path) -> Iterator[str]:
    """Gives tokens to those who know the password; the address of its realm."""

    class Tokens(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            right = self.headers.get("Authorization") == known
            body = json.dumps({"token": _signed_token(directory, scopes)} if right else {}).encode()
            self.send_response(200 if right else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with _served(server):
        yield f"https://127.0.0.1:{server.server_address[1]}/token"


@contextmanager
def _served(server: ThreadingHTTPServer) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Misfortune:
    """Decides what goes wrong with a request: each with probability ``often``, by a seed."""

    KINDS = (
        "429",
        "500",
        "reset",
        "cut request",
        "altered request",
        "cut answer",
        "altered answer",
        "lost",
        "drip",
    )

    def __init__(self, seed: int, often: float) -> None:
        self._chance = random.Random(seed)
        self._often = often
        self._lock = threading.Lock()
        self.seen: dict[str, int] = {}

    def next(self) -> tuple[str, float]:
        """The kind ("" for none), and where in the body, as a share."""
        with self._lock:
            kind = self._chance.choice(self.KINDS) if self._chance.random() < self._often else ""
            self.seen[kind] = self.seen.get(kind, 0) + 1
            return kind, self._chance.random()


@contextmanager
def fault_proxy(upstream: str, misfortune: Misfortune) -> Iterator[str]:
    """A proxy before a registry that spoils requests and answers; its host and port."""

    class Proxy(_Proxy):
        fate = misfortune
        target = upstream

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is no news
    with _served(server):
        yield f"127.0.0.1:{server.server_address[1]}"


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    fate: ClassVar[Misfortune]
    target: ClassVar[str]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def do_GET(self) -> None:
        with suppress(ConnectionError, http.client.HTTPException, ValueError):
            self._pass()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that are called

    def _pass(self) -> None:
        kind, share = self.fate.next()
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if kind in {"429", "500"}:
            self._answer(int(kind), {"Retry-After": "1"} if kind == "429" else {}, b"")
            return
        if kind == "reset":
            self._hang_up()
            return
        if kind == "cut request":
            self._cut(body[: int(len(body) * share)], length)
            self._hang_up()
            return
        if kind == "altered request" and body:
            body = _altered(body, share)
        status, headers, answer = self._ask(body)
        if kind == "lost":
            self._hang_up()
            return
        if kind == "altered answer" and answer:
            answer = _altered(answer, share)
        self._answer(status, headers, answer, cut=share if kind == "cut answer" else None, drip=kind == "drip")

    def _headers(self) -> dict[str, str]:
        # The registry makes addresses of what it was called, which must lead back through here.
        return {name: value for name, value in self.headers.items() if name.lower() != "connection"}

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.target, timeout=30)
        try:
            connection.request(self.command, self.path, body or None, self._headers())
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _cut(self, body: bytes, length: int) -> None:
        """Send only a part of what was announced."""
        lines = [
            f"{self.command} {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self._headers().items()),
        ]
        host, _, port = self.target.partition(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            assert length >= len(body)

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, *, cut: float | None = None, drip: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut is not None:
            self.wfile.write(body[: int(len(body) * cut)])
            self._hang_up()
            return
        pieces = [body[at : at + max(1, len(body) // 4)] for at in range(0, len(body), max(1, len(body) // 4))]
        for piece in pieces if drip else [body]:
            self.wfile.write(piece)
            self.wfile.flush()
            if drip:
                time.sleep(0.005)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


def _altered(body: bytes, share: float) -> bytes:
    at = int(len(body) * share) % len(body)
    return body[:at] + bytes([body[at] ^ 0x01]) + body[at + 1 :]

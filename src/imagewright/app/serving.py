# SPDX-License-Identifier: Apache-2.0
"""A small web server for a site, on this machine alone: the files of the site's list and nothing else."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from imagewright.app.site_files import read_list
from imagewright.describe.catalogue.pages import POLICY
from imagewright.errors import MachineError, UsageError

_ADDRESS = re.compile(r"(127(?:\.[0-9]{1,3}){3}|localhost|\[::1\]):([0-9]{1,5})", re.ASCII)
_LARGEST_PORT = 65535
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_SECONDS = 15.0
"""How long a client may be silent."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; ``port`` 0 takes any that is free."""

    host: str
    port: int


def read_address(text: str) -> Address:
    """``127.0.0.1:8000``. Raises :class:`UsageError` for what is not on this machine alone."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[2]) > _LARGEST_PORT:
        raise UsageError(
            f"{text[:80]!r} is not ADDRESS:PORT on loopback",
            why="--serve is for looking at a site, not for publishing it",
            hint="for example --serve 127.0.0.1:8000; any web server can publish the directory",
        )
    return Address(match[1].strip("[]"), int(match[2]))


def serve(directory: Path, address: Address, ready: Callable[[str], None]) -> None:
    """Serve until ``KeyboardInterrupt``; ``ready`` is told the site's address. Raises :class:`MachineError`."""
    try:
        server = _Server(directory, address)
    except OSError as error:
        raise MachineError(
            f"cannot listen on {address.host}:{address.port}",
            why=error.strerror or str(error),
            hint="choose another port: --serve 127.0.0.1:0 takes any that is free",
        ) from error
    with server:
        ready(server.url)
        server.serve_forever(poll_interval=0.2)


class _Server(ThreadingHTTPServer):
    """Knows the site's files by path."""

    daemon_threads = True

    def __init__(self, directory: Path, address: Address) -> None:
        self.directory = directory
        self.files = frozenset(read_list(directory))
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        super().__init__((address.host, address.port), _Handler)
        host = f"[{address.host}]" if ":" in address.host else address.host
        self.authority = f"{host}:{self.server_address[1]}"
        self.url = f"http://{self.authority}/"

    def open(self, path: str) -> BinaryIO | None:
        """A file of the site; ``None`` for anything else, also for what links put in its place."""
        if path not in self.files:
            return None
        try:
            descriptor = os.open(self.directory / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "imagewright"
    sys_version = ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        """Give out a file."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Give out what is said of a file."""
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Requests are not told."""

    def _answer(self, *, body: bool) -> None:
        # Another name for this address would let a foreign page read the site (DNS rebinding).
        if self.headers.get("Host", "") != self.server.authority:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, body=body)
            return
        path = self.path.partition("?")[0].partition("#")[0].removeprefix("/")
        file = self.server.open(path or "index.html")
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND, body=body)
            return
        with file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", _TYPES.get(Path(path or "index.html").suffix, "text/plain"))
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self._common()
            if body:
                while piece := file.read(1 << 16):
                    self.wfile.write(piece)

    def _refuse(self, status: HTTPStatus, *, body: bool) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self._common()
        if body:
            self.wfile.write(text)

    def _common(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()

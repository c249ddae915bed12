# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on 127.0.0.1 that serves bytes from memory and misbehaves where a test wants it to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlsplit


@dataclass(slots=True)
class Fault:
    """What goes wrong for paths that match ``pattern`` (a glob), the first ``times`` requests (-1: always).

    ``status`` answers with that status and ``headers``; ``truncate`` sends the announced length but closes
    after so many bytes; ``flip`` inverts the bits of the byte at that offset; ``append`` adds bytes to the
    body; ``body`` replaces it; ``endless`` never stops sending (without a length); ``stall`` waits that many
    seconds (or until the server stops) before the first byte of the body.
    """

    pattern: str
    times: int = 1
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    truncate: int | None = None
    flip: int | None = None
    append: bytes = b""
    body: bytes | None = None
    endless: bool = False
    stall: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request the server saw."""

    path: str
    range: str
    status: int


class Loopback(str):
    """The base URL of a running server (without a slash at its end), with what it saw and what it does wrong.

    ``files`` may be changed while it runs. ``ranges`` says whether Range requests are honoured. ``secrets`` are
    the Proxy-Authorization headers that came.
    """

    __slots__ = ("asked", "faults", "files", "lock", "ranges", "secrets", "stopping")

    files: dict[str, bytes]
    faults: list[Fault]
    asked: list[Asked]
    ranges: bool
    secrets: list[str]
    lock: threading.Lock
    stopping: threading.Event

    def fault(self, pattern: str, **how: object) -> Fault:
        """Let requests for ``pattern`` go wrong; the newest matching fault is used first."""
        fault = Fault(pattern, **how)  # type: ignore[arg-type]
        self.faults.insert(0, fault)
        return fault

    def paths(self) -> list[str]:
        """The paths asked for so far, in order."""
        return [asked.path for asked in self.asked]

    def take(self, path: str) -> Fault | None:
        """The fault for this request, used up by one."""
        with self.lock:
            for fault in self.faults:
                if fault.times != 0 and fnmatchcase(path, fault.pattern):
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def serve(files: dict[str, bytes], *, ranges: bool = True) -> Iterator[Loopback]:
    """Serve ``files`` (path without a leading slash → bytes) until the block ends."""

    class Handler(_Handler):
        pass

    server = _Server(("127.0.0.1", 0), Handler)
    url = Loopback(f"http://127.0.0.1:{server.server_address[1]}")
    url.files, url.faults, url.asked, url.ranges = files, [], [], ranges
    url.secrets = []
    url.lock, url.stopping = threading.Lock(), threading.Event()
    Handler.state = url
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        url.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[Loopback]
    protocol_version = "HTTP/1.1"
    # Headers and body go out as two writes, which Nagle's algorithm and delayed acknowledgements would slow.
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        with suppress(ConnectionError):  # a client that has seen enough hangs up
            self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def _answer(self) -> None:
        if secret := self.headers.get("Proxy-Authorization"):
            self.state.secrets.append(secret)
        # A proxy is asked for a whole URL, which is then the name of the file.
        path = self.path if "://" in self.path else unquote(urlsplit(self.path).path).lstrip("/")
        fault = self.state.take(path) or Fault(path)
        data = self.state.files.get(path)
        if fault.status:
            self._head(path, fault.status, 0, fault.headers)
            return
        if fault.body is not None:
            data = fault.body
        if fault.endless:
            self._endless(path)
            return
        if data is None:
            self._head(path, 404, 0, {})
            return
        if fault.flip is not None:
            at = fault.flip % len(data)
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        self._body(path, data + fault.append, fault)

    def _body(self, path: str, data: bytes, fault: Fault) -> None:
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:16]}"', **fault.headers}
        start, status = self._start(data, headers["ETag"]), 200
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            status = 206
        body = data[start:]
        self._head(path, status, len(body), headers)
        if fault.stall:
            self.wfile.flush()
            self.state.stopping.wait(fault.stall)
        if fault.truncate is not None:
            self.wfile.write(body[: fault.truncate])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _start(self, data: bytes, etag: str) -> int:
        """The offset that a Range request names, 0 where the whole file is to be sent."""
        wanted = self.headers.get("Range", "")
        if not self.state.ranges or not wanted.startswith("bytes="):
            return 0
        if self.headers.get("If-Range", etag) != etag:
            return 0
        start = int(wanted.removeprefix("bytes=").split("-")[0])
        return start if start < len(data) else 0

    def _endless(self, path: str) -> None:
        self._head(path, 200, None, {})
        while not self.state.stopping.is_set():
            self.wfile.write(b"x" * 65536)

    def _head(self, path: str, status: int, length: int | None, headers: Mapping[str, str]) -> None:
        self.state.asked.append(Asked(path, self.headers.get("Range", ""), status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

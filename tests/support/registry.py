# SPDX-License-Identifier: Apache-2.0
"""A registry in memory on 127.0.0.1 (OCI distribution-spec 1.1), which misbehaves where a test wants it to.

It keeps what a registry must: nothing is stored whose digest is wrong, a manifest needs its blobs, an index its
manifests. ``faults`` decide for each request what goes wrong; ``audit`` looks whether any tag names something that
is not whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)(?:/(?P<rest>.*))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request.

    ``status`` answers with it before anything is done; ``lose`` does all of it, then hangs up without an answer;
    ``reset`` hangs up after reading so many bytes of the body; ``truncate`` and ``flip`` spoil the answer's body.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lose: bool = False
    reset: int | None = None
    truncate: int | None = None
    flip: int | None = None


Faults = Callable[[str, str], Fault | None]
"""Method and path → what goes wrong, if anything."""


@dataclass(slots=True)
class Repository:
    """What one repository holds."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    described: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Digest → headers: what is answered about a blob, also one that only others hold."""


@dataclass(slots=True)
class Registry:
    """A running registry. ``host`` is ``127.0.0.1:PORT``; ``asked`` what came, as ``METHOD path``."""

    host: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    faults: Faults = lambda method, path: None
    referrers: bool = True
    users: dict[str, str] = field(default_factory=dict)
    tokens: bool = False
    page: int = 1000
    lock: threading.RLock = field(default_factory=threading.RLock)
    counter: int = 0

    def repository(self, name: str) -> Repository:
        """By name; made when first used."""
        return self.repositories.setdefault(name, Repository())

    def audit(self) -> list[str]:
        """Every tag that names something that is not whole; there should be none, at any moment."""
        with self.lock:
            return [
                f"{name}:{tag} → {digest}"
                for name, repository in self.repositories.items()
                for tag, digest in repository.tags.items()
                if not _whole(repository, digest)
            ]


def _whole(repository: Repository, digest: str) -> bool:
    if digest not in repository.manifests:
        return False
    content = repository.manifests[digest][1]
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        return False
    document = json.loads(content)
    if "manifests" in document:
        return all(_whole(repository, entry["digest"]) for entry in document["manifests"])
    parts = [document["config"], *(layer for layer in document["layers"] if not layer.get("urls"))]
    return all(
        part["digest"] in repository.blobs
        and f"sha256:{hashlib.sha256(repository.blobs[part['digest']]).hexdigest()}" == part["digest"]
        for part in parts
    )


@contextmanager
def run_registry(**options: Any) -> Iterator[Registry]:
    """Run one until the block ends."""
    registry = Registry(**options)

    class Handler(_Handler):
        state = registry

    server = _Server(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _HangUp(Exception):  # noqa: N818 - not an error of the test
    pass


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[Registry]
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    fault: Fault

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that are called

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        with self.state.lock:
            self.state.asked.append(f"{self.command} {path}")
            self.fault = self.state.faults(self.command, path) or Fault()
        with suppress(ConnectionError, _HangUp):
            if self.fault.reset is not None:
                self.rfile.read(min(self.fault.reset, self._length()))
                self._hang_up()
            body = self.rfile.read(self._length())
            if self.fault.status:
                self._answer(self.fault.status, b"", dict(self.fault.headers))
            elif path == "/token":
                self._token()
            elif self._allowed():
                with self.state.lock:
                    self._route(path, body)

    def _length(self) -> int:
        return int(self.headers.get("Content-Length", "0"))

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()
        raise _HangUp

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        if self.fault.lose:
            self._hang_up()
        headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        announced = len(body)
        if self.fault.flip is not None and body:
            at = self.fault.flip % len(body)
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", headers.get("Content-Length", str(announced)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault.truncate is not None:
            self.wfile.write(body[: self.fault.truncate])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
        self._answer(status, body, {"Content-Type": "application/json"})

    # Who is there

    def _allowed(self) -> bool:
        users, said = self.state.users, self.headers.get("Authorization", "")
        if not users:
            return True
        if self.state.tokens:
            if said.startswith("Bearer ok:") and self._scope_fits(said.removeprefix("Bearer ok:")):
                return True
            challenge = f'Bearer realm="http://{self.state.host}/token",service="test"'
        else:
            if _basic(said) in users.items():
                return True
            challenge = 'Basic realm="test"'
        self._answer(401, b"", {"WWW-Authenticate": challenge})
        return False

    def _scope_fits(self, granted: str) -> bool:
        match = _PATH.fullmatch(urlsplit(self.path).path)
        if match is None:
            return True
        needs = "pull" if self.command in {"GET", "HEAD"} else "delete" if self.command == "DELETE" else "push"
        if "/uploads/" in self.path:
            needs = "push"
        return any(
            word.startswith(f"repository:{match['name']}:") and needs in word.rpartition(":")[2].split(",")
            for word in granted.split("|")
        )

    def _token(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if _basic(self.headers.get("Authorization", "")) not in self.state.users.items():
            self._error(401, "UNAUTHORIZED")
            return
        token = "ok:" + "|".join(query.get("scope", []))
        body = json.dumps({"token": token, "expires_in": 300}).encode()
        self._answer(200, body, {"Content-Type": "application/json"})

    # The protocol

    def _route(self, path: str, body: bytes) -> None:
        if path in {"/v2", "/v2/"}:
            self._answer(200, b"{}")
            return
        match = _PATH.fullmatch(path)
        if match is None:
            self._error(404, "NAME_UNKNOWN")
            return
        repository, rest = self.state.repository(match["name"]), match["rest"] or ""
        if match["kind"] == "manifests":
            self._manifest(repository, match["name"], rest, body)
        elif match["kind"] == "tags":
            self._tags(repository)
        elif match["kind"] == "referrers":
            self._referrers(repository, rest)
        elif rest.startswith("uploads/"):
            self._upload(match["name"], repository, rest.removeprefix("uploads/"), body)
        else:
            self._blob(repository, rest)

    def _manifest(self, repository: Repository, name: str, target: str, body: bytes) -> None:
        digest = repository.tags.get(target, target)
        if self.command in {"GET", "HEAD"}:
            if digest not in repository.manifests:
                self._error(404, "MANIFEST_UNKNOWN")
                return
            media_type, content = repository.manifests[digest]
            self._answer(200, content, {"Content-Type": media_type, "Docker-Content-Digest": digest})
        elif self.command == "DELETE":
            found = repository.tags.pop(target, None) or repository.manifests.pop(target, None)
            self._answer(202 if found else 404)
        else:
            self._put_manifest(repository, name, target, body)

    def _put_manifest(self, repository: Repository, name: str, target: str, body: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if target.startswith("sha256:") and target != digest:
            self._error(400, "DIGEST_INVALID")
            return
        document = json.loads(body)
        missing = [
            one["digest"] for one in document.get("manifests", []) if one["digest"] not in repository.manifests
        ]
        parts = [document["config"], *document["layers"]] if "config" in document else []
        parts = [part for part in parts if not part.get("urls")]  # what is elsewhere need not be here
        missing += [part["digest"] for part in parts if part["digest"] not in repository.blobs]
        if missing:
            self._error(400, "MANIFEST_BLOB_UNKNOWN")
            return
        repository.manifests[digest] = (self.headers.get("Content-Type", ""), body)
        if not target.startswith("sha256:"):
            repository.tags[target] = digest
            self.state.history.append((f"{name}:{target}", digest))
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        if self.state.referrers and "subject" in document:
            headers["OCI-Subject"] = document["subject"]["digest"]
        self._answer(201, b"", headers)

    def _tags(self, repository: Repository) -> None:
        query = parse_qs(urlsplit(self.path).query)
        names = [name for name in sorted(repository.tags) if name > query.get("last", [""])[0]]
        count = min(self.state.page, int(query.get("n", ["1000"])[0]))
        headers = {"Content-Type": "application/json"}
        if len(names) > count:
            headers["Link"] = f'<{urlsplit(self.path).path}?n={count}&last={names[count - 1]}>; rel="next"'
        self._answer(200, json.dumps({"name": "x", "tags": names[:count]}).encode(), headers)

    def _referrers(self, repository: Repository, subject: str) -> None:
        if not self.state.referrers:
            self._error(404, "NAME_UNKNOWN")
            return
        found = []
        for digest, (media_type, content) in sorted(repository.manifests.items()):
            document = json.loads(content)
            if document.get("subject", {}).get("digest") == subject:
                kind = document.get("artifactType") or document["config"]["mediaType"]
                entry = {"mediaType": media_type, "digest": digest, "size": len(content), "artifactType": kind}
                found.append(entry)
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}).encode()
        self._answer(200, body, {"Content-Type": INDEX})

    def _blob(self, repository: Repository, digest: str) -> None:
        if self.command == "DELETE":
            self._answer(202 if repository.blobs.pop(digest, None) is not None else 404)
            return
        if self.command == "HEAD" and digest in repository.described:
            self._answer(200, b"", repository.described[digest])
            return
        if digest not in repository.blobs:
            self._error(404, "BLOB_UNKNOWN")
            return
        content = repository.blobs[digest]
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and int(wanted[1]) < len(content):
            start = int(wanted[1])
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self._answer(206, content[start:], span)
            return
        self._answer(200, content, {"Docker-Content-Digest": digest})

    def _upload(self, name: str, repository: Repository, number: str, body: bytes) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if self.command == "POST":
            self._begin(name, repository, query)
            return
        if number not in self.state.uploads:
            self._error(404, "BLOB_UPLOAD_UNKNOWN")
            return
        if self.command == "DELETE":
            del self.state.uploads[number]
            self._answer(204)
            return
        have = self.state.uploads[number]
        if self.command == "PATCH":
            start = int(self.headers.get("Content-Range", f"{len(have)}-").partition("-")[0])
            if start != len(have):
                self._answer(416, b"", self._where(name, number))
                return
            self.state.uploads[number] = have + body
            self._answer(202, b"", self._where(name, number))
        elif self.command == "GET":
            self._answer(204, b"", self._where(name, number))
        else:
            self._finish(repository, number, have + body, query["digest"][0])

    def _begin(self, name: str, repository: Repository, query: dict[str, list[str]]) -> None:
        source, digest = query.get("from", [""])[0], query.get("mount", [""])[0]
        content = self.state.repositories.get(source, Repository()).blobs.get(digest)
        if content is not None:
            repository.blobs[digest] = content
            self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}"})
            return
        self.state.counter += 1
        number = f"u{self.state.counter}"
        self.state.uploads[number] = b""
        self._answer(202, b"", {"Location": f"/v2/{name}/blobs/uploads/{number}?state=a%2Fb"})

    def _where(self, name: str, number: str) -> dict[str, str]:
        last = max(0, len(self.state.uploads[number]) - 1)
        return {"Location": f"/v2/{name}/blobs/uploads/{number}?state=a%2Fb", "Range": f"0-{last}"}

    def _finish(self, repository: Repository, number: str, content: bytes, digest: str) -> None:
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            self._error(400, "DIGEST_INVALID")
            return
        del self.state.uploads[number]
        repository.blobs[digest] = content
        self._answer(201, b"", {"Docker-Content-Digest": digest})


def _basic(header: str) -> tuple[str, str]:
    if not header.startswith("Basic "):
        return "", ""
    name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return name, password

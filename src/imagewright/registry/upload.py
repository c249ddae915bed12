# SPDX-License-Identifier: Apache-2.0
"""One blob on its way into a repository: looked for, mounted, or sent in chunks that can go on after a failure.

The states are those of the OCI distribution specification 1.1 ("Pushing Blobs"): an upload is begun with POST, fed
with PATCH, asked for its progress with GET, and ended with PUT; a small blob goes with that PUT. After any failure
the registry is asked how far it came, and what is missing is sent. A final PUT whose answer was lost is found done
by looking for the blob.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from imagewright.errors import RegistryError
from imagewright.model.digest import Digest
from imagewright.model.references import Repository
from imagewright.registry.client import RepositoryClient
from imagewright.registry.refusals import AbsentUploadError, refused_codes
from imagewright.registry.transport import Answer, Body, Request, Trouble

_CREATED, _ACCEPTED, _NO_CONTENT, _TOO_LARGE, _RANGE = 201, 202, 204, 413, 416
_RANGE_HEADER = re.compile(r"(?:bytes=)?0-(\d{1,19})", re.ASCII)
_MOST_STARTS = 5
_LARGEST_CHUNK = 1 << 30
_SMALL = 16 << 20
"""Bytes of blobs that are first tried in one request: nothing is lost by sending so much again."""


class Way(StrEnum):
    """How a blob came to be in the repository."""

    SKIPPED = "skipped"
    MOUNTED = "mounted"
    UPLOADED = "uploaded"


@dataclass(frozen=True, slots=True)
class Blob:
    """What to send: ``pieces`` gives its bytes from an offset on, as often as asked. ``size`` in bytes."""

    digest: Digest
    size: int
    pieces: Callable[[int], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class _Upload:
    """An upload that was begun: where it goes on, and how many bytes are there."""

    location: str
    offset: int
    chunk: int


Progress = Callable[[int], None]
"""Told how many bytes of the blob are there now."""


class Uploader:
    """Sends blobs into one repository."""

    def __init__(self, client: RepositoryClient) -> None:
        self._client = client
        self._transport = client.transport

    def send(self, blob: Blob, sources: Sequence[Repository] = (), progress: Progress = lambda _: None) -> Way:
        """Bring a blob there; ``sources`` are repositories that may have it, to mount it from.

        Raises :class:`RegistryError` when the registry refuses, or fails too often in a row.
        """
        if self._client.has_blob(blob.digest, blob.size):
            progress(blob.size)
            return Way.SKIPPED
        answer = self._begin(blob, sources)
        if answer.status == _CREATED:
            progress(blob.size)
            return Way.MOUNTED
        for _ in range(_MOST_STARTS):
            try:
                self._feed(blob, self._begun(answer), progress)
            except AbsentUploadError:  # the registry forgot it: begin again
                if self._client.has_blob(blob.digest, blob.size):
                    return Way.UPLOADED
                answer = self._begin(blob, ())
            else:
                return Way.UPLOADED
        raise RegistryError(
            f"{self._client.repository} forgot an upload {_MOST_STARTS} times", hint="try again later"
        )

    def _begin(self, blob: Blob, sources: Sequence[Repository]) -> Answer:
        """Begin an upload, with a mount where there is a source for one."""
        home = self._client.repository
        near = [source.name for source in sources if source.registry == home.registry and source != home]
        request = self._client.request("POST", "blobs/uploads/", frozenset({_CREATED, _ACCEPTED}))
        for name in near:
            query = urlencode({"mount": str(blob.digest), "from": name})
            mounting = replace(request, path=f"{request.path}?{query}", also=(name,))
            try:
                answer = self._transport.ask(mounting)
            except RegistryError:  # no right to read there: then it is sent
                continue
            if answer.status == _CREATED:
                return answer
            self._cancel(answer)
        return self._transport.ask(request)

    def _feed(self, blob: Blob, upload: _Upload, progress: Progress) -> None:
        """Send what is missing, and end the upload."""
        row, careful = 0, self._transport.options.careful
        at_once = not upload.offset and blob.size <= min(upload.chunk, _SMALL)
        while True:
            before = upload.offset
            try:
                if at_once:
                    self._finish(blob, upload, Body(blob.size, lambda: _part(blob, 0, blob.size, progress)))
                    return
                upload = self._some(blob, upload, progress)
                if upload.offset == blob.size:
                    self._finish(blob, upload)
                    return
                row = 0
            except RegistryError as error:
                # A proxy before the registry bounds what it takes at once.
                if error.details.get("status") != _TOO_LARGE or upload.chunk <= careful:
                    raise
                at_once, upload = False, replace(self._ask_progress(upload), chunk=careful)
            except Trouble as trouble:
                at_once, row = False, row + 1
                self._transport.wait(trouble, row, f"uploading {blob.digest.short} to {self._client.repository}")
                if self._client.has_blob(blob.digest, blob.size):
                    progress(blob.size)
                    return
                upload = replace(self._ask_progress(upload), chunk=min(upload.chunk, careful))
                row = row if upload.offset <= before else 1

    def _some(self, blob: Blob, upload: _Upload, progress: Progress) -> _Upload:
        """Send one chunk. The upload as it is then. Raises :class:`Trouble`."""
        size = min(upload.chunk, blob.size - upload.offset)
        if not size:
            return upload
        body = Body(size, lambda: _part(blob, upload.offset, size, progress))
        request = replace(
            self._at("PATCH", upload.location, frozenset({_CREATED, _ACCEPTED, _NO_CONTENT, _RANGE})),
            headers={"Content-Range": f"{upload.offset}-{upload.offset + size - 1}"},
            body=body,
        )
        answer = self._transport.attempt(request)
        if answer.status == _RANGE:
            there = self._state(answer, upload)
            if there.offset == upload.offset:
                raise Trouble("it wants another part of the blob and does not say which")
            return there
        following = self._state(answer, replace(upload, offset=upload.offset + size))
        if following.offset > blob.size:
            raise RegistryError(f"{self._client.repository} says it has more of a blob than there is")
        return following

    def _finish(self, blob: Blob, upload: _Upload, rest: Body | None = None) -> None:
        separator = "&" if urlsplit(upload.location).query else "?"
        location = f"{upload.location}{separator}{urlencode({'digest': str(blob.digest)})}"
        try:
            request = self._at("PUT", location, frozenset({_CREATED, _NO_CONTENT}))
            answer = self._transport.attempt(replace(request, body=rest))
        except RegistryError as error:
            # What came in pieces was put together wrongly there: "0-0" may mean nothing, or one byte.
            if "DIGEST_INVALID" in refused_codes(error):
                raise AbsentUploadError(error.message, why=error.why, hint=error.hint) from error
            raise
        said = answer.header("docker-content-digest")
        if said.startswith("sha256:") and said != str(blob.digest):
            raise RegistryError(f"{self._client.repository} kept {said} when it was sent {blob.digest}")

    def _ask_progress(self, upload: _Upload) -> _Upload:
        """How far the registry says it came. Raises :class:`AbsentUploadError`."""
        answer = self._transport.ask(self._at("GET", upload.location, frozenset({_NO_CONTENT, _ACCEPTED})))
        return self._state(answer, replace(upload, offset=0))

    def _cancel(self, answer: Answer) -> None:
        """Give up an upload that a refused mount began; that the registry cleans up itself is good enough."""
        request = replace(
            self._at("DELETE", answer.location, frozenset(range(200, 600))), actions=("pull", "push")
        )
        try:
            self._transport.attempt(request)
        except Trouble:
            return

    def _state(self, answer: Answer, assumed: _Upload) -> _Upload:
        """The upload as an answer describes it; what it does not say is as ``assumed``."""
        match = _RANGE_HEADER.fullmatch(answer.header("range").strip())
        offset = assumed.offset if match is None else int(match[1]) + 1
        if match is not None and match[1] == "0" and not assumed.offset:
            offset = 0  # nothing yet: some registries have no way to say so but 0-0
        least = answer.header("oci-chunk-min-length")
        chunk = max(assumed.chunk, min(int(least), _LARGEST_CHUNK)) if least.isdigit() else assumed.chunk
        return _Upload(answer.location if answer.header("location") else assumed.location, offset, chunk)

    def _begun(self, answer: Answer) -> _Upload:
        if not answer.header("location"):
            raise RegistryError(f"{self._client.repository} does not say where an upload goes on")
        return self._state(answer, _Upload("", 0, self._transport.options.chunk))

    def _at(self, method: str, location: str, accepted: frozenset[int]) -> Request:
        request = self._client.request(method, location, accepted)
        return replace(request, actions=("pull", "push"))


def _part(blob: Blob, offset: int, size: int, progress: Progress) -> Iterator[bytes]:
    """A part of a blob in pieces; progress is told as they are taken."""
    left = size
    for piece in blob.pieces(offset):
        taken = piece[:left]
        left -= len(taken)
        yield taken
        progress(offset + size - left)
        if not left:
            return

# SPDX-License-Identifier: Apache-2.0
"""One repository of a registry, in the words of the OCI distribution specification 1.1.

Every document that comes back is bounded and, where its digest is known, verified; so is every blob.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlencode, urljoin, urlsplit

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.references import RegistryReference, Repository
from imagewright.oci.descriptor import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    INDEXES,
    MANIFEST,
    MANIFESTS,
    Descriptor,
)
from imagewright.oci.index import Index
from imagewright.oci.reading import parse
from imagewright.oci.source import Document
from imagewright.registry.refusals import NotFoundError, refused_codes
from imagewright.registry.transport import PIECE, Answer, Body, Request, Transport, Trouble, translated

ACCEPT = ", ".join((INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
_OK, _CREATED, _ACCEPTED, _PARTIAL, _NOT_FOUND = 200, 201, 202, 206, 404
_NOT_SAID = (403, 404, 405)
_FOUND = frozenset({_OK})
_FOUND_OR_NOT = frozenset({_OK, _NOT_FOUND})
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?', re.ASCII)
_MOST_PAGES = 1000
_MOST_TAGS = 100_000
_REFERRERS_PAGE = 500
_INVALID = frozenset({"MANIFEST_INVALID", "DIGEST_INVALID", "TAG_INVALID"})
"""What a registry says of a manifest that was spoiled on its way, or was wrong from the beginning."""
_SPOILED = 4
"""Attempts in a row that may be refused so."""


class RepositoryClient:
    """Reads and changes one repository. Methods raise :class:`RegistryError` and ``VerificationError``."""

    def __init__(self, transport: Transport, repository: Repository) -> None:
        self.transport = transport
        self.repository = repository
        self._base = f"/v2/{quote(repository.name)}"

    def request(self, method: str, path: str, accepted: frozenset[int]) -> Request:
        """A request below ``/v2/NAME/``; ``path`` may also be a whole address that the registry gave."""
        whole = path if urlsplit(path).scheme else f"{self._base}/{path}"
        actions = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete", "pull")}.get(method, ("pull", "push"))
        return Request(method, self.repository, whole, accepted, actions=actions)

    # Manifests and tags

    def find(self, target: str) -> Descriptor | None:
        """What a tag or digest names now, without its content; ``None`` if nothing."""
        request = replace(self.request("HEAD", f"manifests/{target}", _FOUND_OR_NOT), headers={"Accept": ACCEPT})
        answer = self.transport.ask(request)
        if answer.status == _NOT_FOUND:
            return None
        digest, length = answer.header("docker-content-digest"), answer.header("content-length")
        try:
            found = Descriptor(_media_type(answer), Digest.parse(digest), int(length))
        except ValueError:  # a registry need not say the digest: then its content does
            document = self.get(target)
            return document.descriptor
        if target.startswith("sha256:") and str(found.digest) != target:
            raise VerificationError(f"refused {self.repository}@{target}: the registry says it is {found.digest}")
        return found

    def get(self, target: str) -> Document:
        """A manifest or index by tag or digest, verified if by digest."""
        request = replace(self.request("GET", f"manifests/{target}", _FOUND), headers={"Accept": ACCEPT})
        answer = self.transport.ask(request)
        document = Document(answer.content, _document_type(answer))
        said = answer.header("docker-content-digest")
        for wanted in (target if target.startswith("sha256:") else "", said):
            if wanted.startswith("sha256:") and str(document.digest) != wanted:
                raise VerificationError(
                    f"refused a manifest of {self.repository}: its content has another digest",
                    why=f"{wanted} was asked for or announced, and {document.digest} came",
                    hint="the registry or the way to it is broken, or somebody changes what it sends",
                )
        return document

    def has_manifest(self, digest: Digest) -> bool:
        """Whether a manifest is there."""
        return self.find(str(digest)) is not None

    def put(self, target: str, document: Document, *, persistence: int = 1) -> Answer:
        """Write a manifest or index under a tag or its digest.

        Where what arrived is not what was sent, it is sent again at once: a tag may name the wrong thing now.
        ``persistence`` is how many times as often as usual it is tried.
        """
        request = replace(
            self.request("PUT", f"manifests/{target}", frozenset({_OK, _CREATED, _ACCEPTED})),
            body=Body.of(document.content, document.media_type),
        )

        def once() -> Answer:
            try:
                answer = self.transport.attempt(request)
            except RegistryError as error:
                if _INVALID.isdisjoint(refused_codes(error)):
                    raise
                raise Trouble(error.why or error.message, limit=_SPOILED) from None
            said = answer.header("docker-content-digest")
            if said.startswith("sha256:") and said != str(document.digest):
                raise Trouble(f"it kept {said} when it was sent {document.digest}", pause=0.0)
            return answer

        return self.transport.persist(once, f"PUT {self.repository} {target}", persistence=persistence)

    def delete_manifest(self, target: str) -> bool:
        """Delete a tag or a manifest; whether there was one."""
        request = self.request("DELETE", f"manifests/{target}", frozenset({_OK, _ACCEPTED, _NOT_FOUND}))
        return self.transport.ask(request).status != _NOT_FOUND

    def tags(self) -> tuple[str, ...]:
        """All tags, sorted; none for a repository that does not exist yet."""
        found: set[str] = set()
        path = "tags/list?n=1000"
        for _ in range(_MOST_PAGES):
            try:
                answer = self.transport.ask(self.request("GET", path, _FOUND))
            except NotFoundError:
                return ()
            node = parse(answer.content, "tag list")
            found.update(node.field("tags").texts())
            if len(found) > _MOST_TAGS:
                raise RegistryError(f"{self.repository} has more than {_MOST_TAGS} tags")
            following = _NEXT.search(answer.header("link"))
            if following is None:
                return tuple(sorted(found))
            path = urljoin(answer.url, following[1])
        raise RegistryError(f"{self.repository} never ends its list of tags")

    # Blobs

    def has_blob(self, digest: Digest, size: int) -> bool:
        """Whether a blob is there, of that size where the registry tells sizes."""
        answer = self.transport.ask(self.request("HEAD", f"blobs/{digest}", _FOUND_OR_NOT))
        length = answer.header("content-length")
        return answer.status == _OK and (not length.isdigit() or int(length) == size)

    def blob_modified(self, digest: Digest) -> str:
        """The ``Last-Modified`` of a blob; "" where the registry does not say, or has no such blob."""
        accepted = frozenset({_OK, *_NOT_SAID})
        answer = self.transport.ask(self.request("HEAD", f"blobs/{digest}", accepted))
        return answer.header("last-modified") if answer.status == _OK else ""

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob's bytes, verified to the last: what was read is only to be used once this has ended.

        Raises ``VerificationError`` for other bytes.
        """
        state = hashlib.sha256()
        for piece in self.pieces(descriptor):
            state.update(piece)
            yield piece
        if state.hexdigest() != descriptor.digest.hex:
            raise VerificationError(
                f"refused blob {descriptor.digest} of {self.repository}: its content has another digest",
                why=f"it has sha256:{state.hexdigest()}",
                hint="the registry or the way to it is broken, or somebody changes what it sends",
            )

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """A blob's bytes from an offset on, not verified, never more than its size.

        An interrupted transfer goes on where it stopped.
        """
        received, row = offset, 0
        what = f"GET {self.repository} blob {descriptor.digest.short}"
        while received < descriptor.size or (row == 0 and not descriptor.size):
            before = received
            try:
                for piece in self._pieces(descriptor, received):
                    received += len(piece)
                    yield piece
                if received < descriptor.size:
                    raise Trouble(f"it ended after {received} of {descriptor.size} bytes")
            except Trouble as trouble:
                row = 1 if received > before else row + 1
                self.transport.wait(trouble, row, what)
            else:
                return

    def _pieces(self, descriptor: Descriptor, start: int) -> Iterator[bytes]:
        """What is missing from ``start`` on, never more than the descriptor's size."""
        request = self.request("GET", f"blobs/{descriptor.digest}", frozenset({_OK, _PARTIAL}))
        if start:
            request = replace(request, headers={"Range": f"bytes={start}-"})
        with self.transport.open(request) as response:
            skip = 0 if response.status == _PARTIAL else start
            if response.status == _PARTIAL and not _starts_at(response.headers.get("Content-Range", ""), start):
                raise RegistryError(f"{self.repository} sent another part of a blob than it was asked for")
            left = descriptor.size - start
            while True:
                with translated():
                    piece = response.read1(PIECE, decode_content=False)
                if not piece:
                    return
                skip, piece = max(0, skip - len(piece)), piece[skip:]
                if len(piece) > left:
                    raise VerificationError(
                        f"refused blob {descriptor.digest}: it is larger than {descriptor.size} bytes"
                    )
                left -= len(piece)
                if piece:
                    yield piece

    def delete_blob(self, digest: Digest) -> bool:
        """Delete a blob; whether there was one."""
        request = self.request("DELETE", f"blobs/{digest}", frozenset({_OK, _ACCEPTED, _NOT_FOUND}))
        return self.transport.ask(request).status != _NOT_FOUND

    # Referrers

    def referrers(self, subject: Digest, artifact_type: str = "") -> tuple[Descriptor, ...]:
        """Manifests that name ``subject`` as theirs, by the API, or else by the tag that stands in for it."""
        query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        path = f"referrers/{subject}{query}"
        found: list[Descriptor] = []
        for _ in range(_REFERRERS_PAGE):
            try:
                answer = self.transport.ask(self.request("GET", path, _FOUND))
            except NotFoundError:
                found = list(self._fallback(subject))
                break
            if _media_type(answer) != INDEX:  # some registries answer with a page for people
                found = list(self._fallback(subject))
                break
            found += Index.parse(answer.content).manifests
            following = _NEXT.search(answer.header("link"))
            if following is None:
                break
            path = urljoin(answer.url, following[1])
        return tuple(one for one in found if artifact_type in ("", one.artifact_type))

    def attach(self, document: Document, described: Descriptor, subject: Digest) -> None:
        """Put a manifest that has a subject; where the registry does not list it by itself, do so for it.

        The fall-back (distribution-spec 1.1, "Pushing Manifests with Subject") is an index under a tag.
        """
        answer = self.put(str(document.digest), document)
        if answer.header("oci-subject"):
            return
        known = self._fallback(subject)
        if described.digest in {one.digest for one in known}:
            return
        index = Index((*known, described))
        self.put(fallback_tag(subject), Document(index.encode(), INDEX))

    def _fallback(self, subject: Digest) -> tuple[Descriptor, ...]:
        try:
            document = self.get(fallback_tag(subject))
        except NotFoundError:
            return ()
        return Index.parse(document.content).manifests


def fallback_tag(subject: Digest) -> str:
    """The tag under which referrers are listed where there is no API for them."""
    return f"sha256-{subject.hex}"


def reference_of(repository: Repository, target: str) -> RegistryReference:
    """``repository@sha256:…`` or ``repository:tag``."""
    if target.startswith("sha256:"):
        return RegistryReference(repository, digest=Digest.parse(target))
    return RegistryReference(repository, tag=target)


def _media_type(answer: Answer) -> str:
    return answer.header("content-type").partition(";")[0].strip()


def _document_type(answer: Answer) -> str:
    """The document's own word, where it has one, must be what the registry says."""
    node = parse(answer.content, "manifest")
    own, said = node.field("mediaType").text(""), _media_type(answer)
    known = (*MANIFESTS, *INDEXES)
    if own and said in known and own != said:
        raise VerificationError(
            "refused a manifest: it can be read in two ways",
            why=f"it calls itself {own}, the registry calls it {said}",
        )
    found = own or said
    if found not in known:
        raise VerificationError("refused a manifest", why=f"its media type {found[:80]!r} is not one of an image")
    return found


def _starts_at(content_range: str, start: int) -> bool:
    match = re.fullmatch(r"bytes (\d{1,19})-\d{1,19}/(?:\d{1,19}|\*)", content_range.strip(), re.ASCII)
    return match is not None and int(match[1]) == start

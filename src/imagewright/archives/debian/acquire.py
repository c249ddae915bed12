# SPDX-License-Identifier: Apache-2.0
"""From an archive's address to its packages, believed at each step.

InRelease (signature, suite, dates) → Packages (size and SHA-256 from InRelease) → .deb (size and SHA-256 from
Packages). Nothing is decompressed or parsed before it is verified, and everything is bounded. Verified indexes
are blobs of the store, so that an unchanged archive costs one small download.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import BinaryIO
from urllib.parse import quote

from imagewright.archives.debian.ar import ArMember, Part
from imagewright.archives.debian.deb import decompressor
from imagewright.archives.debian.packages import BinaryPackage, PackageStanza, package_stanzas
from imagewright.archives.debian.release import (
    STRICT,
    IndexFile,
    Leniency,
    Release,
    SeenReleases,
    check_release,
    iso,
    parse_release,
)
from imagewright.archives.debian.source_index import DebianSource, parse_sources
from imagewright.archives.decompressed import Decompressed
from imagewright.archives.fetch import shown
from imagewright.archives.openpgp import MAXIMUM_MESSAGE, Certificate, verify_cleartext
from imagewright.errors import FetchError, ImagewrightError, OfflineError, VerificationError
from imagewright.events import Sink, Warned
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedArchive
from imagewright.model.ports import BlobStore, Fetcher

MAXIMUM_INDEX = 1 << 30
"""Bytes in one decompressed index; Debian's largest has about 60 MB."""

SOURCE = "source"
"""In place of an architecture: the source packages (the Sources index)."""

_PIECE = 1 << 18
_SUFFIXES = (".xz", ".gz", "")


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """Which packages of which archive.

    ``name`` is the archive's name in the lock and ``mirror`` the mirror's role; ``suite`` is the directory below
    ``dists/``, ``architecture`` Debian's name for it, or :data:`SOURCE`. ``certificates`` may sign it.
    """

    name: str
    mirror: str
    suite: str
    components: tuple[str, ...]
    architecture: str
    certificates: tuple[Certificate, ...]
    leniency: Leniency = STRICT


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """A verified state of an archive. ``indexes`` are its Packages (or Sources) files, in the store, and ``kept``
    is what is there of them decompressed."""

    archive: LockedArchive
    release: Release
    indexes: tuple[IndexFile, ...]
    blobs: BlobStore
    kept: Decompressed | None = None

    def packages(self, names: Collection[str] | None = None) -> Iterator[BinaryPackage]:
        """Every package, or those of these names. Raises ``VerificationError`` for an index that is malformed."""
        return (stanza.read() for stanza in self.stanzas() if names is None or stanza.name in names)

    def stanzas(self) -> Iterator[PackageStanza]:
        """Every package, read when it is asked for; the index itself anew at each call."""
        for index in self.indexes:
            with self.blobs.open(index.sha256) as file:
                yield from package_stanzas(self._content(file, index), self.archive.name)

    def sources(self) -> Iterator[DebianSource]:
        """CPython's source packages, where the request was for :data:`SOURCE`. Raises ``VerificationError``."""
        for index in self.indexes:
            with self.blobs.open(index.sha256) as file:
                yield from parse_sources(decompress(file, index, self._bound(index)), self.archive.name)

    def _content(self, file: BinaryIO, index: IndexFile) -> Iterator[bytes]:
        content = partial(decompress, file, index, self._bound(index))
        if self.kept is None:
            yield from content()
            return
        with self.kept.open(index.sha256, content) as read:
            while piece := read(_PIECE):
                yield piece

    def _bound(self, index: IndexFile) -> int:
        """The size that the Release gives for the decompressed file, else a general bound."""
        plain = self.release.files.get(index.path.rpartition(".")[0] if "." in index.path else index.path)
        return min(plain.size, MAXIMUM_INDEX) if plain else MAXIMUM_INDEX


def acquire(
    request: ArchiveRequest,
    addresses: Sequence[str],
    *,
    fetcher: Fetcher,
    blobs: BlobStore,
    seen: SeenReleases,
    now: datetime,
    sink: Sink,
    kept: Decompressed | None = None,
) -> ArchiveIndex:
    """Fetch and verify an archive's indexes from the first of ``addresses`` that can be believed.

    Raises ``VerificationError`` if one of them answered with something else than it should and none did right,
    else ``FetchError``. What ``seen`` remembers moves only when everything was verified.
    """
    site = _Site(request, fetcher, blobs, seen.get(_memory(request)), now)
    failures: list[tuple[str, ImagewrightError]] = []
    for address in addresses:
        try:
            index = site.acquire(address)
        except (FetchError, VerificationError) as error:
            failures.append((shown(address), error))
            continue
        for failed, failure in failures:
            sink(Warned(f"{failed} was passed over for {request.suite}: {failure.message}: {failure.why}"))
        seen.put_larger(_memory(request), index.archive.date)
        until = index.release.valid_until
        if until is not None and until < now:
            sink(
                Warned(
                    f"the Release of {request.suite} at {shown(address)} expired on {iso(until)}; it was allowed"
                )
            )
        return replace(index, kept=kept)
    raise _nowhere(request, failures)


@dataclass(frozen=True, slots=True)
class _Site:
    """What it takes to try one address after the other."""

    request: ArchiveRequest
    fetcher: Fetcher
    blobs: BlobStore
    seen: str | None
    now: datetime

    def acquire(self, address: str) -> ArchiveIndex:
        request = self.request
        subject = f"{request.suite} at {shown(address)}"
        url = url_of(address, f"dists/{request.suite}/InRelease")
        message = b"".join(self.fetcher.stream(url, maximum=MAXIMUM_MESSAGE))
        signed = verify_cleartext(message, request.certificates, subject=f"the InRelease of {subject}")
        release = parse_release(signed.text, subject=subject)
        check_release(
            release,
            wanted=request.suite,
            subject=subject,
            now=self.now,
            seen=self.seen,
            leniency=request.leniency,
        )
        indexes = tuple(_choose(release, request, subject))
        for index in indexes:
            self._fetch(address, index, by_hash=release.by_hash)
        digest = self.blobs.put([message], expected=Digest.of(message), size=len(message))
        archive = LockedArchive(
            request.name, request.mirror, shown(address), request.suite, iso(release.date), digest
        )
        return ArchiveIndex(archive, release, indexes, self.blobs)

    def _fetch(self, address: str, index: IndexFile, *, by_hash: bool) -> None:
        """Bring an index into the store, by its hash first: that name keeps its content while a mirror changes."""
        suite = self.request.suite
        if self.blobs.has(index.sha256):
            return
        if index.size > MAXIMUM_INDEX:
            raise VerificationError(f"the index {index.path} of {suite} has more than {MAXIMUM_INDEX} bytes")
        if by_hash:
            folder = index.path.rpartition("/")[0]
            # Where that fails its plain name may still do; if not, that is the error to show.
            with suppress(FetchError, VerificationError):
                self._put(url_of(address, f"dists/{suite}/{folder}/by-hash/SHA256/{index.sha256.hex}"), index)
                return
        self._put(url_of(address, f"dists/{suite}/{index.path}"), index)

    def _put(self, url: str, index: IndexFile) -> None:
        pieces = self.fetcher.stream(url, maximum=index.size)
        try:
            self.blobs.put(pieces, expected=index.sha256, size=index.size)
        except VerificationError as error:
            raise VerificationError(
                f"refused {shown(url)}: it is not what the signed Release lists",
                why=error.why or error.message,
                hint="the mirror is being updated, or somebody changed it: try again later or use another mirror",
            ) from None


def _choose(release: Release, request: ArchiveRequest, subject: str) -> Iterator[IndexFile]:
    """The index of each component, in the best compression there is.

    Packages for every architecture are in each architecture's index, and where the Release does not say so,
    also in one of their own (the Debian repository format, No-Support-for-Architecture-all).
    """
    if request.architecture == SOURCE:
        yield from (_sources(release, component, subject) for component in request.components)
        return
    if request.architecture not in release.architectures:
        raise VerificationError(
            f"{subject} has no architecture {request.architecture}",
            why=f"its Release lists {' '.join(release.architectures)}",
        )
    for component in request.components:
        if not release.has_component(component):
            raise VerificationError(
                f"{subject} has no component {component}", why=f"its Release lists {' '.join(release.components)}"
            )
        found = _smallest(release, f"{component}/binary-{request.architecture}/Packages")
        if found is None:
            raise VerificationError(
                f"{subject} has no index of {component} for {request.architecture}",
                why="its Release does not list one",
            )
        yield found
        separate = _smallest(release, f"{component}/binary-all/Packages") if release.all_is_separate else None
        if separate is not None:
            yield separate


def _sources(release: Release, component: str, subject: str) -> IndexFile:
    found = _smallest(release, f"{component}/source/Sources")
    if found is None:
        raise VerificationError(
            f"{subject} has no index of {component} sources", why="its Release does not list one"
        )
    return found


def _smallest(release: Release, path: str) -> IndexFile | None:
    return next((found for suffix in _SUFFIXES if (found := release.files.get(path + suffix))), None)


def url_of(address: str, path: str) -> str:
    """The URL of a file below an archive's address; ``path`` is a file name, not a URL."""
    return f"{address.rstrip('/')}/{quote(path, safe='/~+:,=@')}"


def decompress(file: BinaryIO, index: IndexFile, maximum: int) -> Iterator[bytes]:
    """Yield what a verified index holds, by its suffix. Raises ``VerificationError`` beyond ``maximum`` bytes."""
    name = index.path.rpartition("/")[2]
    member = ArMember(name, index.size, Part(file, index.size, index.path))
    read = decompressor(member, name.partition(".")[0], index.path)
    total = 0
    while piece := read(_PIECE):
        total += len(piece)
        if total > maximum:
            raise VerificationError(f"{index.path} decompresses to more than {maximum} bytes")
        yield piece


def _memory(request: ArchiveRequest) -> str:
    """The name under which the newest Release of an archive is remembered, whatever mirror it came from."""
    return f"{request.mirror}/{request.suite}"


def _nowhere(request: ArchiveRequest, failures: Sequence[tuple[str, ImagewrightError]]) -> ImagewrightError:
    """One error for all addresses: somebody who answered wrong weighs more than those who did not answer."""
    reasons = [
        (address, f"{error.message}: {error.why}" if error.why else error.message) for address, error in failures
    ]
    why = "; ".join(f"{address}: {reason}" for address, reason in reasons)
    details = {"tried": [{"url": address, "reason": reason} for address, reason in reasons]}
    wrong = [error for _, error in failures if isinstance(error, VerificationError)]
    if wrong:
        if len(failures) == 1:
            return wrong[0]
        message = f"no mirror gives a state of {request.suite} that can be believed"
        return VerificationError(message, why=why, hint=wrong[0].hint, details=details)
    kind = OfflineError if any(isinstance(error, OfflineError) for _, error in failures) else FetchError
    hint = next((error.hint for _, error in failures if error.hint), "check the network and the mirror's address")
    return kind(f"cannot fetch the indexes of {request.suite}", why=why or "no mirror", hint=hint, details=details)

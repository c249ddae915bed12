# SPDX-License-Identifier: Apache-2.0
"""From the address of Alpine's archive to its packages, believed at each step.

APKINDEX (signature by a key that the catalog names) → control segment of a package (its SHA-1 from the index) →
files (SHA-256 from the control segment). An index says nothing of how long it is valid, so that a mirror that
holds back updates cannot be told from one where nothing happens; one that goes back is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from imagewright.archives.alpine.apk import check_whole, open_apk
from imagewright.archives.alpine.index import MAXIMUM_FILE, ApkPackage, SignedIndex, open_index, parse_index
from imagewright.archives.debian.acquire import url_of
from imagewright.archives.debian.release import CLOCK_SLACK, SeenReleases, iso
from imagewright.archives.fetch import shown
from imagewright.errors import FetchError, ImagewrightError, VerificationError
from imagewright.events import Sink, Warned
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedArchive
from imagewright.model.ports import BlobStore, Fetcher

INDEX = "APKINDEX.tar.gz"


@dataclass(frozen=True, slots=True)
class ApkRequest:
    """Which index: ``branch`` (``v3.22``), ``component`` (``main``) and Alpine's name of an ``architecture``.

    ``mirror`` is the mirror's role; ``keys`` may sign it; ``rank`` is its place among those that are asked.
    """

    mirror: str
    branch: str
    component: str
    architecture: str
    keys: Mapping[str, rsa.RSAPublicKey]
    rank: int = 0

    @property
    def name(self) -> str:
        """What a lock calls it; each architecture has a state of its own."""
        return f"{self.branch}-{self.component}-{self.architecture}"

    @property
    def folder(self) -> str:
        """Where it is below the archive's address."""
        return f"{self.branch}/{self.component}/{self.architecture}"


@dataclass(frozen=True, slots=True)
class ApkIndex:
    """A verified state of an archive, in the store."""

    archive: LockedArchive
    request: ApkRequest
    text: bytes

    def packages(self) -> Iterator[ApkPackage]:
        """Every package. Raises ``VerificationError`` for an index that is malformed."""
        yield from parse_index(
            self.text, archive=self.archive.name, folder=self.request.folder, rank=self.request.rank
        )


def acquire(
    request: ApkRequest,
    addresses: Sequence[str],
    *,
    fetcher: Fetcher,
    blobs: BlobStore,
    seen: SeenReleases,
    now: datetime,
    sink: Sink,
) -> ApkIndex:
    """Fetch and verify an index from the first of ``addresses`` that can be believed.

    Raises ``VerificationError`` if one of them answered with something else than it should and none did right,
    else ``FetchError``. What ``seen`` remembers moves only when it was verified.
    """
    memory = f"{request.mirror}/{request.folder}"
    failures: list[tuple[str, ImagewrightError]] = []
    for address in addresses:
        try:
            index = _acquire(request, address, fetcher, blobs, seen.get(memory), now)
        except (FetchError, VerificationError) as error:
            failures.append((shown(address), error))
            continue
        for failed, failure in failures:
            sink(Warned(f"{failed} was passed over for {request.name}: {failure.message}: {failure.why}"))
        seen.put_larger(memory, index.archive.date)
        return index
    raise _nowhere(request.name, failures)


def _acquire(
    request: ApkRequest, address: str, fetcher: Fetcher, blobs: BlobStore, seen: str | None, now: datetime
) -> ApkIndex:
    subject = f"the index of {request.name} at {shown(address)}"
    url = url_of(address, f"{request.folder}/{INDEX}")
    data = b"".join(fetcher.stream(url, maximum=MAXIMUM_FILE))
    index = open_index(data, request.keys, subject=subject)
    date = _date(request, index)
    if date > now + CLOCK_SLACK:
        raise VerificationError(
            f"{subject} is from the future",
            why=f"it was made on {iso(date)}, and here it is {iso(now)}",
            hint="set this machine's clock",
        )
    if seen is not None and iso(date) < seen:
        raise VerificationError(
            f"{subject} is older than the one seen before",
            why=f"it was made on {iso(date)}; one of {seen} has been seen",
            hint="the mirror lags, or somebody replays an old state: use another one (--mirror NAME=URL)",
        )
    digest = blobs.put([data], expected=Digest.of(data), size=len(data))
    archive = LockedArchive(
        name=request.name,
        mirror=request.mirror,
        address=shown(address),
        suite=f"{request.branch}/{request.component}",
        date=iso(date),
        inrelease=digest,
    )
    return ApkIndex(archive, request, index.text)


def _date(request: ApkRequest, index: SignedIndex) -> datetime:
    """When the index was made: its own time, or that of its newest package where it tells none."""
    packages = parse_index(index.text, archive=request.name, folder=request.folder)
    newest = max((package.built for package in packages), default=0)
    return datetime.fromtimestamp(max(index.written, newest), UTC)


def bring(package: ApkPackage, urls: Sequence[str], place: Path, *, fetcher: Fetcher, blobs: BlobStore) -> Digest:
    """Fetch a package to ``place`` and verify it to its last file; its SHA-256, under which it is in the store.

    Raises as :func:`acquire`.
    """
    failures: list[tuple[str, ImagewrightError]] = []
    for url in urls:
        try:
            return _bring(package, url, place, fetcher, blobs)
        except (FetchError, VerificationError) as error:
            failures.append((shown(url), error))
    raise _nowhere(str(package), failures)


def _bring(package: ApkPackage, url: str, place: Path, fetcher: Fetcher, blobs: BlobStore) -> Digest:
    state, size = hashlib.sha256(), 0
    with place.open("wb") as file, closing(iter(fetcher.stream(url, maximum=package.size))) as pieces:  # type: ignore[type-var]
        for piece in pieces:
            file.write(piece)
            state.update(piece)
            size += len(piece)
    if size != package.size:
        raise VerificationError(
            f"{shown(url)} has {size} bytes instead of {package.size}",
            hint="the mirror is being updated: try again later or use another mirror",
        )
    with place.open("rb") as file:
        apk = open_apk(file, str(package), checksum=package.checksum)
        if (apk.control.name, apk.control.version) != (package.name, package.version):
            raise VerificationError(f"{shown(url)} is {apk.control.name}-{apk.control.version} and not {package}")
        check_whole(apk)
    digest = Digest(state.hexdigest())
    with place.open("rb") as file:
        return blobs.put(iter(lambda: file.read(1 << 20), b""), expected=digest, size=size)


def _nowhere(name: str, failures: Sequence[tuple[str, ImagewrightError]]) -> ImagewrightError:
    """One error for all addresses: somebody who answered wrong weighs more than those who did not answer."""
    if len(failures) == 1:
        return failures[0][1]
    reasons = [f"{address}: {': '.join(error.lines()[:2])}" for address, error in failures]
    wrong = [error for _, error in failures if isinstance(error, VerificationError)]
    why = "; ".join(reasons) or "no mirror"
    if wrong:
        return VerificationError(f"no mirror gives {name} so that it can be believed", why=why, hint=wrong[0].hint)
    return FetchError(f"cannot fetch {name}", why=why, hint="check the network and the mirror's address")

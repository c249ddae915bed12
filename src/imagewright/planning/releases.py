# SPDX-License-Identifier: Apache-2.0
"""New releases of CPython: from what providers claim to what the catalog may take in. Pure.

What is believed, and why (docs/adr/0010-evidence-for-releases.md): a digest becomes a pin with a signature of the
series' release manager (OpenPGP, Sigstore), or because Debian's signed index names it. What only python.org says,
over HTTPS, is a claim; it is pinned only when a person accepts that release by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from imagewright.archives.cpython.downloads import PublishedSource
from imagewright.archives.debian.source_index import DebianSource
from imagewright.catalog.model import Catalog, Release
from imagewright.catalog.versions import is_prerelease, release_key, series_key, series_of
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

PYTHON_ORG = "python.org"
PINNED = "catalog"
"""The provenance of a release whose digest ships with the program, but which was not its series' current one."""

UNVERIFIED = "unverified"
"""The provenance of a release that somebody accepted without evidence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One provider's word on one release.

    ``origin`` is ``python.org`` or a suite; ``size`` in bytes (0: not said); ``believed`` says that a signature
    the catalog trusts covers ``sha256``. ``debian`` and ``signature`` are pool paths; ``signed`` and ``bundle``
    say what python.org has beside the file.
    """

    version: str
    origin: str
    packed: str
    size: int = 0
    sha256: Digest | None = None
    believed: bool = False
    debian: str = ""
    signature: str = ""
    signed: bool = False
    bundle: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """The newest release of a series that is newer than what the catalog has, as all providers together say.

    ``have`` is the series' current release; ``suites`` are the suites whose signed index names the digest;
    ``pinned`` says that the catalog knows the release already.
    """

    series: str
    have: str
    version: str
    packed: str
    size: int
    sha256: Digest | None
    suites: tuple[str, ...]
    debian: str
    signature: str
    signed: bool
    bundle: bool
    pinned: bool = False


def debian_claim(suite: str, source: DebianSource) -> Claim:
    """What a suite's verified index says."""
    return Claim(
        version=source.release,
        origin=suite,
        packed=source.packed,
        size=source.size,
        sha256=source.sha256,
        believed=True,
        debian=source.path,
        signature=source.signature,
    )


def python_claim(source: PublishedSource) -> Claim:
    """What python.org says."""
    return Claim(
        version=source.version,
        origin=PYTHON_ORG,
        packed=source.packed,
        size=source.size,
        sha256=source.sha256,
        signed=source.signed,
        bundle=source.bundle,
    )


def check_known(catalog: Catalog, claims: Iterable[Claim]) -> None:
    """Raise ``VerificationError`` where a provider gives another digest for a release that the catalog pins."""
    for claim in claims:
        known = catalog.by_release.get(claim.version)
        if known is None or known.sha256 is None or claim.sha256 is None:
            continue
        if known.packed != claim.packed or known.sha256 == claim.sha256:
            continue
        raise VerificationError(
            f"CPython {claim.version} changed: {claim.origin} gives another digest than the catalog",
            why=f"pinned is {known.sha256.hex}, and {claim.origin} says {claim.sha256.hex}",
            hint="a release never changes: find out who is wrong before anything is built from either",
            details={"release": claim.version, "origin": claim.origin, "have": str(known.sha256),
                     "claimed": str(claim.sha256)},
        )  # fmt: skip


def wanted_versions(
    catalog: Catalog, versions: Iterable[str], series: Collection[str], *, prereleases: bool
) -> tuple[str, ...]:
    """For each series asked for, the newest of ``versions`` that is newer than its current release.

    The current release itself is wanted where the catalog does not know its digest.
    Prereleases count only in a series whose current release is one, unless they are asked for. Nothing older than
    the current release is ever wanted.
    """
    found: dict[str, str] = {}
    for version in versions:
        one = catalog.by_series.get(series_of(version))
        if one is None or one.name not in series:
            continue
        if is_prerelease(version) and not (prereleases or is_prerelease(one.current)):
            continue
        best = found.get(one.name, one.current)
        if release_key(version) > release_key(best) or (version == best and _unpinned(catalog, version)):
            found[one.name] = version
    return tuple(found[name] for name in sorted(found, key=series_key, reverse=True))


def unknown_series(catalog: Catalog, versions: Iterable[str]) -> tuple[str, ...]:
    """Series newer than every one of the catalog, which a newer program has to bring."""
    newest = max((series_key(name) for name in catalog.by_series), default=(0, 0))
    found = {series_of(version) for version in versions}
    return tuple(sorted((name for name in found if series_key(name) > newest), key=series_key))


def candidate(catalog: Catalog, version: str, claims: Sequence[Claim]) -> Candidate:
    """All claims on one release together. Raises ``VerificationError`` where they contradict each other.

    The archive whose digest is believed is taken before one whose is not, ``tar.xz`` before ``tgz``.
    """
    ours = [claim for claim in claims if claim.version == version]
    if not ours:
        raise ValueError(f"nobody says anything of {version}")
    packed = min(ours, key=lambda claim: (not claim.believed, claim.packed != "tar.xz")).packed
    ours = [claim for claim in ours if claim.packed == packed]
    digests = {claim.sha256: claim.origin for claim in ours if claim.sha256 is not None}
    sizes = {claim.size for claim in ours if claim.size}
    if len(digests) > 1 or len(sizes) > 1:
        said = ", ".join(sorted({f"{claim.origin}: {claim.size} bytes, {_hex(claim.sha256)}" for claim in ours}))
        raise VerificationError(
            f"what is said of CPython {version} contradicts itself",
            why=said,
            hint="somebody changed the file, or a mirror is wrong: take it in when they agree",
        )
    debian = next((claim for claim in ours if claim.debian), None)
    series = series_of(version)
    known = catalog.by_release.get(version)
    pinned = known is not None and known.sha256 is not None and known.packed == packed
    if known is not None and known.sha256 is not None and pinned:
        digests, sizes = {known.sha256: PINNED}, {known.size or next(iter(sizes), 0)}
    return Candidate(
        series=series,
        have=catalog.by_series[series].current,
        version=version,
        packed=packed,
        size=next(iter(sizes), 0),
        sha256=next(iter(digests), None),
        suites=tuple(sorted(claim.origin for claim in ours if claim.believed)),
        debian=debian.debian if debian else "",
        signature=next((claim.signature for claim in ours if claim.signature), ""),
        signed=any(claim.signed for claim in ours),
        bundle=any(claim.bundle for claim in ours),
        pinned=pinned,
    )


def release_of(found: Candidate, sha256: Digest, size: int, epoch: int, provenance: str) -> Release:
    """The candidate as the catalog keeps it."""
    return Release(
        version=found.version,
        series=found.series,
        epoch=epoch,
        sha256=sha256,
        size=size,
        packed=found.packed,
        debian=found.debian,
        signature=found.signature,
        provenance=provenance,
    )


def _unpinned(catalog: Catalog, version: str) -> bool:
    known = catalog.by_release.get(version)
    return known is not None and known.sha256 is None


def _hex(digest: Digest | None) -> str:
    return "no digest" if digest is None else digest.hex

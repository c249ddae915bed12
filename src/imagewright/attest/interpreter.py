# SPDX-License-Identifier: Apache-2.0
"""CPython as components: the release itself, and the libraries that its source brings along.

Since 3.12 the source archive says which these are (``Misc/sbom.spdx.json``; ``Tools/build/generate_sbom.py``); for
earlier releases only the interpreter is named.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from imagewright.attest.bill import Bill, Component, ComponentKind, reference_of, sort_components
from imagewright.attest.spdx import read_components
from imagewright.model.digest import Digest

_ORIGIN = "https://www.python.org/ftp/python"
_FOUNDATION = "Organization: Python Software Foundation"
_NAMESPACE = "https://imagewright.invalid/sbom"
"""A namespace is a name, not an address (SPDX 2.3, clause 6.5); this host can never exist (RFC 2606)."""


def interpreter(release: str, filename: str, sha256: Digest | None) -> Component:
    """The release; ``filename`` and ``sha256`` are its source archive's, where they are known."""
    download = ""
    if filename.startswith(f"Python-{release}."):
        download = f"{_ORIGIN}/{_final(release)}/{filename}"
    words = [("checksum", f"sha256:{sha256.hex}" if sha256 else ""), ("download_url", download)]
    qualifiers = "&".join(f"{key}={quote(value, safe='/:')}" for key, value in words if value)
    return Component(
        reference=reference_of("cpython", release),
        kind=ComponentKind.APPLICATION,
        name="python",
        version=release,
        purl=f"pkg:generic/python@{release}" + (f"?{qualifiers}" if qualifiers else ""),
        cpe=_cpe(release),
        licence="Python-2.0" if release.startswith("2.") else "Python-2.0.1",
        sha256=sha256,
        download=download,
        supplier=_FOUNDATION,
        originator=_FOUNDATION,
        homepage="https://www.python.org/",
    )


def bundled(interpreter_reference: str, own: bytes | None) -> tuple[Component, ...]:
    """The libraries in the source, by its own document. Raises ``VerificationError`` for one that is none.

    pip is not among them: it is installed beside the interpreter, has metadata of its own, and may be left out.
    """
    if own is None:
        return ()
    return sort_components(
        replace(
            found,
            reference=reference_of("cpython", found.name, found.version),
            kind=ComponentKind.LIBRARY,
            purl=found.purl or _purl(found),
            inside=interpreter_reference,
        )
        for found in read_components(own)
        if found.name != "pip"
    )


def interpreter_bill(release: str, filename: str, sha256: Digest, own: bytes | None, created: int) -> Bill:
    """The bill that goes into images: of CPython alone; ``own`` is the source's document, if it has one."""
    subject = interpreter(release, filename, sha256)
    return Bill(
        name=f"python-{release}",
        namespace=f"{_NAMESPACE}/python-{release}-{sha256.hex}",
        created=created,
        subject=subject,
        components=bundled(subject.reference, own),
    )


def _purl(component: Component) -> str:
    """A name for what the source's document names by CPE alone."""
    return f"pkg:generic/{quote(component.name)}@{quote(component.version)}"


def _final(release: str) -> str:
    """``3.15.0`` of ``3.15.0rc1``: the directory in which prereleases are, too."""
    digits = release
    for mark in ("a", "b", "rc"):
        digits = digits.partition(mark)[0]
    return digits


def _cpe(release: str) -> str:
    """CPE 2.3 (NIST IR 7695): a prerelease is the update of its version."""
    version = _final(release)
    return f"cpe:2.3:a:python:python:{version}:{release.removeprefix(version) or '*'}:*:*:*:*:*:*"

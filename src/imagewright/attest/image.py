# SPDX-License-Identifier: Apache-2.0
"""The bill of a whole image, from its inventory and what the lock knows of its packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from imagewright.attest.bill import Bill, Component, ComponentKind, reference_of, sort_components
from imagewright.attest.interpreter import interpreter
from imagewright.attest.spdx import read_components
from imagewright.inventory.stock import Inventory, PythonPackage, SystemPackage
from imagewright.model.digest import Digest
from imagewright.model.packages import PackageSystem

_SAFE = ".-_~:"
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image besides its files: ``name`` is what it is called, ``digest`` its manifest's.

    ``created`` in seconds since the epoch; ``environment`` is its configuration's; ``packages`` the SHA-256 of
    .deb files by (name, version, architecture).
    """

    name: str
    digest: Digest
    platform: str
    created: int
    environment: Mapping[str, str]
    packages: Mapping[tuple[str, str, str], Digest]


def image_bill(facts: ImageFacts, inventory: Inventory) -> Bill:
    """The bill. The same image, name and lock give the same bill."""
    subject = Component(
        reference="image",
        kind=ComponentKind.CONTAINER,
        name=facts.name,
        version=str(facts.digest),
        purl=_image_purl(facts),
        sha256=facts.digest,
    )
    distribution = inventory.distribution
    parts: list[Component] = []
    if distribution.identifier:
        parts.append(
            Component(
                reference=reference_of("distribution", distribution.qualifier),
                kind=ComponentKind.SYSTEM,
                name=distribution.identifier,
                version=distribution.version or distribution.codename,
            )
        )
    parts += [_system(package, inventory, facts) for package in inventory.packages]
    parts += _interpreters(facts, inventory)
    parts += [part for package in inventory.python_packages for part in _python(package)]
    return Bill(
        name=f"{facts.name} {facts.platform}",
        namespace=f"https://imagewright.invalid/sbom/image-{facts.digest.hex}",
        created=facts.created,
        subject=subject,
        components=sort_components(parts),
    )


def _interpreters(facts: ImageFacts, inventory: Inventory) -> Iterator[Component]:
    """From the documents in the image; from its environment where it has none, as official images do."""
    for _, content in inventory.documents:
        yield from _nested(read_components(content))
    release = facts.environment.get("PYTHON_VERSION", "")
    if not inventory.documents and release:
        text = facts.environment.get("PYTHON_SHA256", "")
        known = Digest(text) if re.fullmatch(r"[0-9a-f]{64}", text) else None
        yield interpreter(release, f"Python-{release}.tar.xz" if known else "", known)


def _nested(found: Iterable[Component]) -> Iterator[Component]:
    """The first is what the document is about, the others are in it."""
    head = ""
    for component in found:
        yield replace(component, inside=head)
        head = head or component.reference


def _system(package: SystemPackage, inventory: Inventory, facts: ImageFacts) -> Component:
    qualifiers = [("arch", package.architecture), ("distro", inventory.distribution.qualifier)]
    if (package.source, package.source_version) != (package.name, package.version):
        qualifiers.append(("upstream", f"{package.source}@{package.source_version}"))
    namespace = inventory.distribution.identifier or "debian"
    kind = "apk" if package.system is PackageSystem.APK else "deb"
    return Component(
        reference=reference_of(kind, package.name, package.version, package.architecture),
        kind=ComponentKind.LIBRARY,
        name=package.name,
        version=package.version,
        purl=_purl(kind, namespace, package.name, package.version, qualifiers),
        licence=package.licence,
        sha256=facts.packages.get((package.name, package.version, package.architecture)),
        supplier=f"Organization: {package.maintainer}" if package.maintainer else "",
        homepage=package.homepage if package.homepage.startswith(("http://", "https://")) else "",
        source=(package.source, package.source_version),
    )


def _python(package: PythonPackage) -> Iterator[Component]:
    """The package, and what it brings inside."""
    whole = _python_component(package.name, package.version, *_place(package.path))
    yield replace(
        whole,
        licence=package.licence if _EXPRESSION.fullmatch(package.licence) else "",
        homepage=package.homepage if package.homepage.startswith(("http://", "https://")) else "",
    )
    for name, version in package.vendored:
        yield replace(_python_component(name, version, "in", whole.reference), inside=whole.reference)


def _python_component(name: str, version: str, *where: str) -> Component:
    normal = re.sub(r"[-_.]+", "-", name).lower()  # as indexes write it (PyPA, "Name normalization")
    return Component(
        reference=reference_of("python-package", normal, version, *where),
        kind=ComponentKind.LIBRARY,
        name=name,
        version=version,
        purl=_purl("pypi", "", normal, version, []),
    )


def _place(path: str) -> tuple[str, ...]:
    """Which directory it is in, where that is not the interpreter's own: Debian's packages have another."""
    directory = path.rpartition("/site-packages/")[0]
    return () if directory.startswith("usr/local/lib/") else ("in", path.rpartition("-packages/")[0])


def _image_purl(facts: ImageFacts) -> str:
    """The purl type ``oci``: the name is the last part of the repository's, the version the digest."""
    repository, _, tag = facts.name.partition(":")
    if "/" in tag:  # the colon of a port
        repository, tag = facts.name, ""
    where = repository if "/" in repository else ""
    architecture = "/".join(facts.platform.split("/")[1:2])
    qualifiers = [("arch", architecture), ("repository_url", where), ("tag", tag)]
    return _purl("oci", "", repository.rpartition("/")[2], str(facts.digest), qualifiers)


def _purl(kind: str, namespace: str, name: str, version: str, qualifiers: Iterable[tuple[str, str]]) -> str:
    """A package URL (ECMA-427). Qualifiers come sorted."""
    words = [quote(word, safe=_SAFE) for word in (namespace, name) if word]
    tail = "&".join(f"{key}={quote(value, safe=f'{_SAFE}/')}" for key, value in sorted(qualifiers) if value)
    version = quote(version, safe=_SAFE if kind != "oci" else "")
    return f"pkg:{kind}/{'/'.join(words)}@{version}" + (f"?{tail}" if tail else "")

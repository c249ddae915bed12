# SPDX-License-Identifier: Apache-2.0
"""SPDX 2.3 as JSON: a bill written, and one read (https://spdx.github.io/spdx-spec/v2.3/)."""

from __future__ import annotations

import re
from typing import Any

from imagewright.attest.bill import NO_ASSERTION, Bill, Component, ComponentKind, reference_of
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import present
from imagewright.oci.reading import Node, parse
from imagewright.oci.times import to_rfc3339

MEDIA_TYPE = "application/spdx+json"
PREDICATE = "https://spdx.dev/Document"
"""The predicate type of an attestation that carries such a document (in-toto, predicates/spdx.md)."""

_PURPOSES = {
    ComponentKind.CONTAINER: "CONTAINER",
    ComponentKind.SYSTEM: "OPERATING-SYSTEM",
    ComponentKind.APPLICATION: "APPLICATION",
    ComponentKind.LIBRARY: "LIBRARY",
}
_KINDS = {purpose: kind for kind, purpose in _PURPOSES.items()}
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+", re.ASCII)
_DOCUMENT = "SPDXRef-DOCUMENT"


def encode(bill: Bill) -> bytes:
    """The canonical bytes of a bill: the same bill gives the same bytes."""
    every = (bill.subject, *bill.components)
    relations = [(_DOCUMENT, "DESCRIBES", _id(bill.subject))]
    relations += [
        (f"SPDXRef-{part.inside or bill.subject.reference}", "CONTAINS", _id(part)) for part in bill.components
    ]
    own = sorted({name for part in every for name in _REFERENCE.findall(part.licence)})
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": bill.name,
        "documentNamespace": bill.namespace,
        "creationInfo": {
            "created": to_rfc3339(bill.created),
            "creators": ["Tool: imagewright"],
        },
        "packages": [_package(part) for part in every],
        "relationships": [
            {"spdxElementId": first, "relationshipType": kind, "relatedSpdxElement": second}
            for first, kind, second in relations
        ],
    }
    if own:
        document["hasExtractedLicensingInfos"] = [_extracted(name) for name in own]
    return canonical_json(document)


def read_components(content: bytes) -> tuple[Component, ...]:
    """The packages of a document, ours or another's, in its own order. Raises ``VerificationError``."""
    node = parse(content, "SPDX document")
    version = node.field("spdxVersion").text("")
    if not version.startswith("SPDX-2."):
        node.field("spdxVersion").refuse(f"expected SPDX-2.3, found {version[:20]!r}")
    return tuple(_component(package) for package in node.field("packages").items())


def described(content: bytes) -> str:
    """The namespace of a document. Raises ``VerificationError``."""
    return parse(content, "SPDX document").field("documentNamespace").text("")


def _id(component: Component) -> str:
    return f"SPDXRef-{component.reference}"


def _package(component: Component) -> dict[str, Any]:
    name, version = component.source
    references = [("SECURITY", "cpe23Type", component.cpe), ("PACKAGE-MANAGER", "purl", component.purl)]
    return {
        "SPDXID": _id(component),
        "name": component.name,
        "downloadLocation": component.download or NO_ASSERTION,
        "filesAnalyzed": False,
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": component.licence or NO_ASSERTION,
        "copyrightText": NO_ASSERTION,
        "supplier": component.supplier or NO_ASSERTION,
        "primaryPackagePurpose": _PURPOSES[component.kind],
    } | present(
        versionInfo=component.version,
        originator=component.originator,
        homepage=component.homepage,
        sourceInfo=f"built from {name} {version}" if name else "",
        checksums=[{"algorithm": "SHA256", "checksumValue": component.sha256.hex}] if component.sha256 else [],
        externalRefs=[
            {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
            for category, kind, locator in references
            if locator
        ],
    )


def _extracted(name: str) -> dict[str, str]:
    plain = name.removeprefix("LicenseRef-")
    return {
        "licenseId": name,
        "name": plain,
        "extractedText": f"The copyright file of the package calls this licence {plain} and has its text.",
    }


def _component(node: Node) -> Component:
    name, version = node.field("name").text(), node.field("versionInfo").text("")
    references = {one.field("referenceType").text(): one for one in node.field("externalRefs").items()}
    identifier = node.field("SPDXID").text().removeprefix("SPDXRef-")
    return Component(
        reference=reference_of(identifier),
        kind=_KINDS.get(node.field("primaryPackagePurpose").text(""), ComponentKind.LIBRARY),
        name=name,
        version=version,
        purl=_locator(references, "purl"),
        cpe=_locator(references, "cpe23Type"),
        licence=_said(node.field("licenseDeclared")),
        sha256=_sha256(node),
        download=_said(node.field("downloadLocation")),
        supplier=_said(node.field("supplier")),
        originator=_said(node.field("originator")),
        homepage=_said(node.field("homepage")),
    )


def _locator(references: dict[str, Node], kind: str) -> str:
    return references[kind].field("referenceLocator").text() if kind in references else ""


def _said(node: Node) -> str:
    text = node.text("")
    return "" if text in {NO_ASSERTION, "NONE"} else text


def _sha256(node: Node) -> Digest | None:
    for checksum in node.field("checksums").items():
        if checksum.field("algorithm").text() == "SHA256":
            value = checksum.field("checksumValue")
            try:
                return Digest(value.text().lower())
            except ValueError as error:
                value.refuse(str(error))
    return None

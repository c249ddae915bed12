# SPDX-License-Identifier: Apache-2.0
"""CycloneDX 1.6 as JSON: a bill written (https://cyclonedx.org/docs/1.6/json/)."""

from __future__ import annotations

import uuid
from typing import Any

from imagewright.attest.bill import Bill, Component
from imagewright.model.digest import canonical_json
from imagewright.oci.descriptor import present
from imagewright.oci.times import to_rfc3339

MEDIA_TYPE = "application/vnd.cyclonedx+json"
PREDICATE = "https://cyclonedx.org/bom"
"""The predicate type of an attestation that carries such a document (in-toto, predicates/cyclonedx.md)."""


def encode(bill: Bill) -> bytes:
    """The canonical bytes of a bill: the same bill gives the same bytes, its serial number included."""
    parts: dict[str, list[str]] = {}
    for component in bill.components:
        parts.setdefault(component.inside or bill.subject.reference, []).append(component.reference)
    return canonical_json(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, bill.namespace).urn,
            "version": 1,
            "metadata": {
                "timestamp": to_rfc3339(bill.created),
                "tools": {"components": [{"type": "application", "name": "imagewright"}]},
                "component": _component(bill.subject),
            },
            "components": [_component(component) for component in bill.components],
            "dependencies": [
                {"ref": reference, "dependsOn": sorted(inside)} for reference, inside in sorted(parts.items())
            ],
        }
    )


def _component(component: Component) -> dict[str, Any]:
    name, version = component.source
    properties = [("imagewright:source", name), ("imagewright:source-version", version)]
    references = [("distribution", component.download), ("website", component.homepage)]
    return {"type": component.kind.value, "bom-ref": component.reference, "name": component.name} | present(
        version=component.version,
        purl=component.purl,
        cpe=component.cpe,
        licenses=[{"expression": component.licence}] if component.licence else [],
        supplier={"name": _plain(component.supplier)} if component.supplier else None,
        author=_plain(component.originator),
        hashes=[{"alg": "SHA-256", "content": component.sha256.hex}] if component.sha256 else [],
        externalReferences=[{"type": kind, "url": url} for kind, url in references if url],
        properties=[{"name": key, "value": value} for key, value in properties if value],
    )


def _plain(actor: str) -> str:
    """``Organization: name`` as SPDX writes it, without the kind."""
    return actor.partition(": ")[2] or actor

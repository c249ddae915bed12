# SPDX-License-Identifier: Apache-2.0
"""Images in a registry of tests, put there document by document; among them some that Docker Hub had in 2019."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import CONFIG, DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST
from support.registry import Repository

DATA = Path(__file__).parent.parent / "describe" / "data"
TAG = "3-windowsservercore"


def put(repository: Repository, media_type: str, document: dict[str, Any]) -> dict[str, Any]:
    """A manifest, index or configuration in the registry; the descriptor that points to it."""
    content = canonical_json(document)
    digest = str(Digest.of(content))
    if media_type in (CONFIG, DOCKER_CONFIG):
        repository.blobs[digest] = content
    else:
        repository.manifests[digest] = (media_type, content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def windows(repository: Repository) -> None:
    """Three Windows images as they were published in 2019: facts of the image, layers that Microsoft held."""
    entries = []
    for image in json.loads((DATA / "windowsservercore.json").read_text())["images"]:
        layers = image["layers"]
        for layer in layers:
            said = {"Content-Length": str(layer["size"]), "Last-Modified": layer.pop("lastModified")}
            repository.described[layer["digest"]] = said
        config = image["configuration"]
        manifest = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "layers": layers}
        manifest["config"] = put(repository, DOCKER_CONFIG, config)
        entry = put(repository, DOCKER_MANIFEST, manifest)
        entry["platform"] = {name: config[name] for name in ("architecture", "os", "os.version")}
        entries.append(entry)
    index = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries}
    repository.tags[TAG] = put(repository, DOCKER_LIST, index)["digest"]

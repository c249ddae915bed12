# SPDX-License-Identifier: Apache-2.0
"""The documents about a real image, and the one inside it, before the formats' own validators."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.model import Document
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from peers.fixtures import QUICK, Built

pytestmark = [pytest.mark.integration, pytest.mark.slow]
OF_CPYTHON = {"expat", "mpdecimal", "hacl-star", "libb2"}


def valid(content: str, path: Path) -> Document:
    """The document, if the SPDX project's own validator has nothing to say."""
    path.write_text(content)
    document = parse_file(str(path))
    assert [found.validation_message for found in validate_full_spdx_document(document)] == []
    return document


def shown(quick_image: Built, kind: str) -> str:
    """Of this machine's platform: others that tests have built come after it, each on a line."""
    return quick_image.workshop.call("attest", f"store:{QUICK[0]}", "--show", kind).stdout.splitlines()[0]


def test_the_spdx_document_of_a_real_image_is_valid_and_whole(quick_image: Built, tmp_path: Path) -> None:
    document = valid(shown(quick_image, "spdx"), tmp_path / "image.spdx.json")
    named = {package.name: package for package in document.packages}
    assert named.keys() >= {"libc6", "dpkg", "python", "pip", *OF_CPYTHON}
    debs = [package for package in document.packages if "pkg:deb/" in str(package.external_references)]
    assert len(debs) > 50
    assert all(package.checksums for package in debs), "each by the SHA-256 of its .deb"
    assert all("upstream=" in str(package.external_references) for package in debs if package.name == "libc6")
    locators = [one.locator for one in named["python"].external_references]
    assert f"cpe:2.3:a:python:python:{named['python'].version}:*:*:*:*:*:*:*" in locators


def test_the_cyclonedx_document_of_a_real_image_is_valid(quick_image: Built) -> None:
    text = shown(quick_image, "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert {"libc6", "python", "pip"} <= {component["name"] for component in json.loads(text)["components"]}


def test_the_document_inside_the_image_is_valid(quick_image: Built, tmp_path: Path) -> None:
    """Where scanners look: see docs/explanation/attestations.md."""
    found = {}
    with tarfile.open(quick_image.archive) as archive:
        for member in archive:
            if not member.isfile() or member.size < 1000:
                continue
            try:
                with tarfile.open(fileobj=archive.extractfile(member)) as layer:
                    for entry in layer:
                        if "/share/sbom/" in f"/{entry.name}" and entry.isfile():
                            file = layer.extractfile(entry)
                            assert file is not None
                            found[entry.name] = file.read().decode()
            except tarfile.ReadError:  # a document, no layer
                continue
    ((name, content),) = found.items()
    assert name.endswith(".spdx.json")
    document = valid(content, tmp_path / "python.spdx.json")
    assert {"python", *OF_CPYTHON} <= {package.name for package in document.packages}

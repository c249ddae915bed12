# SPDX-License-Identifier: Apache-2.0
"""Bills of materials: from the files of an image to documents that the formats' own validators accept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from imagewright.attest import cyclonedx, spdx
from imagewright.attest.bill import Bill
from imagewright.attest.image import ImageFacts, image_bill
from imagewright.attest.interpreter import interpreter_bill
from imagewright.describe.scan import is_kept
from imagewright.errors import VerificationError
from imagewright.inventory.stock import Gathered, gather, take_stock
from imagewright.model.digest import Digest
from imagewright.model.tree import Content, Entry, Kind
from imagewright.oci.toc import read_toc
from support.golden import Golden

OWN = json.dumps(
    {
        "SPDXID": "SPDXRef-DOCUMENT",
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {
                "SPDXID": "SPDXRef-PACKAGE-expat",
                "checksums": [{"algorithm": "SHA256", "checksumValue": "ef" * 32}],
                "downloadLocation": "https://expat.example/expat-2.8.2.tar.gz",
                "externalRefs": [
                    {
                        "referenceCategory": "SECURITY",
                        "referenceLocator": "cpe:2.3:a:libexpat_project:libexpat:2.8.2:*:*:*:*:*:*:*",
                        "referenceType": "cpe23Type",
                    }
                ],
                "licenseConcluded": "NOASSERTION",
                "name": "expat",
                "originator": "Organization: Expat development team",
                "primaryPackagePurpose": "SOURCE",
                "versionInfo": "2.8.2",
            },
            {"SPDXID": "SPDXRef-PACKAGE-pip", "name": "pip", "versionInfo": "24.2"},
        ],
    }
).encode()
COPYRIGHT = b"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001 Somebody
License: GPL-2+ or Artistic, and BSD-3-clause

Files: debian/*
License: GPL-2+ with Bison exception

License: GPL-2+
 The text.
"""
STATUS = b"""Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <glibc@example.org>
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.41-12

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libacl1
Status: install ok installed
Maintainer: Some One <one@example.org>
Architecture: amd64
Source: acl (2.3.2-2)
Version: 2.3.2-2+b1
Homepage: https://acl.example/
"""
METADATA = b"Metadata-Version: 2.4\nName: pip\nVersion: 26.2\nLicense-Expression: MIT\n\nLong text\n"
VENDORED = b"CacheControl==0.14.3\nrequests==2.32.5\n    idna==3.10\n# a comment\n"
SITE = "usr/local/lib/python3.13/site-packages"


def file(path: str, content: bytes) -> tuple[Entry, Content]:
    return Entry(path, Kind.FILE, 0o644, size=len(content)), io.BytesIO(content)


def link(path: str, target: str) -> tuple[Entry, Content]:
    return Entry(path, Kind.SYMLINK, 0o777, link=target), None


def interpreter_document() -> bytes:
    return spdx.encode(
        interpreter_bill("3.13.15", "Python-3.13.15.tar.xz", Digest.of(b"source"), OWN, 1_785_932_743)
    )


def layers() -> Iterator[Iterator[tuple[Entry, Content]]]:
    yield iter(
        [
            file("etc/hostname", b"nobody asks for this"),
            file("usr/lib/os-release", b'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'),
            link("usr/share/doc/libacl1", "libc6"),
            file("usr/share/doc/libc6/copyright", COPYRIGHT),
            file("var/lib/dpkg/status", b"Package: old\nStatus: install ok installed\nVersion: 1\n"),
            file(f"{SITE}/old-1.dist-info/METADATA", b"Name: old\nVersion: 1\n\n"),
        ]
    )
    yield iter(
        [
            file("usr/local/share/sbom/python-3.13.15.spdx.json", interpreter_document()),
            file(f"{SITE}/.wh.old-1.dist-info", b""),
            file(f"{SITE}/pip-26.2.dist-info/METADATA", METADATA),
            file(f"{SITE}/pip/_vendor/vendor.txt", VENDORED),
            file("var/lib/dpkg/status", STATUS),
        ]
    )


def whole() -> Bill:
    facts = ImageFacts(
        "registry.example:5000/team/python:3.13-slim",
        Digest.of(b"manifest"),
        "linux/arm64/v8",
        1_785_932_743,
        {"PYTHON_VERSION": "3.13.15"},
        {("libc6", "2.41-12", "amd64"): Digest.of(b"libc6.deb")},
    )
    return image_bill(facts, take_stock(gather(read_toc(layer, is_kept) for layer in layers())))


def test_packages_of_apk_have_urls_of_their_own() -> None:
    installed = b"P:libcrypto3\nV:3.5.4-r0\nA:x86_64\no:openssl\nL:Apache-2.0\n\n"
    release = b"ID=alpine\nVERSION_ID=3.22.1\n"
    stock = take_stock(Gathered({"lib/apk/db/installed": installed, "etc/os-release": release}))
    facts = ImageFacts("python:3.13-alpine3.22", Digest.of(b"manifest"), "linux/amd64", 0, {}, {})
    found = next(one for one in image_bill(facts, stock).components if one.name == "libcrypto3")
    assert found.purl == (
        "pkg:apk/alpine/libcrypto3@3.5.4-r0?arch=x86_64&distro=alpine-3.22.1&upstream=openssl%403.5.4-r0"
    )
    assert found.licence == "Apache-2.0"


def problems_of_spdx(document: bytes, directory: Path) -> list[str]:
    path = directory / "document.spdx.json"
    path.write_bytes(document)
    return [found.validation_message for found in validate_full_spdx_document(parse_file(str(path)))]


def test_spdx_of_an_image(tmp_path: Path, golden: Golden) -> None:
    document = spdx.encode(whole())
    golden("image.spdx.json", document)
    assert problems_of_spdx(document, tmp_path) == []


def test_cyclonedx_of_an_image(golden: Golden) -> None:
    document = cyclonedx.encode(whole())
    golden("image.cdx.json", document)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None


def test_spdx_of_the_interpreter(tmp_path: Path, golden: Golden) -> None:
    document = interpreter_document()
    golden("python.spdx.json", document)
    assert problems_of_spdx(document, tmp_path) == []


def test_what_is_written_can_be_read() -> None:
    bill = whole()
    read = spdx.read_components(spdx.encode(bill))
    assert [replace(one, source=("", ""), inside="") for one in (bill.subject, *bill.components)] == list(read)
    assert spdx.described(spdx.encode(bill)) == bill.namespace


def test_a_package_is_told_by_name_source_licence_and_digest() -> None:
    found = {component.name: component for component in whole().components}
    assert found["libacl1"].purl == (
        "pkg:deb/debian/libacl1@2.3.2-2%2Bb1?arch=amd64&distro=debian-13&upstream=acl%402.3.2-2"
    )
    assert found["libacl1"].licence == (  # through the link, as most packages of one source have it
        "((GPL-2.0-or-later OR Artistic-1.0) AND BSD-3-Clause) AND LicenseRef-GPL-2--with-Bison-exception"
    )
    assert found["libc6"].sha256 == Digest.of(b"libc6.deb")
    assert found["libc6"].source == ("glibc", "2.41-12")
    assert "gone" not in found
    assert "old" not in found


def test_the_interpreter_holds_its_libraries_but_not_pip() -> None:
    components = whole().components
    python = next(one for one in components if one.name == "python")
    assert python.cpe == "cpe:2.3:a:python:python:3.13.15:*:*:*:*:*:*:*"
    assert [one.name for one in components if one.inside == python.reference] == ["expat"]
    pip = next(one for one in components if one.name == "pip")
    assert (pip.version, pip.inside) == ("26.2", "")
    assert {one.name for one in components if one.inside == pip.reference} == {"CacheControl", "idna", "requests"}


def test_an_official_image_is_told_by_its_environment() -> None:
    facts = ImageFacts(
        "python:3.15-rc",
        Digest.of(b"manifest"),
        "linux/amd64",
        0,
        {"PYTHON_VERSION": "3.15.0rc1", "PYTHON_SHA256": Digest.of(b"source").hex},
        {},
    )
    (python,) = image_bill(facts, take_stock(Gathered())).components
    assert python.cpe == "cpe:2.3:a:python:python:3.15.0:rc1:*:*:*:*:*:*"
    assert python.download == "https://www.python.org/ftp/python/3.15.0/Python-3.15.0rc1.tar.xz"


def test_before_3_12_the_source_names_no_libraries() -> None:
    assert interpreter_bill("3.11.2", "Python-3.11.2.tgz", Digest.of(b"x"), None, 0).components == ()


def test_links_that_climb_or_circle_lead_nowhere() -> None:
    found = Gathered(links={"usr/share/doc/a": "../../../../etc", "usr/share/doc/b": "b"})
    assert found.read("usr/share/doc/a/copyright") is None
    assert found.read("usr/share/doc/b/copyright") is None


def test_a_damaged_database_is_refused() -> None:
    with pytest.raises(VerificationError, match="package database"):
        take_stock(Gathered(files={"var/lib/dpkg/status": b"no field\n"}))


@given(st.binary(max_size=400))
def test_any_bytes_are_a_document_or_refused(content: bytes) -> None:
    with suppress(VerificationError):  # anything else would be a defect
        assert isinstance(spdx.read_components(content), tuple)


@given(
    st.dictionaries(st.sampled_from(["etc/os-release", f"{SITE}/a.dist-info/METADATA"]), st.binary(max_size=200))
)
def test_any_files_make_an_inventory(files: dict[str, bytes]) -> None:
    inventory = take_stock(Gathered(files=files))
    assert inventory.packages == ()
    assert all(package.name and package.version for package in inventory.python_packages)

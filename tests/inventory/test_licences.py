# SPDX-License-Identifier: Apache-2.0
"""Debian's licence names in SPDX's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.common.spdx_licensing import spdx_licensing

from imagewright.inventory.licences import copyright_licences, expression, name_of, together

HEAD = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


@pytest.mark.parametrize(
    ("debian", "spdx"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GPL-9", "LicenseRef-GPL-9"),
        ("Expat", "MIT"),
        ("public-domain", "LicenseRef-public-domain"),
        ("GPL-2+ or MIT and ISC", "GPL-2.0-or-later OR (MIT AND ISC)"),
        ("GPL-1+ or Artistic, and BSD-3-clause", "(GPL-1.0-or-later OR Artistic-1.0) AND BSD-3-Clause"),
        ("", "LicenseRef-unnamed"),
    ],
)
def test_expressions(debian: str, spdx: str) -> None:
    assert expression(debian) == spdx


def test_all_files_count_each_licence_once() -> None:
    text = HEAD + b"Files: *\nLicense: MIT and ISC\n\nFiles: a\nLicense: ISC\n\nLicense: MIT\n text\n"
    assert copyright_licences(text) == "ISC AND MIT"


@pytest.mark.parametrize(
    "text", [b"", b"It is free.\n", b"\xff", HEAD, b"Format: other\n\nFiles: *\nLicense: MIT\n"]
)
def test_what_is_not_machine_readable_says_nothing(text: bytes) -> None:
    assert copyright_licences(text) == ""


def test_every_known_name_is_one_of_spdx() -> None:
    from imagewright.inventory.licences import _KNOWN

    known = spdx_licensing.known_symbols
    names = {word for value in _KNOWN.values() for word in value.split(" OR ")}
    assert names - set(known) == set()


@given(st.text(max_size=60))
def test_any_text_becomes_an_expression(text: str) -> None:
    found = together([expression(text)])
    assert spdx_licensing.parse(found) is not None
    assert name_of(text).isascii()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    assert isinstance(copyright_licences(HEAD + content), str)

# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.alpine.database import installed_files, read_installed
from imagewright.errors import VerificationError

TEXT = b"P:a\nV:1-r0\nF:\nR:top\nF:usr/bin\nM:0:0:700\nR:a\na:0:0:755\nZ:Q1x\n\nP:b\nV:2-r0\nF:usr/bin\nR:b\n\n"


def test_packages_and_files() -> None:
    assert [dict(fields) for fields in read_installed(TEXT, "it")] == [
        {"P": "a", "V": "1-r0"},
        {"P": "b", "V": "2-r0"},
    ]
    assert list(installed_files(TEXT)) == [("top", "a"), ("usr/bin/a", "a"), ("usr/bin/b", "b")]


@pytest.mark.parametrize("text", [b"V:1\n\n", b"P:a\n\n", b"nonsense\n", b"P:a\nV:1\nP:b\n", b"\xff:a\n"])
def test_what_cannot_be_read(text: bytes) -> None:
    with pytest.raises(VerificationError, match="the package database of it cannot be read"):
        read_installed(text, "it")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read_installed(data, "it")
    except VerificationError:
        return
    assert all(fields["P"] and fields["V"] for fields in found)

# SPDX-License-Identifier: Apache-2.0
"""What a source archive tells of the libraries in it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from imagewright.archives.cpython import contents
from imagewright.errors import VerificationError


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:xz") as written:
        for name, content in files.items():
            member = tarfile.TarInfo(f"Python-3.13.15/{name}")
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return path


def test_the_document_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path / "a", {"README": b"x", "Misc/sbom.spdx.json": b"{}", "Lib/os.py": b"y"})
    assert contents.bundled_bill(path, "a") == b"{}"


def test_older_sources_have_none(tmp_path: Path) -> None:
    assert contents.bundled_bill(archive(tmp_path / "a", {"Lib/Misc/sbom.spdx.json": b"{}"}), "a") is None


def test_what_is_no_archive_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").write_bytes(b"no archive")
    with pytest.raises(VerificationError, match="b cannot be read"):
        contents.bundled_bill(tmp_path / "b", "b")
    path = archive(tmp_path / "c", {"README": b"x", "Misc/sbom.spdx.json": b"{}" * 9})
    monkeypatch.setattr(contents, "MAXIMUM_BILL", 8)
    with pytest.raises(VerificationError, match="larger than 8 bytes"):
        contents.bundled_bill(path, "c")
    monkeypatch.setattr(contents, "MAXIMUM_ENTRIES", 1)
    with pytest.raises(VerificationError, match="more than a source archive"):
        contents.bundled_bill(path, "c")

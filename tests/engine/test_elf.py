# SPDX-License-Identifier: Apache-2.0
"""ELF needs: read from real files of this machine, and from bytes that are not what they seem."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.engine import elf
from imagewright.engine.elf import ElfFile
from imagewright.errors import BuildError

MODULES = "/usr/local/lib/python3.13/lib-dynload"


def test_a_real_program_names_the_c_library() -> None:
    path = Path(sys.executable).resolve()
    with path.open("rb") as file:
        found = elf.read_elf("/usr/local/bin/python3", file)
    assert found is not None
    assert "libc.so.6" in found.needed
    assert found.path == "/usr/local/bin/python3"
    assert found.module == ""


def test_scan_takes_regular_elf_files_only(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "program").write_bytes(Path(sys.executable).resolve().read_bytes())
    (tmp_path / "usr" / "link").symlink_to("program")
    (tmp_path / "usr" / "text").write_text("#!/bin/sh\n")
    assert [found.path for found in elf.scan(tmp_path)] == ["/usr/program"]


def test_a_broken_elf_file_is_an_error_that_names_it() -> None:
    with pytest.raises(BuildError, match=r"/lib/broken\.so"):
        elf.read_elf("/lib/broken.so", io.BytesIO(b"\x7fELF" + b"\xff" * 60))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for content in (data, b"\x7fELF" + data, b"\x7fELF\x02\x01\x01" + data):
        try:
            found = elf.read_elf("/x", io.BytesIO(content))
        except BuildError:
            continue
        assert found is None or found.path == "/x"


def test_needs_leave_out_what_the_tree_has_and_what_is_optional() -> None:
    files = (
        ElfFile("/usr/local/bin/python3.13", "", ("libm.so.6", "libpython3.13.so.1.0")),
        ElfFile("/usr/local/lib/libpython3.13.so.1.0", "libpython3.13.so.1.0", ("libm.so.6",)),
        ElfFile(f"{MODULES}/_ssl.cpython-313-x86_64-linux-gnu.so", "", ("libssl.so.3", "libc.so.6")),
        ElfFile(f"{MODULES}/_tkinter.cpython-313-x86_64-linux-gnu.so", "", ("libtk8.6.so",)),
    )
    needs = elf.unmet(files, ["_tkinter"])
    assert list(needs) == ["libc.so.6", "libm.so.6", "libssl.so.3"]
    assert needs["libm.so.6"] == "/usr/local/bin/python3.13"
    assert needs["libssl.so.3"].endswith("_ssl.cpython-313-x86_64-linux-gnu.so")
    assert "libtk8.6.so" in elf.unmet(files, [])


def test_the_stored_form_reads_back() -> None:
    files = (ElfFile("/a", "liba.so.1", ("libb.so.2",), ("$ORIGIN/../lib",)), ElfFile("/b", "", ()))
    assert elf.load(elf.dump(files)) == files

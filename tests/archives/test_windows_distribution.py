# SPDX-License-Identifier: Apache-2.0
"""Distributions for Windows: three forms, and what Windows would not hold."""

from __future__ import annotations

import io
import stat
import zipfile
from zipfile import ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.cpython import windows
from imagewright.archives.cpython.windows import Distribution, Names, open_distribution
from imagewright.errors import VerificationError
from support.windows import embedded, files, nupkg, zipped


def refused(data: bytes) -> str:
    with pytest.raises(VerificationError) as caught, open_distribution(io.BytesIO(data), "python.zip"):
        pass
    return f"{caught.value.message} {caught.value.why}"


@pytest.mark.parametrize("data", [nupkg(), zipped(files())], ids=("nupkg", "zip"))
def test_both_whole_forms_hold_the_same(data: bytes) -> None:
    with open_distribution(io.BytesIO(data), "python.zip") as found:
        assert {one.path: one.size for one in found.files} == {name: len(data) for name, data in files().items()}
        assert found.read("Lib/os.py") == files()["Lib/os.py"]
        assert found.paths_file == ""


def test_the_embeddable_form_says_where_modules_are() -> None:
    with open_distribution(io.BytesIO(zipped(embedded())), "python.zip") as found:
        assert found.paths_file == "python313._pth"


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/x",
        "a//b",
        "a/./b",
        "a\\b",
        "c:x",
        "x.txt:stream",
        "con",
        "Lib/NUL.txt",
        "lpt1",
        "x.",
        "x ",
        "a\x01b",
        "x?",
        "x" * 300,
    ],
)
def test_paths_that_are_none_for_windows_are_refused(path: str) -> None:
    assert "is no path for Windows" in refused(zipped({**files(), path: b""}))


@pytest.mark.parametrize("path", ["PYTHON.EXE", "lib/os.py", "python.exe/x", "LIB"])
def test_names_that_differ_in_case_alone_are_refused(path: str) -> None:
    assert "differs in case alone" in refused(zipped({**files(), path: b""}))


def test_what_is_no_distribution_is_refused() -> None:
    assert "no zip archive" in refused(b"MZ")
    assert "has no python.exe" in refused(zipped({"README": b""}))


def test_links_encrypted_files_and_odd_compression_are_refused() -> None:
    link = ZipInfo("Lib/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in files().items():
            archive.writestr(name, data)
        archive.writestr(link, "os.py")
    assert "no regular file" in refused(place.getvalue())
    with zipfile.ZipFile(place, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("python.exe", b"MZ")
    assert "compressed in an unusual way" in refused(place.getvalue())


def test_sizes_and_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAXIMUM_FILES", len(files()) - 1)
    assert "more than" in refused(zipped(files()))
    monkeypatch.setattr(windows, "MAXIMUM_FILES", 100)
    monkeypatch.setattr(windows, "MAXIMUM_SIZE", 100)
    assert "more than" in refused(zipped(files()))


def test_damage_is_noticed() -> None:
    data = bytearray(zipped({"python.exe": b"MZ" * 500, "Lib/os.py": b"import sys\n" * 50}))
    place = data.index(b"Lib/os.py") + len("Lib/os.py") + 5
    data[place] ^= 0xFF
    with (
        open_distribution(io.BytesIO(bytes(data)), "python.zip") as found,
        pytest.raises(VerificationError, match=r"Lib/os\.py is damaged"),
    ):
        found.read("Lib/os.py")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        with open_distribution(io.BytesIO(data), "python.zip") as found:
            assert isinstance(found, Distribution)
    except VerificationError:
        pass


@given(st.lists(st.text(alphabet="aAbB/.", min_size=1, max_size=8), max_size=12))
def test_no_two_names_that_are_taken_are_one_for_windows(paths: list[str]) -> None:
    names = Names("python.zip")
    taken: list[str] = []
    for path in paths:
        try:
            names.admit(path)
        except VerificationError:
            continue
        taken.append(path)
    lower = [path.lower() for path in taken]
    assert len(set(lower)) == len(lower)
    directories = {"/".join(path.split("/")[:end]) for path in taken for end in range(1, len(path.split("/")))}
    assert len({one.lower() for one in directories}) == len(directories)
    assert not {one.lower() for one in directories} & set(lower)

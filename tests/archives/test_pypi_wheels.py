# SPDX-License-Identifier: Apache-2.0
"""Which wheel an image takes, why others will not do, and whether a set of packages is complete."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.pypi import metadata
from imagewright.archives.pypi.metadata import Metadata, read_metadata
from imagewright.archives.pypi.simple import IndexFile
from imagewright.archives.pypi.wheels import WheelTarget, choose, unmet
from imagewright.errors import SolveError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.site import Requirement

TRIXIE = WheelTarget("3.13.15", "cp313", "amd64", (2, 41))
ONE, TWO = Digest("1" * 64), Digest("2" * 64)


def file(name: str, sha256: Digest | None = ONE, python: str = "", *, yanked: bool = False) -> IndexFile:
    return IndexFile(name, f"https://index.example/{name}", sha256, 10, python, yanked)


def wanted(version: str = "1.0", *hashes: Digest) -> Requirement:
    return Requirement("demo", version, hashes, "r.txt:1")


def name_of(requirement: Requirement, *files: IndexFile, target: WheelTarget = TRIXIE) -> str:
    return choose(requirement, files, target).file.filename


def test_the_most_specific_wheel_is_taken() -> None:
    files = [
        file("demo-1.0-py3-none-any.whl"),
        file("demo-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        file("demo-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
        file("demo-1.0-cp313-cp313-manylinux_2_99_x86_64.whl"),
        file("demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
        file("demo-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"),
    ]
    assert name_of(wanted(), *files) == "demo-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
    assert name_of(wanted(), *files[:2]) == files[1].filename
    assert name_of(wanted(), *files, target=WheelTarget("3.13.15", "cp313", "arm64", (2, 41))) == files[0].filename
    assert name_of(wanted(), *files, target=WheelTarget("3.13.15", "cp313", "amd64", (0, 0))) == files[0].filename


@pytest.mark.parametrize(
    ("filename", "target"),
    [
        ("demo-1.0-cp36-abi3-manylinux1_x86_64.whl", TRIXIE),
        ("demo-1.0-cp313-cp313t-linux_x86_64.whl", WheelTarget("3.13.15", "cp313t", "amd64", (2, 41))),
        ("demo-1.0-cp311-cp311-manylinux_2_35_i686.whl", WheelTarget("3.11.2", "cp311", "i386", (2, 36))),
        ("demo-1.0-cp313-cp313-manylinux2014_aarch64.whl", WheelTarget("3.13.15", "cp313", "arm64", (2, 41))),
        ("demo-1.0-py2.py3-none-any.whl", WheelTarget("2.7.18", "cp27mu", "amd64", (2, 31))),
    ],
)
def test_what_fits(filename: str, target: WheelTarget) -> None:
    assert name_of(wanted(), file(filename), target=target) == filename


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (file("demo-1.0.tar.gz"), "it is source, which would run a build"),
        (file("demo-1.0-py3-none-any.whl", TWO), "its SHA-256 is not among those allowed"),
        (file("demo-1.0-py3-none-any.whl", None), "its SHA-256 is not among those allowed"),
        (file("demo-1.0-py3-none-any.whl", python=">=3.14"), "it wants Python >=3.14"),
        (file("demo-1.0-cp312-cp312-linux_x86_64.whl"), "it is for another interpreter or platform"),
        (file("demo-2.0-py3-none-any.whl"), "the index has no such version"),
        (file("demo.whl"), "the index has no such version"),
    ],
)
def test_why_a_file_will_not_do(one: IndexFile, why: str) -> None:
    with pytest.raises(SolveError) as caught:
        choose(wanted("1.0", ONE), [one], TRIXIE)
    assert why in caught.value.why
    assert "r.txt:1" in caught.value.hint


def test_without_a_version_the_newest_final_one_is_taken() -> None:
    files = [
        file("demo-1.9-py3-none-any.whl"),
        file("demo-1.10-py3-none-any.whl"),
        file("demo-2.0rc1-py3-none-any.whl"),
        file("demo-3.0-py3-none-any.whl", yanked=True),
    ]
    assert choose(wanted(""), files, TRIXIE).version == "1.10"


def test_everything_needed_must_be_there() -> None:
    packages = [
        (
            "requests",
            "2.0",
            ["idna<4,>=2", "Certifi", 'win-only; sys_platform == "win32"', 'x; extra == "y"', "!!"],
        ),
        ("certifi", "2026.1", []),
        ("idna", "4.1", []),
    ]
    assert unmet(packages, {"sys_platform": "linux"}) == ("requests 2.0 needs idna<4,>=2, and 4.1 is there",)
    assert unmet(packages[:2], {"sys_platform": "linux"}) == ("requests 2.0 needs idna<4,>=2",)


def wheel(**files: str) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return buffer


def test_a_wheel_tells_what_it_needs() -> None:
    text = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: a\nRequires-Dist: b>1\n\nWords"
    found = read_metadata(wheel(**{"demo-1.0.dist-info__METADATA": text}), "demo-1.0-py3-none-any.whl")
    assert found == Metadata("demo", "1.0", ("a", "b>1"))


def test_a_wheel_that_is_none_or_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (io.BytesIO(b"no"), wheel(other="x")):
        with pytest.raises(VerificationError):
            read_metadata(data, "demo-1.0-py3-none-any.whl")
    monkeypatch.setattr(metadata, "MAXIMUM_CONTENT", 3)
    with pytest.raises(VerificationError, match="too large"):
        read_metadata(wheel(**{"demo-1.0.dist-info__METADATA": "long"}), "demo-1.0-py3-none-any.whl")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_wheel_or_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        read_metadata(io.BytesIO(data), "demo-1.0-py3-none-any.whl")

# SPDX-License-Identifier: Apache-2.0
"""Wheels and users put above a root from the outside."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path

import installer
import pytest

from imagewright.engine.sites import Place, add_account, install_wheel, settle
from imagewright.errors import BuildError, VerificationError
from imagewright.model.site import Account
from imagewright.recipes import site as recipe

NAME = "demo-1.0-py3-none-any.whl"
SCHEME = recipe.scheme("python3.13", "demo")
SITE = "usr/local/lib/python3.13/site-packages"


def wheel(**more: str) -> io.BytesIO:
    info = "demo-1.0.dist-info"
    files = {
        "demo.py": "def main(): pass\n",
        "demo-1.0.data/data/share/demo.txt": "text\n",
        "demo-1.0.data/scripts/tool": "#!python\nprint()\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
        **more,
    }
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}"
        for name, text in files.items()
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": "\n".join([*lines, f"{info}/RECORD,,"])}.items():
            archive.writestr(name, text)
    return buffer


@pytest.fixture
def place(tmp_path: Path) -> Place:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    upper.mkdir()
    (lower / "usr/local").mkdir(parents=True)
    (lower / "usr/local").chmod(0o2775)
    (lower / "etc").mkdir()
    (lower / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (lower / "etc/group").write_text("root:x:0:\n")
    (lower / "etc/group").chmod(0o640)
    return Place(upper, (lower,))


def test_a_wheel_is_unpacked_with_scripts_and_record(place: Place) -> None:
    install_wheel(place, wheel(), NAME, SCHEME, "/usr/local/bin/python3.13")
    settle(place.upper)
    found = sorted(str(path.relative_to(place.upper)) for path in place.upper.rglob("*") if path.is_file())
    info = f"{SITE}/demo-1.0.dist-info"
    assert found == [
        "usr/local/bin/demo",
        "usr/local/bin/tool",
        *(f"{info}/{name}" for name in ("INSTALLER", "METADATA", "RECORD", "WHEEL", "entry_points.txt")),
        f"{SITE}/demo.py",
        "usr/local/share/demo.txt",
    ]
    for script in ("demo", "tool"):
        file = place.upper / "usr/local/bin" / script
        assert file.read_text().startswith("#!/usr/local/bin/python3.13\n")
        assert stat.S_IMODE(file.stat().st_mode) in {0o755, 0o644}
    assert (place.upper / info / "INSTALLER").read_bytes() == b"imagewright\n"
    record = (place.upper / info / "RECORD").read_text()
    assert "../../../bin/demo,sha256=" in record
    assert str(place.upper) not in record
    assert stat.S_IMODE((place.upper / "usr/local").stat().st_mode) == 0o2775


def test_the_same_wheel_gives_the_same_files(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other", place.lower)
    other.upper.mkdir()
    for each in (place, other):
        install_wheel(each, wheel(), NAME, SCHEME, "/usr/local/bin/python3.13")
    for path in place.upper.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (other.upper / path.relative_to(place.upper)).read_bytes()


def test_files_that_are_there_or_lead_out_are_refused(place: Place, tmp_path: Path) -> None:
    install_wheel(place, wheel(), NAME, SCHEME, "/p")
    with pytest.raises(BuildError, match="there already") as caught:
        install_wheel(place, wheel(), NAME, SCHEME, "/p")
    assert str(place.upper) not in caught.value.why
    fresh = Place(tmp_path / "fresh", place.lower)
    fresh.upper.mkdir()
    with pytest.raises(BuildError, match="cannot install"):
        install_wheel(fresh, wheel(**{"../../../../../../out.py": "x"}), NAME, SCHEME, "/p")
    assert not (tmp_path / "out.py").exists()
    with pytest.raises(VerificationError):
        install_wheel(fresh, io.BytesIO(b"no wheel"), NAME, SCHEME, "/p")


def test_nothing_is_put_below_a_link(place: Place) -> None:
    (place.lower[0] / "usr/lib").symlink_to("local")
    with pytest.raises(BuildError, match="link"):
        place.directory("usr/lib/locale")
    (place.lower[0] / "usr/file").write_text("")
    with pytest.raises(BuildError, match="no directory"):
        place.directory("usr/file/x")


def test_a_user_gets_a_home_and_files_keep_their_modes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.__setitem__(Path(path).name, (uid, gid)))
    add_account(place, Account("app", 1000, 1001, "/home/app", "/bin/sh"), 0)
    assert (place.upper / "etc/passwd").read_text().endswith("app:x:1000:1001::/home/app:/bin/sh\n")
    assert stat.S_IMODE((place.upper / "etc/group").stat().st_mode) == 0o640
    assert stat.S_IMODE((place.upper / "home/app").stat().st_mode) == 0o700
    assert owners["app"] == (1000, 1001)
    assert not (place.upper / "etc/shadow").exists()
    with pytest.raises(BuildError, match="cannot be added"):
        add_account(place, Account("root", 5, 5, "/r", "/bin/sh"), 0)


def test_a_home_that_is_there_stays_as_it_is(place: Place) -> None:
    (place.lower[0] / "srv").mkdir()
    add_account(place, Account("app", os.getuid() + 1, os.getgid() + 1, "/srv", "/bin/sh"), 0)
    assert not (place.upper / "srv").exists()


def test_the_revision_names_the_library() -> None:
    assert recipe.REVISION.endswith(f"installer {installer.__version__}")

# SPDX-License-Identifier: Apache-2.0
"""The acceptance checks on a real image: all pass, and each one notices what it is there for."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagewright.checks.run import run_checks
from imagewright.checks.suite import SUITE, Need
from imagewright.events import discard
from imagewright.model.plan import CheckWork
from imagewright.model.results import CheckResult
from imagewright.model.sandboxing import OverlayRoot
from imagewright.recipes.parts import WITHOUT_BYTECODE
from imagewright.sandbox.runner import NamespaceSandbox
from peers.fixtures import Built
from support.machine import debian_mirror, need_root, open_directory, unpack_archive

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@dataclass(frozen=True)
class Image:
    """An unpacked image, and what it is."""

    layers: tuple[Path, ...]
    scratch: Path
    release: str
    library: str  # /usr/local/lib/python3.13, without the slash at the start

    @property
    def compiler(self) -> bool:
        return bool(self.find("usr/bin/gcc"))

    def find(self, pattern: str) -> list[str]:
        """Paths in the layers, relative to the root."""
        return sorted({str(path.relative_to(layer)) for layer in self.layers for path in layer.glob(pattern)})

    def check(self, *names: str, layer: Path | None = None, **changes: str) -> tuple[CheckResult, ...]:
        work = CheckWork(
            name="image",
            platform="linux/amd64",
            release=changes.get("release", self.release),
            variant="full" if self.compiler else "slim",
            checks=names,
            optional_modules=("_tkinter",),
            address=changes.get("address", debian_mirror()),
            told=(
                ("IW_PIP_COMPILED", "yes"),
                ("IW_PLAIN", " ".join(WITHOUT_BYTECODE)),
                *((("IW_SITE", changes["site"]),) if "site" in changes else ()),
            ),
        )
        lower = self.layers if layer is None else (layer, *self.layers)
        return run_checks(NamespaceSandbox(), OverlayRoot(lower), work, discard, jobs=2)

    def layer(self, files: dict[str, bytes | None], modes: dict[str, int]) -> Path:
        """A layer that adds or replaces files, or hides them (``None``). Names may be patterns of files there."""
        top = self.scratch / uuid.uuid4().hex
        for pattern, content in files.items():
            for path in self.find(pattern) if "*" in pattern else [pattern]:
                place = top / path
                place.parent.mkdir(parents=True, exist_ok=True)
                if content is None:
                    os.mknod(place, stat.S_IFCHR, os.makedev(0, 0))
                else:
                    place.write_bytes(content)
                    place.chmod(modes.get(path, 0o644))
        assert top.is_dir(), f"nothing in the image is called {sorted(files)}"
        return top


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    """The quick image of this test run; IMAGEWRIGHT_TEST_IMAGE names another's layers, topmost first."""
    need_root()
    given = os.environ.get("IMAGEWRIGHT_TEST_IMAGE", "")
    with open_directory() as scratch:
        (scratch / "image").mkdir()
        if given:
            layers = tuple(Path(part) for part in given.split(os.pathsep))
        else:
            built: Built = request.getfixturevalue("quick_image")
            layers = (unpack_archive(built.archive, scratch / "image"),)
        headers = [path for layer in layers for path in layer.glob("usr/local/include/python3.*/patchlevel.h")]
        assert headers, f"no Python in {layers}"
        line = next(line for line in headers[0].read_text().splitlines() if "define PY_VERSION " in line)
        yield Image(layers, scratch, line.split('"')[1], f"usr/local/lib/{headers[0].parent.name}")


OTHERS = {Need.APK, Need.BARE, Need.NO_SHELL, Need.SITE, Need.FREE_THREADED, Need.DEBUG_BUILD, Need.DEBUG}
"""What other images than a plain slim one have; tests of variants, flavours and one's own images look there."""


def expected(image: Image) -> list[str]:
    bytecode = bool(image.find(f"{image.library}/json/__pycache__/decoder.*.pyc"))
    left_out = {Need.NO_BYTECODE if bytecode else Need.BYTECODE} | (set() if image.compiler else {Need.COMPILER})
    left_out |= OTHERS
    return [check.name for check in SUITE if not check.needs & left_out]


def test_the_image_passes(image: Image) -> None:
    results = image.check(*expected(image))
    assert [f"{each.check}: {each.detail}" for each in results if not each.passed] == []
    assert [each.check for each in results] == expected(image)


@dataclass(frozen=True)
class Sabotage:
    """What is done to an image, and a part of what the check then says. ``code`` runs in every interpreter."""

    says: str
    files: dict[str, bytes | None] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    code: str = ""
    changes: dict[str, str] = field(default_factory=dict)


LIBRARIES = "usr/lib/*-linux-gnu"
SABOTAGES: dict[str, Sabotage] = {
    "apk-files": Sabotage(
        "/usr/lib/nothing.so of zlib is missing",
        files={"usr/lib/apk/db/installed": b"P:zlib\nF:usr/lib\nR:nothing.so\n", "etc/apk/world": b"zlib\n"},
    ),
    "version": Sabotage("not 3.12.1", changes={"release": "3.12.1"}),
    "imports": Sabotage("_bz2 (ImportError", {"LIBRARY/lib-dynload/_bz2.*.so": b"no library at all"}),
    "libraries": Sabotage("needs libsqlite3.so.0", {f"{LIBRARIES}/libsqlite3.so.0": None}),
    "commands": Sabotage("pip is not in PATH", {"usr/local/bin/pip3": None}),
    "bytecode": Sabotage("made from another source", {"LIBRARY/antigravity.py": b"# changed\n"}),
    "no-bytecode": Sabotage("the first is /usr/local/x.pyc", {"usr/local/x.pyc": b""}),
    "build-paths": Sabotage(
        "/usr/local/bin/tell (/usr/src/python)", {"usr/local/bin/tell": b"in /usr/src/python/x"}
    ),
    "embedding": Sabotage("libpython3.so does not load", {"usr/local/lib/libpython3.so": None}),
    "tls": Sabotage(
        "a server was believed", code="import ssl; ssl.create_default_context = ssl._create_unverified_context"
    ),
    "hashes": Sabotage("md5 is wrong", code="import hashlib; hashlib.md5 = hashlib.sha1"),
    "sqlite": Sabotage("not safe for threads", code="import sqlite3; sqlite3.threadsafety = 0"),
    "dbm": Sabotage("dbm.gnu: lib", {f"{LIBRARIES}/libgdbm.so.*": None}),
    "compression": Sabotage("zlib made 90000 of 90000", code="import zlib; zlib.compress = lambda data: data"),
    "time-zones": Sabotage("no time zone Europe/Paris", {"usr/share/zoneinfo/Europe/Paris": None}),
    "locale": Sabotage("exit status 1: ascii utf-8", code="import sys; sys.stdout.reconfigure(encoding='ascii')"),
    "ctypes": Sabotage("errno is lost", code="import ctypes; ctypes.get_errno = lambda: 0"),
    "processes": Sabotage(
        "a killed child has status 0", code="import os; os.waitpid = lambda pid, flags: (pid, 0)"
    ),
    "multiprocessing": Sabotage(
        "start methods are ['spawn']",
        code="import multiprocessing; multiprocessing.get_all_start_methods = lambda: ['spawn']",
    ),
    "terminal": Sabotage("libreadline.so", {f"{LIBRARIES}/libreadline.so.*": None}),
    "pip": Sabotage(
        "installed are ['pip', 'surprise']",
        {"LIBRARY/site-packages/surprise-1.dist-info/METADATA": b"Name: surprise\n"},
    ),
    "venv": Sabotage("exit status 1", {"LIBRARY/ensurepip/_bundled/pip-*.whl": b"no wheel"}),
    "extension": Sabotage("Python.h", {"usr/local/include/python3.*/Python.h": None}),
    "permissions": Sabotage("/etc/open is writable for all", {"etc/open": b""}, {"etc/open": 0o666}),
    "privileges": Sabotage(
        "/usr/bin/surprise (-rwsr-xr-x)", {"usr/bin/surprise": b""}, {"usr/bin/surprise": 0o4755}
    ),
    "packages": Sabotage("dpkg --verify: 1 files", {"usr/bin/true": b"changed\n"}, {"usr/bin/true": 0o755}),
    # On a plain slim image, the checks of other kinds of images fail by themselves.
    "free-threading": Sabotage("python says ['True']"),
    "debug-build": Sabotage("no attribute 'gettotalrefcount'"),
    "debug-files": Sabotage("there is no /usr/lib/debug/.build-id/"),
    "user": Sabotage("the container runs as root"),
    "no-shell": Sabotage("runs with another user's rights"),
    "package-files": Sabotage("'/var/lib/dpkg/status.d'"),
    "site": Sabotage("six is not installed", changes={"site": "six==1.17.0"}),
    "apt": Sabotage("apt-get update", changes={"address": "http://127.0.0.1:9/debian"}),
}


@pytest.mark.parametrize("name", [check.name for check in SUITE])
def test_each_check_can_fail(image: Image, name: str) -> None:
    sabotage = SABOTAGES[name]
    files = {path.replace("LIBRARY", image.library): content for path, content in sabotage.files.items()}
    if sabotage.code:
        files[f"{image.library}/site-packages/sitecustomize.py"] = f"{sabotage.code}\n".encode()
    layer = image.layer(files, sabotage.modes) if files else None
    (result,) = image.check(name, layer=layer, **sabotage.changes)
    assert not result.passed, result.detail
    says = sabotage.says if name != "extension" or image.compiler else "gcc"
    assert says in result.detail


def test_pip_that_is_compiled_at_its_start_is_noticed(image: Image) -> None:
    gone = f"{image.library}/site-packages/pip/_internal/cli/__pycache__/main.*.pyc"
    assert image.find(gone)
    (result,) = image.check("bytecode", layer=image.layer({gone: None}, {}))
    assert (result.passed, result.detail.partition(":")[0]) == (False, "compiled when pip starts")


MORE_ON_TLS = {
    "empty bundle": ({"etc/ssl/certs/ca-certificates.crt": b""}, "no certificate"),
    "no bundle": ({"etc/ssl/certs/ca-certificates.crt": None}, "there is no /etc/ssl/certs/ca-certificates.crt"),
}


@pytest.mark.parametrize("name", sorted(MORE_ON_TLS))
def test_tls_needs_the_image_s_certificates(image: Image, name: str) -> None:
    files, says = MORE_ON_TLS[name]
    (result,) = image.check("tls", layer=image.layer(files, {}))
    assert (result.passed, says in result.detail.lower()) == (False, True), result.detail


def test_host_names_are_compared(image: Image) -> None:
    code = (
        "import ssl\nmake = ssl.create_default_context\n"
        "def careless():\n    context = make()\n    context.check_hostname = False\n    return context\n"
        "ssl.create_default_context = careless\n"
    )
    path = f"{image.library}/site-packages/sitecustomize.py"
    (result,) = image.check("tls", layer=image.layer({path: code.encode()}, {}))
    assert (result.passed, result.detail) == (False, "a server was believed to be bad.imagewright.test")


def test_optional_modules_are_excused_only_for_want_of_libraries(image: Image) -> None:
    (name,) = image.find(f"{image.library}/lib-dynload/_tkinter.*.so")
    (result,) = image.check("imports", layer=image.layer({name: None}, {}))
    assert not result.passed
    assert "_tkinter (ModuleNotFoundError" in result.detail


def test_apt_is_checked_without_a_network_too(image: Image) -> None:
    (result,) = image.check("apt", address="")
    assert (result.passed, result.detail) == (True, "imagewright-hello from an archive made here")
    (result,) = image.check("apt", layer=image.layer({"usr/bin/apt-get": None}, {}), address="")
    assert not result.passed

# SPDX-License-Identifier: Apache-2.0
"""The acceptance checks, as data. Each is a program in ``programs/`` that runs inside the image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from imagewright.model.images import PythonPart

TWO = "two"
"""The directory of the programs for Python 2, which have the same names."""


class Need(StrEnum):
    """What a check asks of an image."""

    SHELL = "shell"
    PACKAGES = "packages"
    COMPILER = "compiler"
    BYTECODE = "bytecode"
    NO_BYTECODE = "no bytecode"
    BARE = "bare root"
    NO_SHELL = "no shell"
    APK = "apk"
    DEVELOPMENT = PythonPart.DEVELOPMENT
    INSTALLERS = PythonPart.INSTALLERS
    DEBUG = PythonPart.DEBUG
    SITE = "site"
    PYTHON_3 = "Python 3"
    FREE_THREADED = "free-threaded"
    DEBUG_BUILD = "debug build"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``timeout`` in seconds of wall time, generous: emulated processors are ten times slower.

    ``network`` lets it out of the sandbox' own loopback interface, to reach a package archive. ``as_user`` runs it
    as the image's own user; the others look at files of everyone, or install something, as root. ``modules`` are
    extension modules that it is about: where one of them need not be there, it is left out.
    """

    name: str
    purpose: str
    needs: frozenset[Need] = frozenset()
    timeout: float = 120.0
    network: bool = False
    as_user: bool = False
    modules: frozenset[str] = frozenset()

    @property
    def program(self) -> str:
        """The program's file name."""
        return f"check_{self.name.replace('-', '_')}.py"


_PACKAGES = frozenset({Need.PACKAGES})

SUITE: tuple[Check, ...] = (
    Check("version", "the release that was asked for starts, without a word", as_user=True),
    Check("imports", "every module of the standard library can be imported", timeout=300, as_user=True),
    Check("libraries", "every shared library that is needed is found"),
    Check("commands", "python, pip, pydoc, idle and python-config are in PATH and work"),
    Check("bytecode", "the standard library's bytecode is there and used", frozenset({Need.BYTECODE})),
    Check("no-bytecode", "there is no bytecode", frozenset({Need.NO_BYTECODE})),
    Check("build-paths", "nothing tells where and how the interpreter was built"),
    Check(
        "embedding",
        "libpython is there for programs that embed it",
        frozenset({Need.DEVELOPMENT}),
        modules=frozenset({"_ctypes"}),
    ),
    Check(
        "tls", "TLS believes the image's certificates, and only them", as_user=True, modules=frozenset({"_ssl"})
    ),
    Check("hashes", "hash functions give their published answers", modules=frozenset({"_hashlib"})),
    Check("sqlite", "SQLite with full-text search, JSON and loadable extensions", modules=frozenset({"_sqlite3"})),
    Check("dbm", "every kind of key-value file"),
    Check("compression", "every kind of compressed data", modules=frozenset({"_bz2", "_lzma"})),
    Check("time-zones", "the time zone database"),
    Check("locale", "text is UTF-8 whatever the locale"),
    Check("ctypes", "calls into the C library and back", modules=frozenset({"_ctypes"})),
    Check("processes", "children and threads with deep recursion", timeout=300, as_user=True),
    Check("multiprocessing", "worker processes, semaphores, shared memory", timeout=300, as_user=True),
    Check("terminal", "readline, curses, an interactive session", modules=frozenset({"_curses", "readline"})),
    Check("pip", "pip installs and uninstalls a wheel", frozenset({Need.INSTALLERS}), timeout=300),
    Check("venv", "virtual environments", frozenset({Need.INSTALLERS, Need.PYTHON_3}), timeout=300),
    Check("free-threading", "threads run without the global interpreter lock", frozenset({Need.FREE_THREADED})),
    Check("debug-build", "references are counted", frozenset({Need.DEBUG_BUILD, Need.PYTHON_3})),
    Check("extension", "a C extension is compiled and imported", frozenset({Need.COMPILER})),
    Check("permissions", "owners and permissions of all files"),
    Check("privileges", "no set-user-ID programs but the distribution's own"),
    Check(
        "debug-files",
        "debuggers find debug files, and gdb its commands for Python",
        frozenset({Need.DEBUG, Need.PYTHON_3}),
    ),
    Check(
        "user",
        "the container runs as a user without privileges",
        frozenset({Need.BARE, Need.PYTHON_3}),
        as_user=True,
    ),
    Check("no-shell", "no program but the interpreter", frozenset({Need.BARE, Need.NO_SHELL, Need.PYTHON_3})),
    Check("package-files", "scanners find every package whole", frozenset({Need.BARE, Need.PYTHON_3})),
    Check(
        "site",
        "what was added works: packages, user, locale, authorities",
        frozenset({Need.SITE, Need.PYTHON_3}),
        timeout=300,
    ),
    Check(
        "apk-files",
        "apk's database names every package, and each file is whole",
        frozenset({Need.APK, Need.PYTHON_3}),
    ),
    Check("packages", "dpkg finds every package whole", _PACKAGES),
    Check("apt", "apt-get installs a package", _PACKAGES, timeout=300, network=True),
)


def find(name: str) -> Check:
    """The check of that name. Raises ``KeyError``."""
    for check in SUITE:
        if check.name == name:
            return check
    raise KeyError(name)


def programs() -> tuple[tuple[str, bytes], ...]:
    """All files that the checks consist of: path and content, sorted; those for Python 2 are in ``two/``."""
    folder = resources.files("imagewright.checks") / "programs"
    found = {entry.name: entry for entry in folder.iterdir()}
    found |= {f"{TWO}/{entry.name}": entry for entry in (folder / TWO).iterdir()}
    names = sorted(name for name in found if name.endswith((".py", ".pem")))
    return tuple((name, found[name].read_bytes()) for name in names)


def revision() -> str:
    """Changes whenever a program does: an image that passed before is then checked again."""
    state = hashlib.sha256()
    for name, content in programs():
        state.update(f"{name}\0{len(content)}\0".encode() + content)
    return state.hexdigest()[:16]

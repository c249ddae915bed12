# SPDX-License-Identifier: Apache-2.0
"""apt itself, asked what it would install: an own root for each suite and architecture, never the machine's.

Package lists are fetched once with the machine's apt sources as mirrors and Debian's keyring, into a cache below
the temporary directory, and are fetched again after a day. apt reads nothing of the machine's configuration.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCES = Path("/etc/apt")
FRESH = 24 * 3600
_URI = re.compile(r"^'[^']+' ([^ _]+)_([^ _]+)_([^ _]+)\.deb ", re.MULTILINE)
_INST = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+) .*\[(\S+)\]\)", re.MULTILINE)


_Reader = Callable[[str], Iterable[tuple[str, str]]]


class NoOracleError(Exception):
    """This machine cannot ask apt; the message says why."""


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Addresses of Debian's archive and of its security archive."""

    archive: str
    security: str


def machine_mirrors(directory: Path = SOURCES) -> Mirrors:
    """The mirrors that the machine's own apt sources name. Raises :class:`NoOracleError`."""
    archive = security = ""
    for uri, suites in _machine_sources(directory):
        if any(suite.endswith("-security") for suite in suites):
            security = security or uri
        elif uri.rstrip("/").endswith("/debian"):
            archive = archive or uri
    if not archive:
        raise NoOracleError("the machine's apt sources name no Debian mirror")
    return Mirrors(archive, security or f"{archive.rstrip('/')}-security")


def _machine_sources(directory: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(directory.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            for uri in fields.get("URIs", "").split():
                yield uri, fields.get("Suites", "").split()
    for path in [directory / "sources.list", *sorted(directory.glob("sources.list.d/*.list"))]:
        if path.is_file():
            for uri, suite in re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", path.read_text(), re.MULTILINE):
                yield uri, [suite]


def cache_directory() -> Path:
    """Where package lists are kept between runs."""
    return Path(os.environ.get("IMAGEWRIGHT_TEST_CACHE") or Path(tempfile.gettempdir()) / "imagewright-tests")


@dataclass(frozen=True, slots=True)
class Answer:
    """What apt would install, ``(name, version)`` by name; or its refusal."""

    packages: frozenset[tuple[str, str]] = frozenset()
    refusal: str = ""


class AptOracle:
    """One suite and architecture. ``status`` arguments: ``empty``, or ``minbase`` (required packages and apt)."""

    def __init__(self, suite: str, architecture: str) -> None:
        if not shutil.which("apt-get"):
            raise NoOracleError("there is no apt-get")
        if not KEYRING.exists():
            raise NoOracleError(f"there is no {KEYRING}")
        self.suite = suite
        self.architecture = architecture
        self.root = cache_directory() / f"apt-{suite}-{architecture}"
        self._minbase: Answer | None = None
        self._prepare()

    def lists(self) -> dict[str, Path]:
        """Archive name (``trixie-security``) → its Packages file."""
        found = {}
        for path in sorted((self.root / "var/lib/apt/lists").glob("*_Packages")):
            found[path.name.split("_dists_")[1].split("_")[0]] = path
        return found

    def install(self, names: Sequence[str], status: str = "empty") -> Answer:
        """What ``apt-get install`` would fetch, which is what it would install."""
        return self._ask(names, status, ["--yes", "--print-uris"], _uris)

    def simulate(self, names: Sequence[str], status: str = "empty") -> Answer:
        """The same from the ``Inst`` lines of a simulation, which also orders them and is slower."""
        return self._ask(names, status, ["--simulate", "-oAPT::Immediate-Configure=0"], _simulated)

    def minbase(self) -> Answer:
        """What mmdebstrap's minbase holds: Essential first, then priority required and apt on top."""
        if self._minbase is None:
            essential = self.install(self._names("Essential", "yes"))
            self._write_status("essential", essential)
            required = self.install([*self._names("Priority", "required"), "apt"], "essential")
            assert not essential.refusal + required.refusal, essential.refusal + required.refusal
            self._minbase = Answer(essential.packages | required.packages)
        return self._minbase

    def essential(self) -> Answer:
        """What the Essential packages come to."""
        return self.install(self._names("Essential", "yes"))

    def _prepare(self) -> None:
        for part in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "var/lib/dpkg",
                     "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):  # fmt: skip
            (self.root / part).mkdir(parents=True, exist_ok=True)
        (self.root / "apt.conf").write_text(
            f'Dir "{self.root}";\n'
            f'APT::Architecture "{self.architecture}";\n'
            f'APT::Architectures {{ "{self.architecture}"; }};\n'
            'APT::Install-Recommends "false";\n'
            'APT::Install-Suggests "false";\n'
            'APT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n'
            'pkgCacheGen::ForceEssential ",";\n'  # apt is not essential in a container, as with mmdebstrap
        )
        (self.root / "var/lib/dpkg/empty").write_text("")
        stamp = self.root / "updated"
        if not self.lists() or not stamp.exists() or time.time() - stamp.stat().st_mtime > FRESH:
            self._update()
            stamp.write_text("")

    def _update(self) -> None:
        """Fetch the lists; without updates where a mirror's copy of these is broken, for apt and us alike."""
        mirrors = machine_mirrors()
        option = f"[signed-by={KEYRING}]"
        lines = [
            f"deb {option} {mirrors.archive} {self.suite} main\n",
            f"deb {option} {mirrors.archive} {self.suite}-updates main\n",
            f"deb {option} {mirrors.security} {self.suite}-security main\n",
        ]
        for count in (3, 1):
            (self.root / "etc/apt/sources.list").write_text("".join(lines[:count]))
            result = self._run(["update", "--error-on=any"], "empty")
            if not result.returncode:
                return
        raise NoOracleError(f"apt-get update for {self.suite} {self.architecture}: {result.stderr.strip()}")

    def _run(self, arguments: Sequence[str], status: str) -> subprocess.CompletedProcess[str]:
        # A package cache of its own for each status file: apt rebuilds it whenever the status changes.
        options = [f"-oDir::State::status={self.root}/var/lib/dpkg/{status}",
                   f"-oDir::Cache::pkgcache=pkgcache-{status}.bin"]  # fmt: skip
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C",
            "APT_CONFIG": str(self.root / "apt.conf"),
        }
        return subprocess.run(
            ["apt-get", "-qq", *options, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _ask(self, names: Sequence[str], status: str, options: Sequence[str], read: _Reader) -> Answer:
        if status == "minbase":
            self._write_status("minbase", self.minbase())
        result = self._run(["install", *options, "--", *names], status)
        if result.returncode:
            return Answer(refusal=f"{result.stdout}{result.stderr}".strip() or "refused")
        return Answer(frozenset(read(result.stdout)))

    def _stanzas(self) -> Iterator[str]:
        for path in self.lists().values():
            yield from path.read_text().split("\n\n")

    def _names(self, field: str, value: str) -> list[str]:
        """Names of the stanzas with that field, read with nothing of what is under test."""
        line = f"\n{field}: {value}\n"
        return sorted({_field(stanza, "Package") for stanza in self._stanzas() if line in f"{stanza}\n"})

    def _write_status(self, name: str, answer: Answer) -> None:
        """Write a dpkg status file in which exactly these packages are installed."""
        path = self.root / f"var/lib/dpkg/{name}"
        if path.exists() and path.stat().st_mtime > (self.root / "updated").stat().st_mtime:
            return
        wanted = set(answer.packages)
        written = []
        for stanza in self._stanzas():
            key = (_field(stanza, "Package"), _field(stanza, "Version"))
            if key in wanted:
                wanted.discard(key)
                written.append(stanza.strip("\n").replace("\n", "\nStatus: install ok installed\n", 1))
        assert not wanted, wanted
        path.write_text("\n\n".join(written) + "\n\n")


def _uris(output: str) -> Iterable[tuple[str, str]]:
    return ((name, unquote(version)) for name, version, _ in _URI.findall(output))


def _simulated(output: str) -> Iterable[tuple[str, str]]:
    return ((name, version) for name, version, _ in _INST.findall(output))


def _field(stanza: str, name: str) -> str:
    match = re.search(rf"^{name}: (.*)$", stanza, re.MULTILINE)
    return match[1] if match else ""

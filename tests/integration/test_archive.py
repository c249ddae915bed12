# SPDX-License-Identifier: Apache-2.0
"""Believing real archives: those that this machine's own apt sources name, with dpkg and gpgv as oracles."""

from __future__ import annotations

import functools
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest

from imagewright.archives.cpython.signature import Witness, check_source
from imagewright.archives.debian.acquire import ArchiveIndex, ArchiveRequest, acquire
from imagewright.archives.debian.sources import mirror_roles, read_apt_sources
from imagewright.archives.debian.version import compare, version_key
from imagewright.archives.download import FetchRequest, fetch_all
from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.archives.keyring import shipped_keyring
from imagewright.archives.mirrors import Mirrors
from imagewright.archives.openpgp import Certificate, verify_cleartext
from imagewright.catalog.model import SuiteArchive
from imagewright.catalog.resolve import locked_source
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import ImagewrightError, VerificationError
from imagewright.events import Event, discard
from imagewright.model.lock import LockedSource
from support.blobs import DirectoryBlobs, StillClock
from support.machine import lacking, program

pytestmark = pytest.mark.integration

CATALOG = shipped_catalog()
ARCHIVES = {
    archive.name: archive
    for suite in CATALOG.by_suite.values()
    if suite.name in {"bullseye", "bookworm", "trixie"}
    for archive in suite.archives
}
PAIRS = 2500


class Facts(dict[str, str]):
    """What is remembered between runs, in memory."""

    def put(self, name: str, value: str) -> None:
        self[name] = value

    def put_larger(self, name: str, value: str) -> str:
        self[name] = max(value, self.get(name, ""))
        return self[name]


class Machine:
    """This machine's mirrors and a store for what comes from them."""

    def __init__(self, directory: Path) -> None:
        roles, notes = mirror_roles(read_apt_sources())
        if "debian" not in roles:
            lacking(f"a Debian archive among the apt sources ({'; '.join(notes)})")
        self.mirrors = Mirrors(roles, notes)
        self.blobs = DirectoryBlobs(directory)
        self.fetcher = HttpFetcher(
            FetchOptions(allow_files=True), sleep=time.sleep, jitter=random.random, monotonic=time.monotonic
        )
        self.index = functools.cache(self._index)

    def _index(self, name: str) -> ArchiveIndex:
        archive = ARCHIVES[name]
        if archive.mirror not in self.mirrors.roles:
            lacking(f"a mirror of {archive.mirror} among the apt sources")
        request = ArchiveRequest(name, archive.mirror, name, archive.components, "amd64", certificates_of(archive))
        return acquire(
            request,
            self.mirrors.addresses(archive.mirror),
            fetcher=self.fetcher,
            blobs=self.blobs,
            seen=Facts(),
            now=datetime.now(UTC),
            sink=discard,
        )

    def inrelease(self, name: str) -> bytes:
        with self.blobs.open(self.index(name).archive.inrelease) as file:
            return file.read()

    def fetch(self, *requests: FetchRequest) -> list[Event]:
        events: list[Event] = []
        fetch_all(requests, self.blobs, self.fetcher, jobs=4, sink=events.append, clock=StillClock())
        return events


def certificates_of(archive: SuiteArchive) -> tuple[Certificate, ...]:
    return shipped_keyring().for_suite(archive.name, fingerprints=archive.keys)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("archive"))


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_real_archive_is_believed_and_read(machine: Machine, name: str) -> None:
    index = machine.index(name)
    assert index.archive.suite == name
    assert index.release.date < datetime.now(UTC)
    count = 0
    for package in index.packages():
        count += 1
        for relations in (package.depends, package.pre_depends):
            assert all(alternatives for alternatives in relations)
        assert package.conflicts is not None
        assert package.breaks is not None
        assert package.replaces is not None
        assert package.provides is not None
        version_key(package.version)
        version_key(package.source_version)
    assert count == sum(text.count(b"\nPackage:") + text.startswith(b"Package:") for text in plain(index))
    if "-" not in name:
        assert count > 50_000


def plain(index: ArchiveIndex) -> Iterator[bytes]:
    """The whole text of each index, decompressed by another program."""
    for file in index.indexes:
        xz = subprocess.run(
            [program("xz", "xz-utils"), "-dc", index.blobs.path(file.sha256)], capture_output=True, check=True
        )
        yield xz.stdout


def test_versions_are_ordered_as_dpkg_orders_them(machine: Machine) -> None:
    dpkg = program("dpkg", "dpkg")
    by_name: dict[str, set[str]] = {}
    for name in ("trixie", "bookworm"):
        for package in machine.index(name).packages():
            by_name.setdefault(package.name, set()).add(package.version)
    chance = random.Random(20260913)
    everything = sorted({version for versions in by_name.values() for version in versions})
    pairs = [tuple(versions) for versions in by_name.values() if len(versions) == 2]
    pairs = chance.sample(sorted(pairs), PAIRS // 2)
    pairs += [tuple(chance.sample(everything, 2)) for _ in range(PAIRS - len(pairs))]
    script = 'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo lt; else if dpkg'
    script += ' --compare-versions "$a" eq "$b"; then echo eq; else echo gt; fi; fi; done'
    answers = subprocess.run(
        ["sh", "-c", script.replace("dpkg", str(dpkg))],
        input="".join(f"{a} {b}\n" for a, b in pairs), capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    words = {-1: "lt", 0: "eq", 1: "gt"}
    assert len(answers) == PAIRS
    wrong = [(a, b, said) for (a, b), said in zip(pairs, answers, strict=True) if words[compare(a, b)] != said]
    assert wrong == []


# --- gpgv as the oracle of signatures ----------------------------------------------------------------------


def gpgv(keyring: Path, message: bytes) -> bool:
    ended = subprocess.run(
        [program("gpgv", "gpgv"), "--status-fd", "1", "--keyring", keyring, "-"],
        input=message, capture_output=True, check=False,
    )  # fmt: skip
    return b"[GNUPG:] VALIDSIG" in ended.stdout and b"BADSIG" not in ended.stdout


def believed(message: bytes, certificates: Sequence[Certificate]) -> bytes | None:
    try:
        return verify_cleartext(message, certificates, subject="it").text
    except VerificationError:
        return None


@pytest.mark.parametrize("name", ["trixie", "bookworm-security", "bullseye"])
def test_what_we_believe_gpgv_believes(machine: Machine, name: str, tmp_path: Path) -> None:
    archive = ARCHIVES[name]
    message = machine.inrelease(name)
    text = believed(message, certificates_of(archive))
    assert text
    keyring = tmp_path / "keyring"
    keyring.write_bytes(
        b"".join(
            bytes(pysequoia.Cert.from_bytes(shipped_keyring().armoured[fingerprint]))
            for fingerprint in archive.keys
        )
    )
    assert gpgv(keyring, message)
    chance = random.Random(name)
    start, end = message.index(b"\n\n") + 2, message.index(b"\n-----BEGIN PGP SIGNATURE")
    for _ in range(25):
        at = chance.randrange(start * 8, end * 8)
        changed = bytearray(message)
        changed[at // 8] ^= 1 << at % 8
        assert believed(bytes(changed), certificates_of(archive)) is None
        assert not gpgv(keyring, bytes(changed))


def test_keys_of_the_security_archive_open_no_other(machine: Machine) -> None:
    for suite in ("bullseye", "bookworm", "trixie"):
        assert believed(machine.inrelease(suite), certificates_of(ARCHIVES[f"{suite}-security"])) is None
        assert believed(machine.inrelease(f"{suite}-security"), certificates_of(ARCHIVES[suite])) is None


# --- CPython's source --------------------------------------------------------------------------------------


def source_of(version: str) -> LockedSource:
    release = CATALOG.by_release[version]
    return locked_source(release, CATALOG.by_series[release.series])


def requests_of(source: LockedSource, mirrors: Mirrors) -> FetchRequest:
    urls = tuple(url for template in source.urls for url in mirrors.resolve(template))
    return FetchRequest(source.filename, urls, source.size, source.sha256)


def test_a_source_comes_from_whoever_has_it_and_its_signature_holds(machine: Machine) -> None:
    source = source_of("3.13.5")
    request = requests_of(source, machine.mirrors)
    # As on a machine that cannot reach the first address: going on to the next must not take long.
    nowhere = "https://nowhere.invalid/python.tar.xz"
    with pytest.raises(ImagewrightError, match="cannot fetch"):
        machine.fetch(FetchRequest("nowhere", (nowhere,), 1, source.sha256))
    machine.fetch(FetchRequest(request.name, (nowhere, *request.urls), request.size, request.sha256))
    checked = functools.partial(
        check_source, source, mirrors=machine.mirrors, fetcher=machine.fetcher, keyring=shipped_keyring(),
        sink=discard,
    )  # fmt: skip
    assert checked(blobs=machine.blobs, memory=Facts()) is Witness.SIGNED

    damaged = DirectoryBlobs(machine.blobs.directory.parent / "damaged")
    content = bytearray(machine.blobs.path(source.sha256).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged.directory / source.sha256.hex).write_bytes(content)
    memory = Facts()
    with pytest.raises(VerificationError, match="no good signature"):
        checked(blobs=damaged, memory=memory)
    assert memory == {}

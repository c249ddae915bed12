# SPDX-License-Identifier: Apache-2.0
"""A source's signature is a second witness: good, fatal, or reported as missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagewright.archives import keyring as keyring_module
from imagewright.archives import openpgp
from imagewright.archives.cpython.signature import Witness, check_source
from imagewright.archives.keyring import Keyring
from imagewright.archives.mirrors import Mirrors
from imagewright.errors import FetchError, VerificationError
from imagewright.events import Event, Note, Warned
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedSource
from support.archive import SigningKey
from support.blobs import DirectoryBlobs

KEY = SigningKey.make("Release Manager <rm@example.org>")
OTHER = SigningKey.make()
TARBALL = b"not really a tarball"
SOURCE = LockedSource(
    release="3.13.5",
    filename="Python-3.13.5.tar.xz",
    size=len(TARBALL),
    sha256=Digest.of(TARBALL),
    urls=(),
    signature_urls=("https://python.example/Python-3.13.5.tar.xz.asc", "{debian}/pool/python.asc"),
    fingerprint=KEY.fingerprint,
)


class Served:
    """The port ``Fetcher`` from a dictionary."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        self.asked.append(url)
        if url not in self.files:
            raise FetchError(f"cannot fetch {url}", why="status 404")
        if len(self.files[url]) > maximum:
            raise VerificationError("too large")
        yield self.files[url]


class Memory(dict[str, str]):
    def put(self, name: str, value: str) -> None:
        self[name] = value


class Checking:
    """check_source with everything it needs, and what it said."""

    def __init__(self, directory: Path) -> None:
        self.blobs = DirectoryBlobs(directory)
        self.blobs.put([TARBALL])
        self.fetcher = Served({})
        self.memory = Memory()
        self.events: list[Event] = []
        self.keyring = Keyring({KEY.fingerprint: KEY.certificate.encode()}, {})

    def __call__(self, source: LockedSource = SOURCE) -> Witness:
        return check_source(
            source,
            mirrors=Mirrors({"debian": ("http://mirror/debian",)}),
            blobs=self.blobs,
            fetcher=self.fetcher,
            keyring=self.keyring,
            memory=self.memory,
            sink=self.events.append,
        )


@pytest.fixture
def checking(tmp_path: Path) -> Checking:
    return Checking(tmp_path)


def test_a_good_signature_is_remembered(checking: Checking) -> None:
    checking.fetcher.files["http://mirror/debian/pool/python.asc"] = KEY.detached(TARBALL)
    assert checking() is Witness.SIGNED
    assert checking.fetcher.asked == [SOURCE.signature_urls[0], "http://mirror/debian/pool/python.asc"]
    assert checking() is Witness.SIGNED
    assert len(checking.fetcher.asked) == 2
    assert checking.events == []


@pytest.mark.parametrize("signature", [KEY.detached(b"other"), OTHER.detached(TARBALL), b"<html>", b""])
def test_a_bad_signature_is_fatal_every_time(checking: Checking, signature: bytes) -> None:
    checking.fetcher.files[SOURCE.signature_urls[0]] = signature
    checking.fetcher.files["http://mirror/debian/pool/python.asc"] = KEY.detached(TARBALL)
    for _ in range(2):
        with pytest.raises(VerificationError, match=r"Python-3\.13\.5\.tar\.xz"):
            checking()
    assert checking.memory == {}


def test_an_endless_signature_is_fatal(checking: Checking) -> None:
    checking.fetcher.files[SOURCE.signature_urls[0]] = b"x" * 100_000
    with pytest.raises(VerificationError):
        checking()


def test_no_signature_is_reported(checking: Checking) -> None:
    assert checking() is Witness.NOT_FOUND
    (note,) = checking.events
    assert isinstance(note, Note)
    assert "SHA-256 alone" in note.text


def test_no_certificate_is_reported(checking: Checking) -> None:
    checking.keyring = Keyring({}, {})
    assert checking() is Witness.NO_CERTIFICATE
    assert checking.fetcher.asked == []
    assert isinstance(checking.events[0], Note)


def test_newer_releases_have_no_such_signature(checking: Checking) -> None:
    assert checking(replace(SOURCE, signature_urls=(), fingerprint="")) is Witness.UNSIGNED
    assert checking.events == []


def test_our_copy_of_the_certificate_has_expired(checking: Checking, monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(data: bytes, fingerprint: str) -> openpgp.Certificate:
        good = openpgp.load_certificate(data, fingerprint)
        other = openpgp.load_certificate(OTHER.certificate.encode(), OTHER.fingerprint)
        return replace(good, expires=datetime(2020, 1, 1, tzinfo=UTC), handle=other.handle)

    monkeypatch.setattr(keyring_module, "load_certificate", expired)
    checking.fetcher.files[SOURCE.signature_urls[0]] = KEY.detached(TARBALL)
    assert checking() is Witness.UNJUDGED
    assert isinstance(checking.events[0], Warned)
    assert checking.memory == {}
    checking.fetcher.files[SOURCE.signature_urls[0]] = OTHER.detached(TARBALL)
    with pytest.raises(VerificationError):
        checking()

# SPDX-License-Identifier: Apache-2.0
"""From the address of an archive of Alpine's to its packages: nothing false gets through or stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagewright.archives.alpine.acquire import ApkIndex, ApkRequest, acquire, bring
from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.keys import load_key
from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.errors import FetchError, VerificationError
from imagewright.events import Event, Warned
from imagewright.model.digest import Digest
from support.apks import BUILT, KEY, Node, Recipe, build, index, public_pem, signed, signing_key
from support.blobs import DirectoryBlobs
from support.loopback import Loopback, serve

pytestmark = pytest.mark.loopback

FOLDER = "v3.22/main/x86_64"
INDEX = f"{FOLDER}/APKINDEX.tar.gz"
HELLO = build(Recipe("hello", files={"usr/bin/hello": Node(b"hello" * 1000, 0o755)}, built=BUILT + 60))
NOW = datetime.fromtimestamp(BUILT + 3600, UTC)


class Seen(dict[str, str]):
    def put_larger(self, name: str, value: str) -> str:
        self[name] = max(value, self.get(name, ""))
        return self[name]


class Case:
    def __init__(self, directory: Path, url: Loopback) -> None:
        self.url = url
        self.directory = directory
        self.blobs = DirectoryBlobs(directory / "blobs")
        self.seen = Seen()
        self.events: list[Event] = []
        self.keys = {KEY: load_key(public_pem(signing_key()), KEY)}
        self.request = ApkRequest("alpine", "v3.22", "main", "x86_64", self.keys)
        options = FetchOptions(connect_timeout=2.0, read_timeout=0.5, attempts=1)
        self.fetcher = HttpFetcher(options, sleep=lambda _: None, jitter=lambda: 0.5, monotonic=lambda: 0.0)

    def acquire(self, *addresses: str, now: datetime = NOW) -> ApkIndex:
        return acquire(
            self.request,
            addresses or (str(self.url),),
            fetcher=self.fetcher,
            blobs=self.blobs,
            seen=self.seen,
            now=now,
            sink=self.events.append,
        )

    def bring(self, package: ApkPackage) -> Digest:
        url = f"{self.url}/{package.path}"
        return bring(package, (url,), self.directory / "place", fetcher=self.fetcher, blobs=self.blobs)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    files = {INDEX: signed(index([HELLO])), f"{FOLDER}/{HELLO.filename}": HELLO.data}
    with serve(files) as url:
        yield Case(tmp_path, url)


def test_an_index_and_a_package(case: Case) -> None:
    found = case.acquire()
    assert found.archive.name == "v3.22-main-x86_64"
    assert (found.archive.suite, found.archive.mirror) == ("v3.22/main", "alpine")
    assert found.archive.inrelease == Digest.of(case.url.files[INDEX])
    (package,) = found.packages()
    assert case.bring(package) == Digest.of(HELLO.data)
    with case.blobs.open(Digest.of(HELLO.data)) as file:
        assert file.read() == HELLO.data


def test_an_older_index_is_refused(case: Case) -> None:
    date = case.acquire().archive.date
    assert case.seen == {f"alpine/{FOLDER}": date}
    older = build(replace(HELLO.recipe, built=BUILT - 60))
    case.url.files[INDEX] = signed(index([older], written=BUILT - 30))
    with pytest.raises(VerificationError, match="older than the one seen before"):
        case.acquire()
    case.url.files[INDEX] = signed(index([older], written=BUILT + 600))
    assert case.acquire().archive.date > date


def test_an_index_from_the_future_is_refused(case: Case) -> None:
    with pytest.raises(VerificationError, match="from the future"):
        case.acquire(now=datetime.fromtimestamp(BUILT - 86_400, UTC))
    assert not case.seen


def test_a_changed_index_is_refused_and_another_mirror_used(case: Case) -> None:
    case.url.files["bad/" + INDEX] = case.url.files[INDEX][:-9] + b"012345678"
    with pytest.raises(VerificationError, match=r"the signature of .* is wrong"):
        case.acquire(f"{case.url}/bad")
    assert case.acquire(f"{case.url}/bad", str(case.url)).archive.address == str(case.url)
    assert [event for event in case.events if isinstance(event, Warned)]
    with pytest.raises(VerificationError, match="no mirror gives"):
        case.acquire(f"{case.url}/bad", f"{case.url}/gone")
    with pytest.raises(FetchError):
        case.acquire(f"{case.url}/gone")


def test_a_changed_package_is_refused_and_not_kept(case: Case) -> None:
    (package,) = case.acquire().packages()
    path = f"{FOLDER}/{HELLO.filename}"
    good = case.url.files[path]
    for at in (len(good) // 2, len(good) - 20):
        case.url.files[path] = good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]
        with pytest.raises(VerificationError):
            case.bring(package)
    case.url.files[path] = good[:-1]
    with pytest.raises((VerificationError, FetchError)):
        case.bring(package)
    case.url.files[path] = build(Recipe("hello", files={"usr/bin/hello": Node(b"evil!" * 1000, 0o755)})).data
    with pytest.raises(VerificationError):
        case.bring(package)
    assert not case.blobs.has(Digest.of(case.url.files[path]))


def test_an_older_package_under_the_name_of_a_newer_one(case: Case) -> None:
    """Its control segment is another one, which the signed index does not know."""
    (package,) = case.acquire().packages()
    old = build(replace(HELLO.recipe, version="0.9-r0"))
    case.url.files[f"{FOLDER}/{HELLO.filename}"] = old.data
    with pytest.raises(VerificationError):
        case.bring(replace(package, size=len(old.data)))

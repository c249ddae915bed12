# SPDX-License-Identifier: Apache-2.0
"""From an address to packages: everything on the way may lie, and nothing false gets through or stays."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagewright.archives.debian import acquire as module
from imagewright.archives.debian.acquire import ArchiveIndex, ArchiveRequest, acquire, url_of
from imagewright.archives.debian.release import Leniency
from imagewright.archives.fetch import FetchOptions, HttpFetcher
from imagewright.archives.openpgp import load_certificate
from imagewright.errors import FetchError, ImagewrightError, OfflineError, VerificationError
from imagewright.events import Event, Warned
from imagewright.model.digest import Digest
from support.archive import SignedArchive, SigningKey
from support.blobs import DirectoryBlobs
from support.debs import make_deb
from support.loopback import Loopback, serve

pytestmark = pytest.mark.loopback

KEY = SigningKey.make()
OTHER = SigningKey.make("Somebody Else <else@example.org>")
NOW = datetime(2026, 9, 13, 12, 0, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)


class Seen(dict[str, str]):
    """The port ``SeenReleases`` in memory."""

    def put_larger(self, name: str, value: str) -> str:
        self[name] = max(value, self.get(name, ""))
        return self[name]


class Case:
    """An archive, and what is needed to acquire it."""

    def __init__(self, directory: Path) -> None:
        self.archive = SignedArchive(directory / "archive", KEY)
        self.archive.add_deb(make_deb(directory / "debs", "hello", fields={"Depends": "libc6 (>= 2.41)"}))
        self.archive.add_deb(make_deb(directory / "debs", "data", "1:2.0", architecture="all"))
        self.archive.add_deb(make_deb(directory / "debs", "other", architecture="arm64"))
        self.archive.write(date=EARLIER)
        self.blobs = DirectoryBlobs(directory / "blobs")
        self.seen = Seen()
        self.events: list[Event] = []
        self.request = ArchiveRequest(
            "trixie", "debian", "trixie", ("main",), "amd64",
            (load_certificate(KEY.certificate.encode(), KEY.fingerprint),),
        )  # fmt: skip
        options = FetchOptions(connect_timeout=2.0, read_timeout=0.5, attempts=2)
        self.fetcher = HttpFetcher(options, sleep=lambda _: None, jitter=lambda: 0.5, monotonic=lambda: 0.0)

    def acquire(self, *addresses: str, now: datetime = NOW) -> ArchiveIndex:
        return acquire(
            self.request,
            addresses,
            fetcher=self.fetcher,
            blobs=self.blobs,
            seen=self.seen,
            now=now,
            sink=self.events.append,
        )

    def refused(self, *addresses: str, now: datetime = NOW) -> ImagewrightError:
        """The refusal; and nothing of it stays behind, neither in the store nor in what was seen."""
        before = (self.blobs.names, dict(self.seen))
        with pytest.raises(VerificationError) as caught:
            self.acquire(*addresses, now=now)
        assert (self.blobs.names, dict(self.seen)) == before
        return caught.value


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def url(case: Case) -> Iterator[Loopback]:
    with case.archive.serve() as url:
        yield url


def test_an_archive(case: Case, url: Loopback) -> None:
    index = case.acquire(url)
    packages = list(index.packages())
    assert [str(package) for package in packages] == ["hello_1.0-1_amd64", "data_1:2.0_all"]
    assert packages[0].archive == "trixie"
    deb = case.archive.files[packages[1].filename]
    assert (packages[1].size, packages[1].sha256) == (len(deb), Digest.of(deb))
    assert index.archive.date == "2026-09-12T12:00:00Z"
    assert index.archive.inrelease == Digest.of(case.archive.files["dists/trixie/InRelease"])
    assert (index.archive.name, index.archive.mirror, index.archive.address) == ("trixie", "debian", url)
    assert case.seen == {"debian/trixie": "2026-09-12T12:00:00Z"}
    assert case.events == []
    assert "by-hash" in url.paths()[1]


def test_an_unchanged_archive_costs_one_request(case: Case, url: Loopback) -> None:
    case.acquire(url)
    assert len(url.asked) == 2
    assert next(str(package) for package in case.acquire(url).packages()) == "hello_1.0-1_amd64"
    assert url.paths()[2:] == ["dists/trixie/InRelease"]


@pytest.mark.parametrize("compressions", [("xz", "gz"), ("gz",), ("xz",)])
def test_compressions(case: Case, url: Loopback, compressions: tuple[str, ...]) -> None:
    for path in [path for path in case.archive.files if path.startswith("dists/")]:
        del case.archive.files[path]
    case.archive.write(date=EARLIER, compressions=compressions)
    assert len(list(case.acquire(url).packages())) == 2


def test_an_uncompressed_index(case: Case, url: Loopback) -> None:
    release = case.archive.write(date=EARLIER, compressions=(), by_hash=False)
    case.archive.files["dists/trixie/main/binary-amd64/Packages"] = case.archive.index("main", "amd64")
    assert "Packages.xz" not in release
    assert len(list(case.acquire(url).packages())) == 2


def test_a_mirror_without_by_hash_files(case: Case, url: Loopback) -> None:
    for path in [path for path in case.archive.files if "by-hash" in path]:
        del case.archive.files[path]
    assert len(list(case.acquire(url).packages())) == 2
    assert url.paths()[-1] == "dists/trixie/main/binary-amd64/Packages.xz"


def test_an_index_for_all_architectures_of_its_own(case: Case, url: Loopback) -> None:
    case.archive.write(date=EARLIER, architectures=("amd64", "all"))
    packages = [package.name for package in case.acquire(url).packages()]
    assert sorted(set(packages)) == ["data", "hello"]
    case.archive.write(date=EARLIER, architectures=("amd64", "all"),
                       fields={"No-Support-for-Architecture-all": "Packages"})  # fmt: skip
    assert [package.name for package in case.acquire(url).packages()] == ["hello", "data"]


def test_a_security_archive(case: Case, url: Loopback) -> None:
    case.archive.write("stable-security", "trixie-security", date=EARLIER, valid_until=NOW + timedelta(days=6))
    case.request = replace(case.request, name="trixie-security", suite="trixie-security")
    assert case.acquire(url).archive.suite == "trixie-security"


@pytest.mark.parametrize("offset", range(60, 900, 97))
def test_a_flipped_bit_in_inrelease(case: Case, url: Loopback, offset: int) -> None:
    url.fault("*InRelease", flip=offset, times=-1)
    assert case.refused(url).code == 5


@pytest.mark.parametrize("fault", [{"flip": 100}, {"append": b"x"}, {"body": b""}, {"endless": True}])
def test_a_false_index(case: Case, url: Loopback, fault: dict[str, object]) -> None:
    url.fault("*/binary-amd64/*", times=-1, **fault)
    error = case.refused(url)
    assert "not what the signed Release lists" in error.message
    assert case.blobs.names == set()


def test_a_false_index_by_hash_but_not_by_name(case: Case, url: Loopback) -> None:
    url.fault("*/by-hash/*", flip=1, times=-1)
    assert len(list(case.acquire(url).packages())) == 2


def test_an_endless_inrelease(case: Case, url: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_MESSAGE", 1 << 16)
    url.fault("*InRelease", endless=True, times=-1)
    assert "larger than" in case.refused(url).message


def test_signed_by_somebody_else(case: Case, url: Loopback) -> None:
    case.archive.write(date=EARLIER, signers=[OTHER])
    assert "no good signature" in case.refused(url).message
    case.archive.write(date=EARLIER, signers=[OTHER, KEY])
    assert case.acquire(url)


def test_not_signed_at_all(case: Case, url: Loopback) -> None:
    case.archive.files["dists/trixie/InRelease"] = case.archive.write(date=EARLIER).encode()
    assert "not one signed message" in case.refused(url).message


def test_another_suite(case: Case, url: Loopback) -> None:
    case.archive.write("oldstable", "bookworm", date=EARLIER)
    case.archive.files["dists/trixie/InRelease"] = case.archive.files["dists/bookworm/InRelease"]
    assert "another suite" in case.refused(url).message


def test_expired(case: Case, url: Loopback) -> None:
    case.archive.write(date=EARLIER, valid_until=NOW)
    assert case.acquire(url, now=NOW)
    assert "expired" in case.refused(url, now=NOW + timedelta(seconds=1)).message
    case.request = replace(case.request, leniency=Leniency(expired=True))
    assert case.acquire(url, now=NOW + timedelta(days=300))
    assert "expired on" in str(case.events[-1])


def test_no_going_back(case: Case, url: Loopback) -> None:
    case.archive.write(date=EARLIER)
    case.acquire(url)
    case.archive.write(date=EARLIER - timedelta(seconds=1))
    assert "older" in case.refused(url).message
    case.archive.write(date=EARLIER + timedelta(seconds=1))
    case.acquire(url)
    case.archive.write(date=EARLIER)
    assert "older" in case.refused(url).message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"architecture": "s390x"}, "no architecture"),
        ({"components": ("main", "restricted")}, "no component"),
    ],
)
def test_what_the_archive_does_not_have(case: Case, url: Loopback, change: dict[str, object], why: str) -> None:
    case.request = replace(case.request, **change)
    assert why in case.refused(url).message


def test_a_listed_component_without_an_index(case: Case, url: Loopback) -> None:
    text = case.archive.write(date=EARLIER).replace("Components: main", "Components: main extra")
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(text)
    case.request = replace(case.request, components=("extra",))
    assert "no index" in case.refused(url).message


def test_an_index_too_large_to_be_true(case: Case, url: Loopback) -> None:
    text = case.archive.write(date=EARLIER)
    size = len(case.archive.files["dists/trixie/main/binary-amd64/Packages.xz"])
    forged = text.replace(f"{size:>8} main/binary-amd64/Packages.xz", "99999999999 main/binary-amd64/Packages.xz")
    assert forged != text
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(forged)
    assert "more than" in case.refused(url).message


BOMB = b"\n" * (32 << 20)
LISTED = f" {Digest.of(BOMB).hex} {len(BOMB):>8} main/binary-amd64/Packages\n"


def test_a_decompression_bomb_is_cut_off_at_the_size_that_is_listed(case: Case, url: Loopback) -> None:
    text = case.archive.write(date=EARLIER, packages=BOMB)
    forged = text.replace(LISTED, LISTED.replace(str(len(BOMB)), "100"))
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(forged)
    with pytest.raises(VerificationError, match="more than 100 bytes"):
        list(case.acquire(url).packages())


def test_a_decompression_bomb_is_cut_off_where_none_is_listed(
    case: Case, url: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_INDEX", 1 << 20)
    text = case.archive.write(date=EARLIER, packages=BOMB)
    assert LISTED in text
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(text.replace(LISTED, ""))
    with pytest.raises(VerificationError, match=f"more than {1 << 20} bytes"):
        list(case.acquire(url).packages())


def test_a_damaged_index_that_was_signed(case: Case, url: Loopback) -> None:
    text = case.archive.write(date=EARLIER)
    good = case.archive.files["dists/trixie/main/binary-amd64/Packages.xz"]
    bad = good[: len(good) // 2]
    listed = f"{Digest.of(good).hex} {len(good):>8}"
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(
        text.replace(listed, f"{Digest.of(bad).hex} {len(bad):>8}")
    )
    case.archive.files["dists/trixie/main/binary-amd64/Packages.xz"] = bad
    index = case.acquire(url)
    with pytest.raises(VerificationError):
        list(index.packages())


def test_a_signed_index_that_is_nonsense(case: Case, url: Loopback) -> None:
    case.archive.write(date=EARLIER, packages=b"Package: a\nnonsense\n")
    with pytest.raises(VerificationError, match="trixie") as caught:
        list(case.acquire(url).packages())
    assert "line 2" in caught.value.why


# --- several mirrors ---------------------------------------------------------------------------------------


def test_the_next_mirror_is_tried(case: Case, url: Loopback) -> None:
    with serve({}) as empty:
        index = case.acquire(empty, url)
    assert index.archive.address == url
    (warning,) = case.events
    assert isinstance(warning, Warned)
    assert empty in warning.text
    assert "404" in warning.text


def test_a_mirror_that_lies_is_passed_over(case: Case, url: Loopback, tmp_path: Path) -> None:
    liar = SignedArchive(tmp_path / "liar", OTHER)
    liar.write(date=NOW)
    with liar.serve() as false:
        assert case.acquire(false, url).archive.address == url
        error = case.refused(false, f"{false}/nowhere")
    assert "no mirror gives" in error.message
    assert error.why.count(false) >= 2


def test_a_lagging_mirror_is_passed_over(case: Case, url: Loopback, tmp_path: Path) -> None:
    case.acquire(url)
    lagging = SignedArchive(tmp_path / "lagging", KEY)
    lagging.write(date=EARLIER - timedelta(days=1))
    with lagging.serve() as old:
        assert case.acquire(old, url).archive.address == url


def test_a_passing_failure(case: Case, url: Loopback) -> None:
    url.fault("*InRelease", status=503)
    url.fault("*/by-hash/*", truncate=50)
    assert len(list(case.acquire(url).packages())) == 2


def test_nobody_answers(case: Case) -> None:
    with serve({}) as empty, pytest.raises(FetchError, match="indexes of trixie") as caught:
        case.acquire(empty, f"{empty}/b")
    assert caught.value.why.count("404") == 2
    with pytest.raises(FetchError) as caught:
        case.acquire()
    assert caught.value.why == "no mirror"


def test_offline(case: Case) -> None:
    class Offline:
        def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
            raise OfflineError(f"{url} is not in the store")

    case.fetcher = Offline()  # type: ignore[assignment]
    with pytest.raises(OfflineError):
        case.acquire("http://127.0.0.1:9/debian")


def test_secrets_of_an_address_reach_neither_lock_nor_message(case: Case, url: Loopback) -> None:
    secret = url.replace("http://", "http://user:secret@")
    assert case.acquire(secret).archive.address == url
    url.fault("*InRelease", flip=300, times=-1)
    assert "secret" not in " ".join(case.refused(secret).lines())


def test_urls() -> None:
    assert url_of("http://h/debian/", "pool/a_1%3a2+b~c.deb") == "http://h/debian/pool/a_1%253a2+b~c.deb"


def test_memory_of_xz_is_bounded(case: Case, url: Loopback) -> None:
    packed = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20}])
    text = case.archive.write(date=EARLIER)
    good = case.archive.files["dists/trixie/main/binary-amd64/Packages.xz"]
    case.archive.files["dists/trixie/InRelease"] = case.archive.sign(
        text.replace(f"{Digest.of(good).hex} {len(good):>8}", f"{Digest.of(packed).hex} {len(packed):>8}")
    )
    case.archive.files["dists/trixie/main/binary-amd64/Packages.xz"] = packed
    index = case.acquire(url)
    with pytest.raises(VerificationError):
        list(index.packages())

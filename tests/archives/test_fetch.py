# SPDX-License-Identifier: Apache-2.0
"""Fetching over HTTP from a server on loopback that misbehaves in every way we know."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.archives.download import FetchRequest, fetch_all
from imagewright.archives.fetch import FetchOptions, HttpFetcher, shown
from imagewright.errors import ConfigurationError, FetchError, OfflineError, VerificationError
from imagewright.events import Event, Warned
from imagewright.events.building import FetchFinished, FetchProgress, FetchStarted
from imagewright.model.digest import Digest
from support.blobs import DirectoryBlobs, StillClock
from support.loopback import Loopback, serve

pytestmark = pytest.mark.loopback

BODY = bytes(range(256)) * 4096  # 1 MiB
PATH = "pool/a.deb"


class Pauses(list[float]):
    """Stands for ``time.sleep``: remembers what it was asked for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve({PATH: BODY}) as url:
        yield url


def fetcher(pauses: Pauses, **options: object) -> HttpFetcher:
    settings = FetchOptions(**{"connect_timeout": 2.0, "read_timeout": 0.4, "attempts": 3, **options})
    return HttpFetcher(settings, sleep=pauses, jitter=lambda: 0.5, monotonic=time.monotonic)


def get(url: str, pauses: Pauses, *, maximum: int = 1 << 24, **options: object) -> bytes:
    return b"".join(fetcher(pauses, **options).stream(url, maximum=maximum))


def test_a_file(server: Loopback, pauses: Pauses) -> None:
    assert get(f"{server}/{PATH}", pauses) == BODY
    assert pauses == []


def test_a_file_that_is_not_there_is_asked_for_once(server: Loopback, pauses: Pauses) -> None:
    with pytest.raises(FetchError, match="cannot fetch") as caught:
        get(f"{server}/nothing", pauses)
    assert caught.value.why == "status 404"
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_with_growing_pauses(
    server: Loopback, pauses: Pauses, status: int
) -> None:
    server.fault(PATH, status=status, times=2)
    assert get(f"{server}/{PATH}", pauses) == BODY
    assert pauses == [0.5, 1.0]


def test_it_gives_up_in_the_end(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, status=500, times=-1)
    with pytest.raises(FetchError) as caught:
        get(f"{server}/{PATH}", pauses)
    assert caught.value.why == "status 500 (tried 3 times)"
    assert len(server.asked) == 3


def test_retry_after(server: Loopback, pauses: Pauses) -> None:
    dates = {"Retry-After": "Sat, 12 Sep 2026 08:00:07 GMT", "Date": "Sat, 12 Sep 2026 08:00:00 GMT"}
    server.fault(PATH, status=503, headers=dates)
    server.fault(PATH, status=429, headers={"Retry-After": "3"})
    assert get(f"{server}/{PATH}", pauses) == BODY
    assert pauses[0] == 3.0
    # The server sends its own Date too; the later of two equal headers differs between libraries.
    assert len(pauses) == 2


def test_a_server_that_asks_for_too_much_patience(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, status=503, headers={"Retry-After": "3600"})
    with pytest.raises(FetchError, match="cannot fetch") as caught:
        get(f"{server}/{PATH}", pauses)
    assert "3600 seconds" in caught.value.why
    assert pauses == []


def test_a_broken_transfer_goes_on_where_it_stopped(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, truncate=300_000, times=3)
    assert get(f"{server}/{PATH}", pauses) == BODY
    assert [asked.range for asked in server.asked] == ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert [asked.status for asked in server.asked] == [200, 206, 206, 206]


def test_a_broken_transfer_starts_again_where_the_server_knows_no_ranges(pauses: Pauses) -> None:
    with serve({PATH: BODY}, ranges=False) as server:
        server.fault(PATH, truncate=300_000, times=2)
        assert get(f"{server}/{PATH}", pauses, attempts=4) == BODY
        assert [asked.status for asked in server.asked] == [200, 200, 200]


def test_a_file_that_changes_on_the_way_is_not_glued_together(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, truncate=1000)
    pieces = fetcher(pauses).stream(f"{server}/{PATH}", maximum=1 << 24)
    assert next(pieces) == BODY[:1000]
    server.files[PATH] = bytes(len(BODY))
    with pytest.raises(FetchError) as caught:
        list(pieces)
    assert "changed while" in caught.value.why


def test_a_transfer_that_never_gets_anywhere(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, truncate=0, times=-1)
    with pytest.raises(FetchError) as caught:
        get(f"{server}/{PATH}", pauses)
    assert "tried 3 times" in caught.value.why


def test_a_transfer_that_always_breaks_ends_too(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, truncate=1, times=-1)
    with pytest.raises(FetchError) as caught:
        get(f"{server}/{PATH}", pauses)
    assert "tried 12 times" in caught.value.why


def test_a_server_that_falls_silent(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, stall=30.0)
    assert get(f"{server}/{PATH}", pauses) == BODY
    assert len(server.asked) == 2


def test_a_server_that_only_drips(pauses: Pauses) -> None:
    seconds = iter(range(0, 10_000, 10))
    with serve({PATH: BODY}) as server:
        slow = HttpFetcher(
            FetchOptions(slowest=1 << 20, grace=5, attempts=1), sleep=pauses, jitter=lambda: 0.5,
            monotonic=lambda: float(next(seconds)),
        )  # fmt: skip
        with pytest.raises(FetchError) as caught:
            list(slow.stream(f"{server}/{PATH}", maximum=1 << 24))
    assert "less than" in caught.value.why


def test_too_large_a_file_is_refused_by_its_head(server: Loopback, pauses: Pauses) -> None:
    with pytest.raises(VerificationError, match="larger than 1000 bytes"):
        get(f"{server}/{PATH}", pauses, maximum=1000)
    assert get(f"{server}/{PATH}", pauses, maximum=len(BODY)) == BODY


def test_an_endless_file_is_cut_off(server: Loopback, pauses: Pauses) -> None:
    server.fault(PATH, endless=True)
    received: list[bytes] = []
    with pytest.raises(VerificationError, match="larger than"):
        received.extend(fetcher(pauses).stream(f"{server}/{PATH}", maximum=1 << 20))
    assert len(b"".join(received)) <= 1 << 20


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


@pytest.mark.parametrize(("rest", "expected"), [(b"0\r\n\r\n", b"hello"), (b"", None), (b"5\r\nwor", None)])
def test_a_body_in_chunks_is_whole_or_refused(pauses: Pauses, rest: bytes, expected: bytes | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(CHUNKED + rest)

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        if expected is None:
            with pytest.raises(FetchError):
                get(url, pauses, attempts=2)
        else:
            assert get(url, pauses) == expected
        listening.shutdown(socket.SHUT_RDWR)


def test_redirects(server: Loopback, pauses: Pauses) -> None:
    server.fault("a", status=302, headers={"Location": f"/{PATH}"}, times=-1)
    server.fault("loop", status=307, headers={"Location": "loop"}, times=-1)
    assert get(f"{server}/a", pauses) == BODY
    with pytest.raises(FetchError) as caught:
        get(f"{server}/loop", pauses)
    assert "more than 5 redirects" in caught.value.why


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "gopher:x", "http:///x"])
def test_redirects_that_leave_http_are_refused(server: Loopback, pauses: Pauses, location: str) -> None:
    server.fault(PATH, status=301, headers={"Location": location}, times=-1)
    with pytest.raises(FetchError):
        get(f"{server}/{PATH}", pauses, allow_files=True)


def test_a_redirect_never_loses_encryption() -> None:
    from imagewright.archives import fetch

    transfer = fetch._Transfer("https://a/x", 1)
    with pytest.raises(FetchError) as caught:
        fetch._redirected("https://a/x", "http://a/x", transfer)
    assert "from https" in caught.value.why
    assert fetch._redirected("http://a/x", "https://a/x", transfer) == "https://a/x"


def test_nobody_listens(pauses: Pauses) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    client = fetcher(pauses, attempts=5)
    for name in ("a", "b", "c"):  # found out once, not for every file
        with pytest.raises(FetchError) as caught:
            list(client.stream(f"{address}/{name}", maximum=1))
        assert "refused" in caught.value.why
    assert len(pauses) == 1


def test_a_name_without_an_address_is_given_up_quickly(pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def nowhere(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    client = fetcher(pauses, attempts=5)
    for name in ("Python.tar.xz", "Python.tar.xz.asc"):
        with pytest.raises(FetchError) as caught:
            list(client.stream(f"https://www.example.org/{name}", maximum=1))
        assert "host name has no address" in caught.value.why
    assert asked == ["www.example.org"] * 2
    assert sum(pauses) < 1


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://h/x", "http://", "http:///x", "http://[::1/x", "file:x", "https://a/b c", "http://a/\n"],
)
def test_what_is_no_address(url: str, pauses: Pauses) -> None:
    with pytest.raises(FetchError):
        get(url, pauses)


def test_files_only_where_allowed(tmp_path: Path, pauses: Pauses) -> None:
    path = tmp_path / "a b"
    path.write_bytes(BODY)
    with pytest.raises(FetchError, match="cannot fetch"):
        get(path.as_uri(), pauses)
    assert get(path.as_uri(), pauses, allow_files=True) == BODY
    with pytest.raises(VerificationError):
        get(path.as_uri(), pauses, allow_files=True, maximum=1000)
    with pytest.raises(FetchError):
        get((tmp_path / "nothing").as_uri(), pauses, allow_files=True)


def test_secrets_are_sent_but_never_shown(server: Loopback, pauses: Pauses) -> None:
    secret = server.replace("http://", "http://user:pa%24s@")
    assert get(f"{secret}/{PATH}", pauses) == BODY
    with pytest.raises(FetchError) as caught:
        get(f"{secret}/nothing", pauses)
    assert "pa" not in caught.value.message.replace("nothing", "")
    assert shown("https://u:p@h/x") == "https://h/x"


def test_a_missing_file_of_more_authorities(server: Loopback, pauses: Pauses, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="certificates"):
        get(f"{server}/{PATH}", pauses, more_authorities=str(tmp_path / "none.pem"))


def test_a_missing_file_of_authorities(server: Loopback, pauses: Pauses, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CA certificates"):
        get(f"{server}/{PATH}", pauses, authorities=str(tmp_path / "none.pem"))


def test_a_proxy_is_used_only_where_told(server: Loopback, pauses: Pauses) -> None:
    proxies = (("http", "http://127.0.0.1:9"),)
    assert get(f"{server}/{PATH}", pauses, proxies=proxies) == BODY  # loopback goes direct
    with pytest.raises(FetchError) as caught:
        get(f"{server}/{PATH}", pauses, proxies=proxies, direct=())
    assert "proxy" in caught.value.why
    with serve({"http://example.org/x": BODY}) as proxy:
        assert get("http://example.org/x", pauses, proxies=(("http", str(proxy)),)) == BODY


def test_a_proxy_gets_its_own_secret_and_stars_go_direct(server: Loopback, pauses: Pauses) -> None:
    with serve({"http://example.org/x": BODY}) as proxy:
        url = proxy.replace("http://", "http://me:pw%21@")
        assert get("http://example.org/x", pauses, proxies=(("http", url),)) == BODY
        assert proxy.secrets == ["Basic bWU6cHch"]
    assert get(f"{server}/{PATH}", pauses, proxies=(("http", "http://127.0.0.1:9"),), direct=("*",)) == BODY


def test_the_environment_is_not_asked(server: Loopback, pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert get(f"{server}/{PATH}", pauses, direct=()) == BODY


# --- many files --------------------------------------------------------------------------------------------


class Fetching:
    """fetch_all with everything it needs, and what it said."""

    def __init__(self, directory: Path) -> None:
        self.blobs = DirectoryBlobs(directory)
        self.events: list[Event] = []

    def __call__(self, *requests: FetchRequest, jobs: int = 4) -> None:
        client = fetcher(Pauses())
        clock = StillClock()
        fetch_all(requests, self.blobs, client, jobs=jobs, sink=self.events.append, clock=clock)


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path / "blobs")


def request(*urls: str, data: bytes = BODY, name: str = "a.deb") -> FetchRequest:
    return FetchRequest(name, urls, len(data), Digest.of(data), "name a snapshot archive")


def test_many_files_arrive(server: Loopback, fetching: Fetching) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(30)]
    server.files.update({f"{number}": body for number, body in enumerate(bodies)})
    requests = [request(f"{server}/{number}", data=body) for number, body in enumerate(bodies)]
    fetching(*requests, requests[0])
    assert fetching.blobs.names == {Digest.of(body).hex for body in bodies}
    assert fetching.events[0] == FetchStarted(30, 3_000_000)
    assert fetching.events[-1] == FetchFinished(30, 3_000_000, 0.0)
    progress = [event for event in fetching.events if isinstance(event, FetchProgress)]
    assert progress[-1] == FetchProgress(30, 3_000_000, 30, 3_000_000)
    assert sorted(progress, key=lambda event: event.size) == progress
    seen = len(server.asked)
    fetching(*requests)
    assert len(server.asked) == seen  # all there: not one request, not one event more
    assert isinstance(fetching.events[-1], FetchFinished)


@pytest.mark.parametrize("fault", [{"flip": 5}, {"append": b"x"}, {"body": b""}, {"endless": True}])
def test_a_mirror_that_lies_is_passed_over_and_named(
    server: Loopback, fetching: Fetching, fault: dict[str, object]
) -> None:
    server.files["bad"] = BODY
    server.fault("bad", times=-1, **fault)
    fetching(request(f"{server}/bad", f"{server}/{PATH}"))
    assert fetching.blobs.names == {Digest.of(BODY).hex}
    (warning,) = [event for event in fetching.events if isinstance(event, Warned)]
    assert f"{server}/bad" in warning.text


@pytest.mark.parametrize("fault", [{"flip": 5}, {"append": b"x"}, {"body": b""}, {"endless": True}])
def test_a_lie_everywhere_is_refused_and_nothing_stays(
    server: Loopback, fetching: Fetching, fault: dict[str, object]
) -> None:
    server.fault(PATH, times=-1, **fault)
    with pytest.raises(VerificationError, match=r"a\.deb is nowhere to be had") as caught:
        fetching(request(f"{server}/{PATH}", f"{server}/{PATH}?again"))
    assert fetching.blobs.names == set()
    assert str(caught.value.details["tried"]).count(PATH) >= 2


def test_a_file_nobody_has(server: Loopback, fetching: Fetching) -> None:
    with pytest.raises(FetchError, match=r"cannot fetch a\.deb") as caught:
        fetching(request(f"{server}/1", f"{server}/2"))
    assert caught.value.why == f"{server}/1: status 404; {server}/2: status 404"
    assert caught.value.hint == "name a snapshot archive"


def test_all_missing_files_are_named_and_the_others_arrive(server: Loopback, fetching: Fetching) -> None:
    requests = [request(f"{server}/{number}", data=bytes([number]), name=f"{number}.deb") for number in range(5)]
    with pytest.raises(FetchError, match=r"0\.deb \(and 4 more files failed\)") as caught:
        fetching(*requests, request(f"{server}/{PATH}"), jobs=1)
    assert caught.value.details["others"] == [f"cannot fetch {number}.deb" for number in range(1, 5)]
    assert fetching.blobs.names == {Digest.of(BODY).hex}


def test_a_lie_weighs_more_than_a_missing_file(server: Loopback, fetching: Fetching) -> None:
    server.files["lie"] = b"lie"
    with pytest.raises(VerificationError, match="wrong"):
        fetching(request(f"{server}/none"), request(f"{server}/lie", data=b"new", name="wrong"))


def test_offline(tmp_path: Path) -> None:
    class Offline:
        def stream(self, url, *, maximum):
            raise OfflineError(f"{url} is not in the store", hint="go online")

    blobs = DirectoryBlobs(tmp_path / "b")
    wanted = [request("http://h/a.deb")]
    with pytest.raises(OfflineError, match=r"a\.deb is not in the store") as caught:
        fetch_all(wanted, blobs, Offline(), jobs=1, sink=lambda event: None, clock=StillClock())
    assert caught.value.hint == "go online"


def test_a_file_without_an_address(fetching: Fetching) -> None:
    with pytest.raises(FetchError) as caught:
        fetching(request())
    assert "no address" in caught.value.why


def test_other_errors_stop_everything(tmp_path: Path, server: Loopback) -> None:
    class Full(DirectoryBlobs):
        def put(self, chunks, *, expected=None, size=None):
            raise MemoryError

    requests = [request(f"{server}/{number}", data=bytes([number])) for number in range(50)]
    with pytest.raises(MemoryError):
        fetch_all(
            requests, Full(tmp_path / "b"), fetcher(Pauses()), jobs=1, sink=lambda event: None, clock=StillClock()
        )


def test_ctrl_c_does_not_wait_for_a_silent_server(tmp_path: Path, server: Loopback) -> None:
    server.fault(PATH, stall=30.0, times=-1)
    patient = HttpFetcher(FetchOptions(), sleep=time.sleep, jitter=lambda: 0.5, monotonic=time.monotonic)

    def sink(event: Event) -> None:
        if isinstance(event, FetchProgress):  # the fast file is here, the silent one is under way
            raise KeyboardInterrupt

    server.files["fast"] = b"fast"
    blobs = DirectoryBlobs(tmp_path / "b")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch_all(
            [request(f"{server}/{PATH}"), request(f"{server}/fast", data=b"fast")],
            blobs, patient, jobs=2, sink=sink, clock=StillClock(),
        )  # fmt: skip
    assert time.monotonic() - began < 10
    assert threading.current_thread() is threading.main_thread()

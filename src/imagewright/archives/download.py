# SPDX-License-Identifier: Apache-2.0
"""Many files into the store at once, each verified by size and digest on its way."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

from imagewright.archives.fetch import shown
from imagewright.errors import FetchError, ImagewrightError, OfflineError, VerificationError
from imagewright.events import Event, Sink, Warned
from imagewright.events.building import FetchFinished, FetchProgress, FetchStarted
from imagewright.model.digest import Digest
from imagewright.model.ports import BlobStore, Clock, Fetcher

LARGEST = 1 << 30
"""Bytes in a file whose size is not known beforehand."""

_PROGRESS_STEP = 1 << 20
_GIVE_UP_AFTER = 20
_PARTING = 0.5  # seconds that a thread may take to notice that it is to stop


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One file: ``name`` for people, ``urls`` in the order to try, ``size`` in bytes (0: not known) and digest.

    ``hint`` is what a person may do if none of them has it.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: Digest
    hint: str = ""


class _StoppedError(Exception):
    """Another file failed for good, or the person stopped: what is unfinished is dropped."""


@dataclass(slots=True)
class _Tally:
    """What has arrived, told to ``sink`` from one thread at a time and not for every piece."""

    sink: Sink
    total_files: int
    total: int
    files: int = 0
    size: int = 0
    told: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def emit(self, event: Event) -> None:
        with self.guard:
            self.sink(event)

    def add(self, size: int) -> None:
        with self.guard:
            self.size += size
            if self.size - self.told >= _PROGRESS_STEP:
                self._tell()

    def take_back(self, size: int) -> None:
        with self.guard:
            self.size -= size
            self.told = min(self.told, self.size)

    def finish_file(self) -> None:
        with self.guard:
            self.files += 1
            self._tell()

    def _tell(self) -> None:
        self.told = self.size
        self.sink(FetchProgress(self.files, self.size, self.total_files, self.total))


def fetch_all(
    requests: Sequence[FetchRequest],
    blobs: BlobStore,
    fetcher: Fetcher,
    *,
    jobs: int,
    sink: Sink,
    clock: Clock,
) -> None:
    """Bring every file into the store that is not there yet, ``jobs`` at a time.

    For each file its addresses are tried in order; one that sends something else than was pinned counts as
    broken, like one that does not answer. Files that none has do not keep the others from arriving, so that
    the error names all of them. Raises ``VerificationError`` if any file was only to be had wrong, else
    ``FetchError`` (``OfflineError``); other errors, and Ctrl-C, stop everything at once.
    """
    failures = fetch_each(requests, blobs, fetcher, jobs=jobs, sink=sink, clock=clock)
    if failures:
        raise combined(tuple(failures.values()))


def fetch_each(
    requests: Sequence[FetchRequest],
    blobs: BlobStore,
    fetcher: Fetcher,
    *,
    jobs: int,
    sink: Sink,
    clock: Clock,
) -> dict[Digest, ImagewrightError]:
    """As :func:`fetch_all`, but what cannot be had is told and not raised: errors by digest, in order.

    After many failures the rest is given up, and each file of it has an error too.
    """
    by_digest = {request.sha256: request for request in requests}
    missing = [request for request in by_digest.values() if not blobs.has(request.sha256)]
    if not missing:
        return {}
    tally = _Tally(sink, len(missing), sum(request.size for request in missing))
    tally.emit(FetchStarted(tally.total_files, tally.total))
    started = clock.monotonic()
    failed = _run(missing, blobs, fetcher, jobs, tally)
    failures = {missing[position].sha256: error for position, error in failed}
    if len(failed) >= _GIVE_UP_AFTER:
        why = f"{len(failed)} other files failed, so the rest was given up"
        for request in missing:
            if request.sha256 not in failures and not blobs.has(request.sha256):
                failures[request.sha256] = FetchError(f"{request.name} was not fetched", why=why)
    tally.emit(FetchFinished(tally.files, tally.size, clock.monotonic() - started))
    return failures


def _run(
    missing: Sequence[FetchRequest], blobs: BlobStore, fetcher: Fetcher, jobs: int, tally: _Tally
) -> list[tuple[int, ImagewrightError]]:
    """Work through ``missing`` in threads; the failures, in the order of the requests, with their places."""
    todo: SimpleQueue[tuple[int, FetchRequest]] = SimpleQueue()
    done: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()
    for item in enumerate(missing):
        todo.put(item)

    def work() -> None:
        with suppress(Empty):
            while not tally.stop.is_set():
                position, request = todo.get_nowait()
                done.put((position, _outcome(request, blobs, fetcher, tally)))

    # Daemons: after Ctrl-C nobody waits for a server that is silent.
    threads = [Thread(target=work, name=f"fetch-{number}", daemon=True) for number in range(max(1, jobs))]
    for thread in threads:
        thread.start()
    failures: dict[int, ImagewrightError] = {}
    try:
        for _ in missing:
            position, error = done.get()
            if isinstance(error, (FetchError, VerificationError)):
                failures[position] = error
            elif error is not None:
                raise error
            if len(failures) >= _GIVE_UP_AFTER:
                break
    finally:
        tally.stop.set()
        for thread in threads:
            thread.join(_PARTING)
    return sorted(failures.items())


def _outcome(request: FetchRequest, blobs: BlobStore, fetcher: Fetcher, tally: _Tally) -> BaseException | None:
    """What became of one file: nothing to say, or the error, whatever it is, for the waiting thread to raise."""
    try:
        _fetch(request, blobs, fetcher, tally)
    except BaseException as error:  # noqa: BLE001 - handed over, not swallowed
        return error
    return None


def _fetch(request: FetchRequest, blobs: BlobStore, fetcher: Fetcher, tally: _Tally) -> None:
    """Try the addresses of one file. Raises ``FetchError`` or ``VerificationError`` listing all of them."""
    tried: list[tuple[str, ImagewrightError]] = []
    for url in request.urls:
        counted = _Counted(fetcher, url, request.size or LARGEST, tally)
        try:
            with closing(counted.pieces()) as pieces:
                blobs.put(pieces, expected=request.sha256, size=request.size or None)
        except (FetchError, VerificationError) as error:
            tally.take_back(counted.received)
            tried.append((shown(url), error))
            continue
        for address, failure in tried:
            if isinstance(failure, VerificationError):
                tally.emit(Warned(f"{address} was refused, and another mirror used: {_short(failure)}"))
        tally.finish_file()
        return
    raise _nowhere(request, tried)


class _Counted:
    """The body of one address, counted as it passes; ends early when everything is to stop."""

    def __init__(self, fetcher: Fetcher, url: str, maximum: int, tally: _Tally) -> None:
        self._fetcher = fetcher
        self._url = url
        self._maximum = maximum
        self._tally = tally
        self.received = 0

    def pieces(self) -> Generator[bytes, None, None]:
        for piece in self._fetcher.stream(self._url, maximum=self._maximum):
            if self._tally.stop.is_set():
                raise _StoppedError
            self.received += len(piece)
            self._tally.add(len(piece))
            yield piece


def _short(error: ImagewrightError) -> str:
    return error.why or error.message


def _nowhere(request: FetchRequest, tried: Sequence[tuple[str, ImagewrightError]]) -> ImagewrightError:
    reasons = [f"{address}: {_short(error)}" for address, error in tried]
    details = {
        "name": request.name,
        "sha256": str(request.sha256),
        "tried": [{"url": address, "reason": _short(error)} for address, error in tried],
    }
    why = "; ".join(reasons) or "no address is known for it"
    wrong = [error for _, error in tried if isinstance(error, VerificationError)]
    if wrong:
        message = f"{request.name} is nowhere to be had as it was pinned"
        return VerificationError(message, why=why, hint=wrong[0].hint, details=details)
    if tried and isinstance(tried[-1][1], OfflineError):
        return OfflineError(f"{request.name} is not in the store", why=tried[-1][1].why, hint=tried[-1][1].hint)
    hint = next((error.hint for _, error in tried if error.hint), request.hint)
    return FetchError(f"cannot fetch {request.name}", why=why, hint=hint, details=details)


def combined(failures: Sequence[ImagewrightError]) -> ImagewrightError:
    """One error for all: a wrong file before a missing one, with the names of the others."""
    first = next((error for error in failures if isinstance(error, VerificationError)), failures[0])
    if len(failures) == 1:
        return first
    others = [error.message for error in failures if error is not first]
    return type(first)(
        f"{first.message} (and {len(others)} more files failed)",
        why=first.why,
        hint=first.hint,
        details={**first.details, "others": others},
    )

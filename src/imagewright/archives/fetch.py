# SPDX-License-Identifier: Apache-2.0
"""The port ``Fetcher`` over HTTP: bounded, patient with servers, quick with hosts that are not there."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from imagewright.errors import ConfigurationError, FetchError, VerificationError
from imagewright.model.proxies import LOOPBACK, Proxies

_PIECE = 1 << 17
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_QUICK_PAUSE = 0.2
_HTTP_OK = 200
_HTTP_PARTIAL = 206
_HTTP_PROXY_AUTHENTICATION = 407
_MAXIMUM_REDIRECTS = 5

_CREDENTIALS = 'name both in its address: proxy = "http://NAME:PASSWORD@HOST:PORT" under [network], or http_proxy'
_WAY = "it comes from [network] in imagewright.toml, http_proxy or https_proxy; no_proxy names hosts without one"
_AUTHORITY = (
    "if an authority of your own signed it, name its certificate: ca_file under [network] in imagewright.toml"
)


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How patient to be. Times in seconds.

    ``attempts`` are made in a row without any progress; the pause between them starts at ``backoff``, doubles,
    and never exceeds ``longest_pause`` (a server that asks for more is given up). A transfer slower than
    ``slowest`` bytes per second after ``grace`` seconds counts as failed. ``proxies`` map a scheme to a proxy's
    URL; ``direct`` are hosts and domains reached without one (``*``: all). ``authorities`` is a file of CA
    certificates, the system's own where empty; those in ``more_authorities`` are believed besides.
    ``allow_files`` allows ``file:`` addresses.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    attempts: int = 5
    backoff: float = 0.5
    longest_pause: float = 30.0
    slowest: int = 1024
    grace: float = 60.0
    proxies: tuple[tuple[str, str], ...] = ()
    direct: tuple[str, ...] = LOOPBACK
    authorities: str = ""
    more_authorities: str = ""
    allow_files: bool = False
    user_agent: str = "imagewright"


_Pool = urllib3.PoolManager  # a ProxyManager is one too


class _Trouble(Exception):  # noqa: N818 - one attempt that failed, not an error by itself
    """One attempt failed. ``attempts`` bounds how often this kind is tried; ``pause`` is what the server asks."""

    def __init__(
        self, reason: str, *, hint: str = "", attempts: int | None = None, pause: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.attempts = attempts
        self.pause = pause


class _Unreachable(_Trouble):
    """The host cannot be connected to; after the last attempt it is not tried again for other files."""


@dataclass(slots=True)
class _Transfer:
    """One body on its way: ``received`` bytes so far, of ``total`` where known; ``validator`` for If-Range."""

    url: str
    maximum: int
    received: int = 0
    total: int | None = None
    validator: str = ""
    etag: str = ""


class HttpFetcher:
    """Fetches ``http:``, ``https:`` and, where allowed, ``file:`` addresses. Safe for threads.

    ``sleep``, ``jitter`` (a number from 0 to 1) and ``monotonic`` (seconds) come from outside.
    """

    def __init__(
        self,
        options: FetchOptions,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        monotonic: Callable[[], float],
        connections: int = 8,
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._jitter = jitter
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._down: dict[str, _Unreachable] = {}
        self._connections = connections
        self._pools: dict[str, _Pool] = {}

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        """Yield the body in pieces; an interrupted transfer goes on where it stopped, if the server can.

        Raises ``FetchError``; ``VerificationError`` beyond ``maximum`` bytes.
        """
        if _scheme(url) == "file":
            yield from self._file(url, maximum)
            return
        transfer = _Transfer(url, maximum)
        host = urlsplit(url).netloc
        row = overall = 0
        while True:
            before = transfer.received
            try:
                if down := self._down.get(host):
                    raise _failed(url, down.reason, down.hint)
                yield from self._attempt(transfer)
            except _Trouble as trouble:
                row = 1 if transfer.received > before else row + 1
                overall += 1
                self._wait(trouble, transfer, host, row=row, overall=overall)
            else:
                return

    def _wait(self, trouble: _Trouble, transfer: _Transfer, host: str, *, row: int, overall: int) -> None:
        """Pause before the next attempt. Raises ``FetchError`` if there is to be none."""
        options = self._options
        limit = options.attempts if trouble.attempts is None else min(options.attempts, trouble.attempts)
        if row >= limit or overall >= options.attempts * 4:
            if isinstance(trouble, _Unreachable):
                with self._guard:
                    self._down[host] = trouble
            tries = f" (tried {overall} times)" if overall > 1 else ""
            raise _failed(transfer.url, f"{trouble.reason}{tries}", trouble.hint)
        pause = trouble.pause
        if pause is None:
            pause = min(options.backoff * 2 ** (row - 1) * (0.5 + self._jitter()), options.longest_pause)
        if pause > options.longest_pause:
            raise _failed(transfer.url, f"{trouble.reason}, and the server asks to wait {pause:.0f} seconds")
        self._sleep(pause)

    def _attempt(self, transfer: _Transfer) -> Iterator[bytes]:
        with self._open(transfer) as response:
            skip = _accept(response, transfer)
            started = self._monotonic()
            read = 0
            with _translated():
                piece = response.read1(_PIECE, decode_content=False)
            while piece:
                read += len(piece)
                skip, piece = max(0, skip - len(piece)), piece[skip:]
                if transfer.received + len(piece) > transfer.maximum:
                    raise _too_large(transfer)
                transfer.received += len(piece)
                if piece:
                    yield piece
                self._check_speed(read, self._monotonic() - started)
                with _translated():
                    piece = response.read1(_PIECE, decode_content=False)
            if transfer.total is not None and transfer.received != transfer.total:
                raise _Trouble(f"it ended after {transfer.received} of {transfer.total} bytes")

    def _check_speed(self, read: int, seconds: float) -> None:
        if seconds > self._options.grace and read < self._options.slowest * seconds:
            raise _Trouble(f"it sends less than {self._options.slowest} bytes per second")

    @contextmanager
    def _open(self, transfer: _Transfer) -> Iterator[urllib3.BaseHTTPResponse]:
        """Ask for what is missing, following redirects. Raises ``_Trouble`` and ``FetchError``."""
        url = transfer.url
        for _ in range(_MAXIMUM_REDIRECTS + 1):
            response = self._request(url, transfer)
            if response.status not in _REDIRECTS:
                break
            response.close()
            url = _redirected(url, response.headers.get("Location", ""), transfer)
        else:
            raise _failed(transfer.url, f"more than {_MAXIMUM_REDIRECTS} redirects")
        done = False
        try:
            yield response
            done = True
        finally:
            if done:
                response.release_conn()
            else:
                response.close()

    def _request(self, url: str, transfer: _Transfer) -> urllib3.BaseHTTPResponse:
        parts = urlsplit(url)
        headers = {"User-Agent": self._options.user_agent, "Accept-Encoding": "identity"}
        if transfer.received:
            headers["Range"] = f"bytes={transfer.received}-"
            if transfer.validator:
                headers["If-Range"] = transfer.validator
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers.update(urllib3.make_headers(basic_auth=secret))
            url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        timeout = urllib3.Timeout(connect=self._options.connect_timeout, read=self._options.read_timeout)
        proxy = self._proxy(parts.scheme, parts.hostname or "")
        with _translated(proxy):
            return self._pool(proxy).request(
                "GET", url, headers=headers, redirect=False, retries=False, timeout=timeout, preload_content=False,
                decode_content=False,
            )  # fmt: skip

    def _proxy(self, scheme: str, host: str) -> str:
        return Proxies(self._options.proxies, self._options.direct).find(scheme, host)

    def _pool(self, proxy: str) -> _Pool:
        """The connections through a proxy; made when first needed, because reading CA certificates takes time."""
        with self._guard:
            if proxy not in self._pools:
                self._pools[proxy] = self._new_pool(proxy)
            return self._pools[proxy]

    def _new_pool(self, proxy: str) -> _Pool:
        context = self._context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if proxy:
            parts = urlsplit(proxy)
            secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            headers = urllib3.make_headers(proxy_basic_auth=secret) if parts.username is not None else None
            return urllib3.ProxyManager(
                shown(proxy), proxy_headers=headers, maxsize=self._connections, ssl_context=context, retries=False
            )
        return urllib3.PoolManager(maxsize=self._connections, ssl_context=context, retries=False)

    def _context(self) -> ssl.SSLContext:
        """Whom to believe. Raises ``ConfigurationError`` for certificates that cannot be read."""
        authorities, more = self._options.authorities, self._options.more_authorities
        try:
            context = ssl.create_default_context(cafile=authorities or None)
            if more:
                context.load_verify_locations(cafile=more)
        except OSError as error:
            place = " and ".join(path for path in (authorities, more) if path)
            raise ConfigurationError(f"cannot read the CA certificates in {place}", why=str(error)) from None
        return context

    def _file(self, url: str, maximum: int) -> Iterator[bytes]:
        if not self._options.allow_files:
            raise _failed(url, "file: addresses are not allowed here")
        transfer = _Transfer(url, maximum)
        try:
            with Path(url2pathname(urlsplit(url).path)).open("rb") as file:
                while piece := file.read(_PIECE):
                    transfer.received += len(piece)
                    if transfer.received > maximum:
                        raise _too_large(transfer)
                    yield piece
        except OSError as error:
            raise _failed(url, error.strerror or str(error)) from None


def shown(url: str) -> str:
    """An address without the secrets it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        complete = bool(parts.path) if scheme == "file" else bool(parts.hostname)
    except ValueError:
        complete = False
        scheme = ""
    if scheme not in {"http", "https", "file"} or not complete or any(ord(letter) < ord("!") for letter in url):
        raise FetchError(f"cannot fetch {url[:200]!r}", why="it is not an http, https or file address")
    return scheme


def _redirected(url: str, location: str, transfer: _Transfer) -> str:
    """Where a redirect leads. Refuses to leave HTTP, to lose encryption, and to carry secrets elsewhere."""
    target = urljoin(url, location)
    if not location or _scheme(target) == "file":
        raise _failed(transfer.url, f"it redirects to {location[:100]!r}")
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise _failed(transfer.url, f"it redirects from https to {shown(target)}")
    return target


def _accept(response: urllib3.BaseHTTPResponse, transfer: _Transfer) -> int:
    """Judge the answer's head. The number of bytes at its start that are here already.

    Raises ``_Trouble`` for what may pass, ``FetchError`` for what will not, ``VerificationError`` for too much.
    """
    status = response.status
    if status in _PASSING:
        raise _Trouble(f"status {status}", pause=_retry_after(response))
    length = _number(response.headers.get("Content-Length", ""))
    etag = response.headers.get("ETag", "")
    if status == _HTTP_PARTIAL and transfer.received:
        start, total = _content_range(response.headers.get("Content-Range", ""))
        if start != transfer.received or (transfer.total is not None and total not in (None, transfer.total)):
            raise _failed(transfer.url, "the server sent another part than it was asked for")
        transfer.total = total if transfer.total is None else transfer.total
        return 0
    if status == _HTTP_PROXY_AUTHENTICATION:
        raise _failed(transfer.url, f"status {status}: the proxy wants a name and a password", _CREDENTIALS)
    if status != _HTTP_OK:
        raise _failed(transfer.url, f"status {status}")
    if transfer.received and ((transfer.total is not None and length != transfer.total) or etag != transfer.etag):
        raise _failed(transfer.url, "it changed while it was being fetched")
    transfer.total, transfer.etag = length, etag
    transfer.validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    if length is not None and length > transfer.maximum:
        raise _too_large(transfer)
    return transfer.received


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3); a date is read against the server's own."""
    value = response.headers.get("Retry-After", "")
    if (seconds := _number(value)) is not None:
        return float(seconds)
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(response.headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError):
        return None


def _content_range(value: str) -> tuple[int | None, int | None]:
    """First byte and total of ``bytes 0-9/100`` (RFC 9110, 14.4)."""
    unit, _, rest = value.partition(" ")
    span, _, total = rest.partition("/")
    if unit != "bytes":
        return None, None
    return _number(span.partition("-")[0]), _number(total)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - digits


@contextmanager
def _translated(proxy: str = "") -> Iterator[None]:
    """Turn what urllib3 raises into ``_Trouble`` with a reason that fits on a line."""
    try:
        yield
    except ProxyError as error:
        raise _proxy_trouble(proxy, _reason(error.original_error)) from None
    except NameResolutionError as error:
        # A name that does not resolve now hardly will in a minute; falling back to another address must be quick.
        raise _Unreachable("its host name has no address", attempts=2, pause=_QUICK_PAUSE) from error
    except (NewConnectionError, ConnectTimeoutError) as error:
        raise _Unreachable(_reason(error), attempts=2) from None
    except SSLError as error:
        hint = _AUTHORITY if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
        raise _Trouble(f"TLS: {_reason(error)}", hint=hint, attempts=2) from None
    except (LocationValueError, HTTPError, OSError) as error:
        raise _Trouble(_reason(error)) from None


def _proxy_trouble(proxy: str, reason: str) -> _Trouble:
    """A proxy that is not there, or one that is and opens no tunnel: to this host, or to nobody without a name."""
    text = f"the proxy {shown(proxy)} failed: {reason}"
    if "Tunnel connection failed" not in reason:
        return _Unreachable(text, hint=_WAY, attempts=2)
    return _Trouble(text, hint=_CREDENTIALS if f" {_HTTP_PROXY_AUTHENTICATION} " in reason else _WAY, attempts=2)


def _reason(error: Exception) -> str:
    text = str(error).rpartition(": ")[2] if isinstance(error, NewConnectionError) else str(error)
    return (text.splitlines() or [type(error).__name__])[0][:200]


def _failed(url: str, reason: str, hint: str = "") -> FetchError:
    return FetchError(
        f"cannot fetch {shown(url)}", why=reason, hint=hint, details={"url": shown(url), "reason": reason}
    )


def _too_large(transfer: _Transfer) -> VerificationError:
    return VerificationError(
        f"refused {shown(transfer.url)}: it is larger than {transfer.maximum} bytes",
        why="what was sent is not what was asked for",
    )

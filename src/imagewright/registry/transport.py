# SPDX-License-Identifier: Apache-2.0
"""Requests to a registry: connections, redirects, authorisation, and patience with what may pass.

An *attempt* is one exchange, with the token it needs. What may succeed later ends in :class:`Trouble`; what will
not, in :class:`RegistryError`. :meth:`Transport.ask` repeats attempts of requests that may be repeated; an upload
decides for itself how it goes on (:mod:`imagewright.registry.upload`).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from imagewright.errors import ConfigurationError, RegistryError, VerificationError
from imagewright.model.proxies import Proxies
from imagewright.model.references import Repository
from imagewright.oci.reading import MAX_DOCUMENT
from imagewright.registry.refusals import refusal

if TYPE_CHECKING:
    from imagewright.registry.authorisation import Authorisation
    from imagewright.registry.credentials import Keychain

PIECE = 1 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAXIMUM_REDIRECTS = 5
_OK, _UNAUTHORIZED = 200, 401
_FEW = 2
_PLAIN_ANSWERS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNEXPECTED_EOF",
    "PACKET_LENGTH",
)
"""What OpenSSL says of a server that answers a TLS greeting in plain HTTP."""


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """How to speak to registries. Times in seconds, sizes in bytes.

    ``attempts`` are made in a row without progress; the pause between them starts at ``backoff``, doubles, and
    never exceeds ``longest_pause`` (a server that asks for more is given up). ``authorities`` are files of CA
    certificates besides the system's. ``plain`` are registries that may be spoken to without TLS; those on
    loopback always may. ``proxies`` say how hosts are reached. ``chunk`` is the largest piece of an upload,
    ``careful`` after one that failed or was too large for the server; ``parallel`` how many blobs travel at once.
    """

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    attempts: int = 7
    backoff: float = 0.5
    longest_pause: float = 60.0
    authorities: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    chunk: int = 1 << 30
    careful: int = 64 << 20
    parallel: int = 4
    user_agent: str = "imagewright"
    proxies: Proxies = field(default_factory=Proxies)


class Trouble(Exception):  # noqa: N818 - one attempt that failed, not an error by itself
    """One attempt failed and may succeed later. ``pause`` is what the server asks, ``limit`` bounds attempts."""

    def __init__(self, reason: str, *, pause: float | None = None, limit: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends: ``size`` bytes from ``open()``, which may be called again for another attempt."""

    size: int
    open: Callable[[], Iterable[bytes]]
    media_type: str = "application/octet-stream"

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Body:
        """Bytes in memory."""
        return cls(len(content), lambda: (content,), media_type)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the registry of ``repository``; ``path`` is a path below its origin or a whole address.

    ``actions`` are what a token must allow (``pull``, ``push``, ``delete``), ``also`` repositories to pull from
    besides. ``accepted`` are the statuses that mean the answer is one; others are refusals.
    """

    method: str
    repository: Repository
    path: str
    accepted: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    actions: tuple[str, ...] = ("pull",)
    also: tuple[str, ...] = ()
    maximum: int = MAX_DOCUMENT


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body of an accepted answer; ``url`` is where it came from."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def header(self, name: str) -> str:
        """A header's value, "" where there is none."""
        return self.headers.get(name, "")

    @property
    def location(self) -> str:
        """The ``Location`` as a whole address."""
        return urljoin(self.url, self.header("location"))


class Transport:
    """Speaks to registries, from any thread.

    ``keychain`` is asked for with the first challenge: a registry that asks for nothing needs neither our
    credentials nor the code that presents them. ``sleep``, ``jitter`` (0 to 1) and ``monotonic`` come from
    outside.
    """

    def __init__(
        self,
        options: RegistryOptions,
        keychain: Callable[[], Keychain],
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.options = options
        self._sleep = sleep
        self._jitter = jitter
        self._guard = threading.Lock()
        self._pools: dict[tuple[str, bool], urllib3.PoolManager] = {}
        self._origins: dict[str, str] = {}
        self._keychain = keychain
        self._monotonic = monotonic
        self._authorisation: Authorisation | None = None

    def ask(self, request: Request) -> Answer:
        """Repeat attempts until one is answered. Raises :class:`RegistryError`."""
        return self.persist(lambda: self.attempt(request), _shown(request))

    def persist(self, action: Callable[[], Answer], what: str, *, persistence: int = 1) -> Answer:
        """Repeat ``action`` while it ends in :class:`Trouble`, with pauses. Raises :class:`RegistryError`.

        ``persistence`` is how many times as often as usual it is tried.
        """
        row = 0
        while True:
            try:
                return action()
            except Trouble as trouble:
                row += 1
                self.wait(trouble, row, what, persistence=persistence)

    def wait(self, trouble: Trouble, row: int, what: str, *, persistence: int = 1) -> None:
        """Pause after the ``row``-th failure in a row. Raises :class:`RegistryError` if that was the last."""
        options = self.options
        if row >= min(options.attempts, trouble.limit or options.attempts) * persistence:
            tries = f" (tried {row} times)" if row > 1 else ""
            raise RegistryError(f"{what} failed", why=f"{trouble.reason}{tries}", hint="try again later")
        pause = trouble.pause
        if pause is None:
            pause = min(options.backoff * 2 ** (row - 1) * (0.5 + self._jitter()), options.longest_pause)
        if pause > options.longest_pause:
            raise RegistryError(
                f"{what} failed", why=f"{trouble.reason}, and the server asks to wait {pause:.0f} seconds"
            )
        self._sleep(pause)

    def attempt(self, request: Request) -> Answer:
        """One exchange. Raises :class:`Trouble`, :class:`RegistryError`; ``VerificationError`` if too large."""
        with self.open(request) as response:
            content = _read(response, request)
            return Answer(
                response.status,
                _headers(response),
                content,
                urljoin(self.origin(request.repository), request.path),
            )

    @contextmanager
    def open(self, request: Request) -> Iterator[urllib3.BaseHTTPResponse]:
        """One exchange whose body is read by the caller. Raises :class:`Trouble` and :class:`RegistryError`."""
        url = urljoin(self.origin(request.repository), request.path)
        response = self._authorised(request, url)
        try:
            if response.status in _PASSING:
                raise Trouble(f"status {response.status}", pause=_retry_after(response))
            if response.status not in request.accepted:
                raise refusal(_shown(request), response.status, _some(response))
            yield response
        except BaseException:
            response.close()
            raise
        response.release_conn()

    def origin(self, repository: Repository) -> str:
        """``https://host``, or ``http://host`` where that is allowed and all there is."""
        server = repository.server
        with self._guard:
            known = self._origins.get(server)
        if known is None:
            known = self._find_origin(server)
            with self._guard:
                self._origins[server] = known
        return known

    def _find_origin(self, server: str) -> str:
        if server not in self.options.plain and not _is_loopback(server):
            return f"https://{server}"
        if server not in self.options.plain and self._answers_plainly(server):
            return f"http://{server}"
        try:
            self._send("GET", f"https://{server}/v2/", {}, None).close()
        except Trouble as trouble:
            if any(sign in trouble.reason for sign in _PLAIN_ANSWERS) or "EOF occurred" in trouble.reason:
                return f"http://{server}"
            if server in self.options.plain:
                return f"http://{server}"
            raise RegistryError(f"cannot reach {server}", why=trouble.reason) from None
        return f"https://{server}"

    def _answers_plainly(self, server: str) -> bool:
        """Whether a registry of this machine speaks HTTP; one that has TLS refuses to, or hangs up."""
        try:
            response = self._send("GET", f"http://{server}/v2/", {}, None)
        except Trouble:
            return False
        _some(response)
        response.release_conn()
        return response.status in {_OK, _UNAUTHORIZED}

    def _authorised(self, request: Request, url: str) -> urllib3.BaseHTTPResponse:
        """Send with what authorisation we have; meet one challenge. The answer, whatever its status."""
        known = self._authorisation
        header = "" if known is None else known.header(request.repository, request.actions, request.also)
        response = self._follow(request, url, header)
        if response.status != _UNAUTHORIZED:
            return response
        challenge = response.headers.get("WWW-Authenticate", "")
        content = _some(response)
        response.close()
        known = self._challenged()
        header = known.meet(request.repository, request.actions, request.also, challenge, header)
        if not header:
            raise refusal(_shown(request), _UNAUTHORIZED, content)
        return self._follow(request, url, header)

    def _challenged(self) -> Authorisation:
        from imagewright.registry.authorisation import Authorisation  # noqa: PLC0415 - see the class

        with self._guard:
            if self._authorisation is None:
                self._authorisation = Authorisation(self._keychain(), self._token_exchange, self._monotonic)
            return self._authorisation

    def _follow(self, request: Request, url: str, authorisation: str) -> urllib3.BaseHTTPResponse:
        """Follow redirects of reads; secrets stay with the origin they are for."""
        home = _origin_of(url)
        if _origin_of(url) != self.origin(request.repository) and request.body is not None:
            home = self.origin(request.repository)
        for _ in range(_MAXIMUM_REDIRECTS + 1):
            headers = dict(request.headers)
            if authorisation and _origin_of(url) == home:
                headers["Authorization"] = authorisation
            response = self._send(request.method, url, headers, request.body)
            if response.status not in _REDIRECTS or request.method not in {"GET", "HEAD"}:
                return response
            location = urljoin(url, response.headers.get("Location", ""))
            response.close()
            if urlsplit(location).scheme not in {"http", "https"}:
                raise RegistryError(f"{_shown(request)} failed", why=f"it redirects to {location[:100]!r}")
            if urlsplit(url).scheme == "https" and urlsplit(location).scheme != "https":
                raise RegistryError(f"{_shown(request)} failed", why="it redirects from https to http")
            url = location
        raise RegistryError(f"{_shown(request)} failed", why=f"more than {_MAXIMUM_REDIRECTS} redirects")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> urllib3.BaseHTTPResponse:
        sent = {"User-Agent": self.options.user_agent, "Accept-Encoding": "identity", **headers}
        content: Iterable[bytes] | None = None
        if body is not None:
            sent |= {"Content-Type": body.media_type, "Content-Length": str(body.size)}
            content = body.open() if body.size else None
        elif method in {"POST", "PUT", "PATCH"}:
            sent["Content-Length"] = "0"
        timeout = urllib3.Timeout(connect=self.options.connect_timeout, read=self.options.read_timeout)
        with translated():
            return self._connections(url).request(
                method, url, headers=sent, body=content, redirect=False, retries=False, timeout=timeout,
                preload_content=False, decode_content=False,
            )  # fmt: skip

    def _token_exchange(self, url: str, headers: Mapping[str, str], form: bytes | None) -> bytes:
        """Ask a token server; its answer. Raises :class:`RegistryError`."""
        body = None if form is None else Body.of(form, "application/x-www-form-urlencoded")
        secure = urlsplit(url).scheme == "https"
        host = urlsplit(url).netloc
        if not secure and not _is_loopback(host) and host not in self.options.plain:
            raise RegistryError(
                "refused a token server without TLS", why=f"its address is {url.partition('?')[0]}"
            )

        def once() -> Answer:
            response = self._send("GET" if body is None else "POST", url, headers, body)
            try:
                if response.status in _PASSING:
                    raise Trouble(f"status {response.status}", pause=_retry_after(response))
                content = _some(response)
                return Answer(response.status, _headers(response), content, url)
            finally:
                response.close()

        what = f"asking {host} for a token"
        answer = self.persist(once, what)
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise refusal(what, answer.status, answer.content)
        return answer.content

    def _connections(self, url: str) -> urllib3.PoolManager:
        """The connections to an address' host, kept; a ``ProxyManager`` is a ``PoolManager`` too."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        proxy = self.options.proxies.find(parts.scheme, parts.hostname or "")
        with self._guard:
            if (proxy, secure) not in self._pools:
                self._pools[proxy, secure] = self._new_pool(proxy, secure=secure)
            return self._pools[proxy, secure]

    def _new_pool(self, proxy: str, *, secure: bool) -> urllib3.PoolManager:
        """Certificates are read where they are needed: that takes longer than many a request."""
        context = self._new_context() if secure else None
        size = self.options.parallel + 2
        if not proxy:
            return urllib3.PoolManager(maxsize=size, ssl_context=context, retries=False)
        parts = urlsplit(proxy)
        secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=secret) if parts.username is not None else None
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return urllib3.ProxyManager(
            address, proxy_headers=headers, maxsize=size, ssl_context=context, retries=False
        )

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for path in self.options.authorities:
            try:
                context.load_verify_locations(cafile=path)
            except OSError as error:
                raise ConfigurationError(f"cannot read the CA certificates in {path}", why=str(error)) from None
        return context


@contextmanager
def translated() -> Iterator[None]:
    """Turn what urllib3 raises into :class:`Trouble` with a reason that fits on a line."""
    try:
        yield
    except ProxyError as error:
        raise Trouble(f"the proxy failed: {_line(error.original_error)}", limit=_FEW) from None
    except NameResolutionError:
        raise Trouble("its host name has no address", limit=_FEW) from None
    except NewConnectionError as error:
        raise Trouble(str(error).rpartition(": ")[2][:200]) from None
    except SSLError as error:
        unverified = "CERTIFICATE_VERIFY_FAILED" in str(error)
        raise Trouble(f"TLS: {_line(error)}", limit=1 if unverified else None) from None
    except (LocationValueError, HTTPError, OSError) as error:
        raise Trouble(_line(error)) from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _read(response: urllib3.BaseHTTPResponse, request: Request) -> bytes:
    """The whole body of a small answer; cut off ones are trouble."""
    if request.method == "HEAD":
        response.drain_conn()  # there is nothing, but the connection is not free before that is known
        return b""
    found = bytearray()
    with translated():
        while piece := response.read1(PIECE, decode_content=False):
            found += piece
            if len(found) > request.maximum:
                raise VerificationError(
                    f"refused the answer to {_shown(request)}: it is larger than {request.maximum} bytes"
                )
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != len(found):
        raise Trouble(f"the answer ended after {len(found)} of {length} bytes")
    return bytes(found)


def _some(response: urllib3.BaseHTTPResponse) -> bytes:
    """As much of an error's body as may hold its reason."""
    try:
        return response.read(PIECE, decode_content=False)
    except (HTTPError, OSError):
        return b""


def _headers(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3); a date is read against the server's own."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004 - digits
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(response.headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError):
        return None


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _shown(request: Request) -> str:
    path = unquote(urlsplit(request.path).path)
    return f"{request.method} {request.repository.registry}{path if path.startswith('/') else '/' + path}"


def _is_loopback(server: str) -> bool:
    host = urlsplit(f"//{server}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

# SPDX-License-Identifier: Apache-2.0
"""TLS with the image's certificates: they load, and a default context verifies authority and host name."""

from __future__ import annotations

import http.server
import os
import socket
import ssl
import tempfile
import threading
import urllib.request

from verdict import need, passed

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "good.imagewright.test"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Waits for its threads when it is closed: one that still writes while Python ends would abort it."""

    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is what is tested here."""


def serve(version: ssl.TLSVersion) -> http.server.HTTPServer:
    """A server on a port of its own that speaks one version of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(HERE, "test-server.pem"))
    context.minimum_version = context.maximum_version = version
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def connect(port: int, host: str, context: ssl.SSLContext) -> str:
    """The version of TLS that was agreed on."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    with plain, context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        need(secure.recv(8).startswith(b"HTTP/1."), "the server said something else")
        return str(secure.version())


def refused(port: int, host: str, context: ssl.SSLContext) -> str:
    """Why a server is refused; fail if it is believed."""
    why = ""
    try:
        connect(port, host, context)
    except ssl.SSLCertVerificationError as error:
        why = str(error)
    need(why, f"a server was believed to be {host}")
    return why


def trusted() -> int:
    """How many authorities the image trusts, wherever a default context looks for them."""
    paths = ssl.get_default_verify_paths()
    need(os.path.exists(BUNDLE), f"there is no {BUNDLE}")
    places = [path for path in (paths.cafile, paths.capath) if path and os.path.exists(path)]
    need(places, f"OpenSSL looks in {paths.openssl_cafile} and {paths.openssl_capath}: neither is there")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(BUNDLE)
    count = len(context.get_ca_certs())
    need(count > 100, f"{BUNDLE} holds {count} authorities")
    if paths.cafile is None or not os.path.exists(paths.cafile):
        hashed = [name for name in os.listdir(str(paths.capath)) if name.endswith(".0")]
        need(len(hashed) > 100, f"{paths.capath} holds {len(hashed)} authorities by hash")
    return count


def main() -> None:
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ.pop("SSL_CERT_DIR", None)
    count = trusted()
    servers = {version: serve(version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}
    port = servers[ssl.TLSVersion.TLSv1_3].server_port
    why = refused(port, HOST, ssl.create_default_context())
    need("self" in why or "local issuer" in why, f"an unknown authority was refused for another reason: {why}")
    with tempfile.NamedTemporaryFile() as bundle:
        for path in (BUNDLE, os.path.join(HERE, "test-authority.pem")):
            with open(path, "rb") as certificates:
                bundle.write(certificates.read())
        bundle.flush()
        os.environ["SSL_CERT_FILE"] = bundle.name
        context = ssl.create_default_context()
        need(len(context.get_ca_certs()) == count + 1, "SSL_CERT_FILE is not read")
        versions = [connect(server.server_port, HOST, context) for server in servers.values()]
        need(versions == ["TLSv1.2", "TLSv1.3"], f"agreed on {versions}")
        why = refused(port, "bad.imagewright.test", context)
        need("ostname mismatch" in why, f"a wrong host name was refused for another reason: {why}")
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/", timeout=20, context=context) as answer:
            need(answer.read() == b"served", "urllib got something else")
    for server in servers.values():
        server.shutdown()
        server.server_close()
    passed(f"{ssl.OPENSSL_VERSION}, {count} authorities, {' and '.join(versions)}")


main()

# SPDX-License-Identifier: Apache-2.0
"""TLS with the image's certificates: they load, and a default context verifies authority and host name."""

from __future__ import absolute_import, division, print_function

import BaseHTTPServer
import os
import socket
import ssl
import tempfile
import threading

from verdict import need, passed

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = "good.imagewright.test"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Handler(BaseHTTPServer.BaseHTTPRequestHandler):
    """Answers everything."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")

    def log_message(self, *arguments):
        """Say nothing."""


class Server(BaseHTTPServer.HTTPServer):
    """A client that breaks off is what is tested here."""

    def handle_error(self, request, client_address):
        """Say nothing."""


def serve():
    """A server on a port of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.load_cert_chain(os.path.join(HERE, "test-server.pem"))
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.daemon = True
    thread.start()
    return server


def connect(port, host, context):
    """The version of TLS that was agreed on."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    secure = context.wrap_socket(plain, server_hostname=host)
    try:
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        need(secure.recv(8).startswith(b"HTTP/1."), "the server said something else")
        return str(secure.version())
    finally:
        secure.close()


def refused(port, host, context):
    """Why a server is refused; fail if it is believed."""
    why = ""
    try:
        connect(port, host, context)
    except (ssl.SSLError, ssl.CertificateError) as error:
        why = str(error)
    need(why, "a server was believed to be %s" % host)
    return why


def main():
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ.pop("SSL_CERT_DIR", None)
    need(os.path.exists(BUNDLE), "there is no %s" % BUNDLE)
    context = ssl.create_default_context(cafile=BUNDLE)
    count = len(context.get_ca_certs())
    need(count > 100, "%s holds %d authorities" % (BUNDLE, count))
    hashed = [name for name in os.listdir(ssl.get_default_verify_paths().openssl_capath) if name.endswith(".0")]
    need(len(hashed) > 100, "%d authorities by hash" % len(hashed))
    server = serve()
    port = server.server_port
    why = refused(port, HOST, ssl.create_default_context())
    need("CERTIFICATE_VERIFY_FAILED" in why, "an unknown authority was refused for another reason: %s" % why)
    with tempfile.NamedTemporaryFile() as bundle:
        for path in (BUNDLE, os.path.join(HERE, "test-authority.pem")):
            with open(path, "rb") as certificates:
                bundle.write(certificates.read())
        bundle.flush()
        context = ssl.create_default_context(cafile=bundle.name)
        versions = [connect(port, HOST, context)]
        context.options |= ssl.OP_NO_TLSv1_3
        versions.append(connect(port, HOST, context))
        need(versions == ["TLSv1.3", "TLSv1.2"], "agreed on %s" % versions)
        why = refused(port, "bad.imagewright.test", context)
        need("match" in why, "a wrong host name was refused for another reason: %s" % why)
    server.shutdown()
    server.server_close()
    passed("%s, %d authorities, %s" % (ssl.OPENSSL_VERSION, count, " and ".join(versions)))


main()

# SPDX-License-Identifier: Apache-2.0
"""Sigstore's services on 127.0.0.1: a certificate authority (Fulcio), a certificate transparency log, and a
transparency log of signatures (Rekor, API v1), which do what the real ones promise, with keys of their own.

An identity token is believed if this very instance made it. Written from the specifications: RFC 6962 for both
logs, sigstore/fulcio docs/oid-info.md for certificates, sigstore/rekor openapi.yaml and pkg/types for entries.
Beside them an identity provider (OpenID Connect Core 1.0, 3.1, with PKCE, RFC 7636) that believes everybody, a
timestamping authority where a test wants one, and a TUF repository. PyJWT, which makes the tokens, comes with
sigstore.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.timestamps import TimestampAuthority
from support.trust_repository import TrustRepository

ISSUER = "https://identities.example"
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SHA256 = ec.ECDSA(hashes.SHA256())


def _key_id(key: ec.EllipticCurvePublicKey) -> bytes:
    return hashlib.sha256(_spki(key)).digest()


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Authority:
    """Fulcio: certificates that live ten minutes, each with a promise of the certificate log in it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    log: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake Fulcio")])
        now = datetime.now(UTC)
        self.root = (
            x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def certify(self, public: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> x509.Certificate:
        """The certificate, first without, then with the log's promise."""
        now = datetime.now(UTC)
        said = x509.RFC822Name(identity) if "@" in identity else x509.UniformResourceIdentifier(identity)
        plain = (
            x509.CertificateBuilder(self.root.subject, x509.Name([]), public, x509.random_serial_number())
            .not_valid_before(now - timedelta(seconds=5))
            .not_valid_after(now + timedelta(minutes=10))
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([said]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_V1, issuer.encode()), critical=False)
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_V2, b"\x0c" + bytes([len(issuer)]) + issuer.encode()),
                critical=False,
            )
        )
        without = plain.sign(self.key, hashes.SHA256()).tbs_certificate_bytes
        promise = x509.UnrecognizedExtension(_SCTS, self._promise(without, now))
        return plain.add_extension(promise, critical=False).sign(self.key, hashes.SHA256())

    def _promise(self, certificate: bytes, now: datetime) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3), as an ASN.1 octet string."""
        time = int(now.timestamp() * 1000)
        entry = struct.pack("!H", 1) + _key_id(self.key.public_key())
        entry += struct.pack("!I", len(certificate))[1:] + certificate
        signature = self.log.sign(struct.pack("!BBQ", 0, 0, time) + entry + struct.pack("!H", 0), _SHA256)
        stamp = b"\0" + _key_id(self.log.public_key()) + struct.pack("!QH", time, 0)
        stamp += struct.pack("!BBH", 4, 3, len(signature)) + signature
        stamps = struct.pack("!H", len(stamp)) + stamp
        content = struct.pack("!H", len(stamps)) + stamps
        assert len(content) < 256
        return (b"\x04\x81" if len(content) > 127 else b"\x04") + bytes([len(content)]) + content


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Of an authority, or of somebody who signs."""
    no = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, **no)


@dataclass
class Log:
    """Rekor: a Merkle tree of entries (RFC 6962, 2.1), and what it signs about them."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    bodies: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def identifier(self) -> bytes:
        """What entries call it by."""
        return _key_id(self.key.public_key())

    def add(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """Take an entry in; what the API answers."""
        body = _canonical({"apiVersion": "0.0.1", "kind": proposed["kind"], "spec": _spec(proposed)})
        with self.lock:
            index = len(self.bodies)
            self.bodies.append(body)
            hashed = [hashlib.sha256(b"\0" + one).digest() for one in self.bodies]
        root, size = _root(hashed), len(hashed)
        time = int(datetime.now(UTC).timestamp())
        promise = _canonical(
            {"body": _b64(body), "integratedTime": time, "logID": self.identifier.hex(), "logIndex": index}
        )
        proof = {
            "checkpoint": self._checkpoint(size, root),
            "hashes": [one.hex() for one in _path(index, hashed)],
            "logIndex": index,
            "rootHash": root.hex(),
            "treeSize": size,
        }
        return {
            hashed[index].hex(): {
                "body": _b64(body),
                "integratedTime": time,
                "logID": self.identifier.hex(),
                "logIndex": index,
                "verification": {
                    "inclusionProof": proof,
                    "signedEntryTimestamp": _b64(self.key.sign(promise, _SHA256)),
                },
            }
        }

    def _checkpoint(self, size: int, root: bytes) -> str:
        """A signed note (transparency.dev, formats/log)."""
        note = f"rekor.example - 1\n{size}\n{_b64(root)}\n"
        signature = self.identifier[:4] + self.key.sign(note.encode(), _SHA256)
        return f"{note}\n\u2014 rekor.example {_b64(signature)}\n"


def _spec(proposed: dict[str, Any]) -> dict[str, Any]:
    """What the log keeps of an entry (rekor, pkg/types/dsse and hashedrekord)."""
    if proposed["kind"] == "hashedrekord":
        return {
            "data": {"hash": proposed["spec"]["data"]["hash"]},
            "signature": {
                "content": proposed["spec"]["signature"]["content"],
                "publicKey": {"content": proposed["spec"]["signature"]["publicKey"]["content"]},
            },
        }
    content = proposed["spec"]["proposedContent"]
    envelope = json.loads(content["envelope"])

    def hashed(value: bytes) -> dict[str, str]:
        return {"algorithm": "sha256", "value": hashlib.sha256(value).hexdigest()}

    return {
        "envelopeHash": hashed(content["envelope"].encode()),
        "payloadHash": hashed(base64.b64decode(envelope["payload"])),
        "signatures": [
            {"signature": one["sig"], "verifier": content["verifiers"][0]} for one in envelope["signatures"]
        ],
    }


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < half:
        return [*_path(index, leaves[:half]), _root(leaves[half:])]
    return [*_path(index - half, leaves[half:]), _root(leaves[:half])]


@dataclass
class Services:
    """All of them, running. ``refuse`` names paths that answer with 500 (a substring).

    ``somebody`` is who the identity provider takes a browser's person for; ``challenges`` are those of its codes.
    """

    url: str = ""
    authority: Authority = field(default_factory=Authority)
    log: Log = field(default_factory=Log)
    refuse: str = "-"
    timestamps: TimestampAuthority | None = None
    repository: TrustRepository | None = None
    somebody: str = "somebody@example.org"
    challenges: dict[str, str] = field(default_factory=dict)
    provider: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def token(self, identity: str, *, minutes: int = 5, issuer: str = ISSUER) -> str:
        """An identity token."""
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": issuer, "sub": identity, "aud": "sigstore", "iat": now, "exp": now + 60 * minutes}
        if "@" in identity:
            claims |= {"email": identity, "email_verified": True}
        return jwt.encode(claims, self.provider, algorithm="ES256")

    def trusted_root(self) -> dict[str, Any]:
        """What to believe (protobuf-specs, sigstore_trustroot.proto)."""
        valid = {"start": "2020-01-01T00:00:00Z"}

        def log(url: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _b64(_spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": _b64(_key_id(key))},
            }

        certificate = _b64(self.authority.root.public_bytes(serialization.Encoding.DER))
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.url, self.log.key.public_key())],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example", "commonName": "fake Fulcio"},
                    "uri": self.url,
                    "certChain": {"certificates": [{"rawBytes": certificate}]},
                    "validFor": valid,
                }
            ],
            "ctlogs": [log(f"{self.url}/ct", self.authority.log.public_key())],
            "timestampAuthorities": self._timestamp_authorities(),
        }

    def _timestamp_authorities(self) -> list[dict[str, Any]]:
        if self.timestamps is None:
            return []
        chain = (self.timestamps.certificate, self.timestamps.root)
        raw = [{"rawBytes": _b64(one.public_bytes(serialization.Encoding.DER))} for one in chain]
        return [
            {
                "subject": {"organization": "example", "commonName": "fake timestamps"},
                "uri": f"{self.url}/timestamp",
                "certChain": {"certificates": raw},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }
        ]

    def files(self) -> dict[str, bytes]:
        """The same in pieces, as cosign 2 takes them: name → PEM."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return {
            "fulcio.pem": self.authority.root.public_bytes(encoding),
            "rekor.pub": self.log.key.public_key().public_bytes(encoding, form),
            "ctlog.pub": self.authority.log.public_key().public_bytes(encoding, form),
        }

    def trust_config(self) -> dict[str, Any]:
        """Where the services are, and what to believe."""

        def services(*paths: str) -> list[dict[str, Any]]:
            return [
                {
                    "url": f"{self.url}{path}",
                    "majorApiVersion": 1,
                    "validFor": {"start": "2020-01-01T00:00:00Z"},
                    "operator": "example",
                }
                for path in paths
            ]

        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": services(""),
                "oidcUrls": services("/identities"),
                "rekorTlogUrls": services(""),
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": services("/timestamp") if self.timestamps else [],
                "tsaConfig": {"selector": "ANY"},
            },
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    services: ClassVar[Services]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        if where.path.startswith("/identities/"):
            self._identify(where.path.removeprefix("/identities/"), parse_qs(where.query))
        elif where.path.startswith("/tuf/"):
            known = self.services.repository.files if self.services.repository else {}
            content = known.get(where.path.removeprefix("/tuf/"))
            self._send(200 if content else 404, "application/json", content or b"")
        else:
            self._offer_to_job()

    def _offer_to_job(self) -> None:
        """What GitHub Actions offers a job (ACTIONS_ID_TOKEN_REQUEST_URL); the path names who it is."""
        where = urlsplit(self.path)
        right = self.headers.get("Authorization") == "bearer of-the-job"
        if not right or parse_qs(where.query).get("audience") != ["sigstore"]:
            self._answer(403, {"message": "no"})
            return
        self._answer(200, {"value": self.services.token(unquote(where.path.removeprefix("/github/")))})

    def _identify(self, path: str, query: dict[str, list[str]]) -> None:
        """The identity provider: its description, and its page, on which nobody has to click anything."""
        base = f"{self.services.url}/identities"
        if path == ".well-known/openid-configuration":
            places = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
            self._answer(200, {"issuer": base, **places})
            return
        code = hashlib.sha256(query["code_challenge"][0].encode()).hexdigest()[:12]
        self.services.challenges[code] = query["code_challenge"][0]
        back = query["redirect_uri"][0]
        if not back.startswith("http://localhost"):
            self._send(200, "text/plain", code.encode())
            return
        self.send_response(302)
        self.send_header("Location", f"{back}?{urlencode({'code': code, 'state': query['state'][0]})}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _trade(self, form: dict[str, list[str]]) -> None:
        """A code for a token, if whoever asks began it (RFC 7636, 4.6)."""
        said = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        challenge = base64.urlsafe_b64encode(said).rstrip(b"=").decode()
        if self.services.challenges.pop(form["code"][0], "") != challenge:
            self._answer(400, {"error": "invalid_grant"})
            return
        self._answer(200, {"access_token": self.services.token(self.services.somebody), "token_type": "Bearer"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.services.refuse in self.path:
            self._answer(500, {"code": 500, "message": "out of order"})
            return
        if self.path == "/identities/token":
            self._trade(parse_qs(content.decode()))
            return
        if self.path.startswith("/timestamp") and self.services.timestamps:
            self._send(201, "application/timestamp-reply", self.services.timestamps.answer(content))
            return
        body = json.loads(content)
        if self.path == "/api/v1/log/entries":
            self._answer(201, self.services.log.add(body))
        elif self.path in {"/api/v1/signingCert", "/api/v2/signingCert"}:
            self._certify(body)
        else:
            self._answer(404, {"code": 404, "message": "no such service"})

    def _certify(self, body: dict[str, Any]) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        try:
            known = self.services.provider.public_key()
            claims = jwt.decode(token, known, algorithms=["ES256"], audience="sigstore")
        except jwt.InvalidTokenError as error:
            self._answer(401, {"code": 16, "message": f"the token is not believed: {error}"})
            return
        certificate = self.services.authority.certify(_public_key(body), claims["sub"], claims["iss"])
        chain = [_pem(certificate), _pem(self.services.authority.root)]
        if "/v1/" in self.path:
            self._send(201, "application/pem-certificate-chain", "".join(chain).encode())
        else:
            self._answer(201, {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    def _answer(self, status: int, document: object) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _public_key(body: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    """Of whom a certificate is wanted: a request (API v2), or a key beside its proof (v1, which cosign 2 asks)."""
    found: object
    if body.get("certificateSigningRequest"):
        found = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"])).public_key()
    else:
        found = serialization.load_pem_public_key(base64.b64decode(body["publicKey"]["content"]))
    assert isinstance(found, ec.EllipticCurvePublicKey)
    return found


@contextmanager
def run_services() -> Iterator[Services]:
    """Services that run until the block ends."""
    running = Services()

    class Handler(_Handler):
        services = running

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

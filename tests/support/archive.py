# SPDX-License-Identifier: Apache-2.0
"""A tiny signed archive in Debian's shape, served on 127.0.0.1, for tests.

::

    archive = SignedArchive(tmp_path)
    archive.add_deb(make_deb(tmp_path, "hello", fields={"Depends": "libc6"}))
    archive.write(suite="stable", codename="trixie")
    with archive.serve() as url:  # a str with .fault(), .asked, .files
        ...  # url + "/dists/trixie/InRelease" is signed by archive.key
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pysequoia

from support.debs import control_of
from support.loopback import Loopback, serve

__all__ = ["SignedArchive", "SigningKey"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key made for one test. ``certificate`` is armoured, ``fingerprint`` upper case."""

    secret: pysequoia.Tsk
    certificate: str
    fingerprint: str

    @classmethod
    def make(cls, owner: str = "Test Archive <archive@example.org>") -> SigningKey:
        """A new Ed25519 key; takes about a millisecond."""
        secret = pysequoia.Tsk.generate(owner)
        public = secret.extract_certificate()
        return cls(secret, str(public), public.fingerprint.upper())

    def clearsign(self, text: str) -> bytes:
        """``text`` in the cleartext signature framework (RFC 9580, 7)."""
        return pysequoia.sign(self.secret.signer(), text.encode(), mode=pysequoia.SignatureMode.CLEAR)

    def detached(self, data: bytes) -> bytes:
        """An armoured detached signature."""
        return pysequoia.sign(self.secret.signer(), data, mode=pysequoia.SignatureMode.DETACHED)


class SignedArchive:
    """Collects packages, then writes indexes and a signed InRelease into ``files``."""

    def __init__(self, directory: Path, key: SigningKey | None = None) -> None:
        self.directory = directory
        self.key = key or SigningKey.make()
        self.files: dict[str, bytes] = {}
        self._stanzas: list[tuple[str, str, str]] = []  # component, architecture, stanza
        self._sources: list[str] = []

    def add_deb(self, deb: Path, *, component: str = "main", fields: Mapping[str, str] | None = None) -> str:
        """Put a .deb into the pool; its path below the archive's address. ``fields`` are added to its stanza."""
        data = deb.read_bytes()
        control = control_of(deb.read_bytes()).rstrip("\n")
        architecture = next(
            line.partition(":")[2].strip() for line in control.splitlines() if line.startswith("Architecture:")
        )
        name = deb.name.partition("_")[0]
        path = f"pool/{component}/{name[0]}/{name}/{deb.name}"
        self.files[path] = data
        digest = hashlib.sha256(data).hexdigest()
        more = "".join(f"{field}: {value}\n" for field, value in (fields or {}).items())
        stanza = f"{control}\n{more}Filename: {path}\nSize: {len(data)}\nSHA256: {digest}\n"
        self._stanzas.append((component, architecture, stanza))
        return path

    def add_file(self, path: str, data: bytes) -> str:
        """Put any other file into the archive, for one a source tarball below ``pool/``."""
        self.files[path] = data
        return path

    def add_source(self, name: str, version: str, files: Mapping[str, bytes]) -> str:
        """Put the files of a source package into the pool; its directory."""
        directory = f"pool/main/{name[0]}/{name}"
        rows = [f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}" for path, data in files.items()]
        self._sources.append(
            "\n".join(
                [
                    f"Package: {name}",
                    f"Version: {version}",
                    f"Directory: {directory}",
                    "Checksums-Sha256:",
                    *rows,
                    "",
                ]
            )
        )
        for path, data in files.items():
            self.files[f"{directory}/{path}"] = data
        return directory

    def write(
        self,
        suite: str = "stable",
        codename: str = "trixie",
        *,
        components: Sequence[str] = ("main",),
        architectures: Sequence[str] = ("amd64",),
        date: datetime | None = None,
        valid_until: datetime | None = None,
        by_hash: bool = True,
        signers: Sequence[SigningKey] | None = None,
        fields: Mapping[str, str] | None = None,
        packages: bytes | None = None,
        compressions: Sequence[str] = ("xz", "gz"),
        directory: str = "",
        list_all: bool = True,
    ) -> str:
        """Write ``dists/<codename>`` (or ``directory``) anew; the Release text.

        ``packages`` replaces the main index's content; ``list_all`` names ``all`` among the architectures, as
        Debian does and Ubuntu does not.
        """
        base = f"dists/{directory or codename}"
        indexes: dict[str, bytes] = {}
        for component in components:
            for architecture in architectures:
                text = self.index(component, architecture)
                if packages is not None and component == components[0]:
                    text = packages
                path = f"{component}/binary-{architecture}/Packages"
                indexes[path] = text
                if "xz" in compressions:
                    indexes[f"{path}.xz"] = lzma.compress(text)
                if "gz" in compressions:
                    indexes[f"{path}.gz"] = gzip.compress(text, mtime=0)
        if self._sources:
            indexes["main/source/Sources.xz"] = lzma.compress("\n".join(self._sources).encode())
        for path, data in indexes.items():
            if path.endswith("/Packages"):
                continue  # as on real mirrors: listed in Release, not there as a file
            self.files[f"{base}/{path}"] = data
            if by_hash:
                folder = path.rpartition("/")[0]
                self.files[f"{base}/{folder}/by-hash/SHA256/{hashlib.sha256(data).hexdigest()}"] = data
        release = self._release(
            suite=suite,
            codename=codename,
            components=components,
            architectures=architectures,
            indexes=indexes,
            date=date,
            valid_until=valid_until,
            by_hash=by_hash,
            list_all=list_all,
        )
        release = "".join(f"{name}: {value}\n" for name, value in (fields or {}).items()) + release
        self.files[f"{base}/InRelease"] = self.sign(release, signers)
        return release

    def sign(self, release: str, signers: Sequence[SigningKey] | None = None) -> bytes:
        """``release`` as an InRelease, signed by the archive's key or by ``signers``, all of them."""
        keys = [self.key] if signers is None else list(signers)
        message = keys[0].clearsign(release)
        if len(keys) == 1:
            return message
        head, mark, _ = message.partition(b"-----BEGIN PGP SIGNATURE-----")
        packets = b"".join(_signature(key.clearsign(release), mark) for key in keys)
        armoured = pysequoia.armor(packets, pysequoia.ArmorKind.Signature)
        return head + armoured.encode()

    @contextmanager
    def serve(self, *, ranges: bool = True) -> Iterator[Loopback]:
        """Serve what has been written; later changes of ``files`` show at once."""
        with serve(self.files, ranges=ranges) as url:
            yield url

    def index(self, component: str, architecture: str) -> bytes:
        """What the index of a component holds."""
        wanted = {architecture, "all"}
        stanzas = [text for where, built, text in self._stanzas if where == component and built in wanted]
        return "\n".join(stanzas).encode()

    @staticmethod
    def _release(
        *,
        suite: str,
        codename: str,
        components: Sequence[str],
        architectures: Sequence[str],
        indexes: Mapping[str, bytes],
        date: datetime | None,
        valid_until: datetime | None,
        by_hash: bool,
        list_all: bool,
    ) -> str:
        lines = ["Origin: Test", "Label: Test", f"Suite: {suite}", f"Codename: {codename}"]
        lines.append(f"Date: {_stamp(date or datetime.now(UTC))}")
        if valid_until is not None:
            lines.append(f"Valid-Until: {_stamp(valid_until)}")
        if by_hash:
            lines.append("Acquire-By-Hash: yes")
        lines += [
            f"Architectures: {'all ' if list_all else ''}{' '.join(architectures)}",
            f"Components: {' '.join(components)}",
            "SHA256:",
        ]
        lines += [
            f" {hashlib.sha256(data).hexdigest()} {len(data):>8} {path}" for path, data in sorted(indexes.items())
        ]
        return "\n".join(lines) + "\n"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")


def _signature(message: bytes, mark: bytes) -> bytes:
    """The binary signature packet of a cleartext-signed message."""
    armoured = mark + message.partition(mark)[2]
    return bytes(pysequoia.Sig.from_bytes(armoured))

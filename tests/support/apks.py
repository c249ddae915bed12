# SPDX-License-Identifier: Apache-2.0
"""Packages and archives in the form of Alpine's, made here and signed with a key of the tests' own."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from imagewright.archives.alpine.index import format_checksum

KEY = "tests@imagewright.invalid-4d3c2b1a.rsa.pub"
BUILT = 1_760_000_000
"""When the tests' packages were built, in seconds since 1970."""

Algorithm = Literal["RSA", "RSA256"]


@dataclass(frozen=True)
class Node:
    """One file of a package; ``link`` makes it a symbolic link, ``data`` ``None`` a directory."""

    data: bytes | None = b""
    mode: int = 0o644
    link: str = ""
    hardlink: str = ""
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Recipe:
    """What a package is to hold; relations as in APKBUILDs."""

    name: str
    version: str = "1.0-r0"
    files: Mapping[str, Node] = field(default_factory=dict)
    depends: Sequence[str] = ()
    provides: Sequence[str] = ()
    install_if: Sequence[str] = ()
    replaces: Sequence[str] = ()
    triggers: Sequence[str] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "x86_64"
    origin: str = ""
    priority: int = 0
    built: int = BUILT


@dataclass(frozen=True)
class Built:
    """A package's bytes, and its paragraph in an index.

    ``checksum`` is the SHA-1 of its control segment, which begins at byte ``control_at``.
    """

    recipe: Recipe
    data: bytes
    paragraph: str
    checksum: bytes
    control_at: int

    @property
    def filename(self) -> str:
        return f"{self.recipe.name}-{self.recipe.version}.apk"


@cache
def signing_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """A key, made once for each ``number``."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form)


def build(recipe: Recipe) -> Built:
    """A whole package, signed as abuild signs."""
    data = compressed(_data(recipe.files))
    control = compressed(_control(recipe, hashlib.sha256(data).hexdigest()), cut=True)
    signature = _signature_segment(control, "RSA", KEY, signing_key())
    whole = signature + control + data
    checksum = hashlib.sha1(control, usedforsecurity=False).digest()
    return Built(recipe, whole, _paragraph(recipe, checksum, len(whole)), checksum, len(signature))


def index(packages: Iterable[Built], *, description: str = "v3.22 tests", written: int = BUILT) -> bytes:
    """The unsigned half of APKINDEX.tar.gz."""
    text = "".join(f"{package.paragraph}\n" for package in packages)
    files = {"DESCRIPTION": description.encode(), "APKINDEX": text.encode()}
    return compressed(make_tar((tar_entry(name, Node(data), written) for name, data in files.items())))


def signed(
    content: bytes, *, algorithm: Algorithm = "RSA", name: str = KEY, key: rsa.RSAPrivateKey | None = None
) -> bytes:
    """An index with its signature before it."""
    return _signature_segment(content, algorithm, name, key or signing_key()) + content


def compressed(tar: bytes, *, cut: bool = False) -> bytes:
    """One gzip member; ``cut`` without the archive's end, as all but the last are."""
    return gzip.compress(_cut(tar) if cut else tar, compresslevel=1, mtime=0)


def _cut(tar: bytes) -> bytes:
    end = len(tar)
    while end >= 512 and not any(tar[end - 512 : end]):
        end -= 512
    return tar[:end]


def _signature_segment(content: bytes, algorithm: Algorithm, name: str, key: rsa.RSAPrivateKey) -> bytes:
    digest = hashes.SHA1() if algorithm == "RSA" else hashes.SHA256()
    value = key.sign(content, padding.PKCS1v15(), digest)
    return compressed(make_tar([tar_entry(f".SIGN.{algorithm}.{name}", Node(value))]), cut=True)


def tar_entry(
    path: str, node: Node, mtime: int = BUILT, records: Mapping[str, str] | None = None
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path)
    info.mode, info.uid, info.gid, info.mtime = node.mode, node.uid, node.gid, mtime
    info.pax_headers = dict(records or {})
    if node.hardlink:
        info.type, info.linkname = tarfile.LNKTYPE, node.hardlink
    elif node.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, node.link, 0o777
    elif node.data is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(node.data)
    return info, node.data if info.size and node.data else b""


def make_tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _data(files: Mapping[str, Node]) -> bytes:
    whole: dict[str, Node] = {}
    for path in sorted(files):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            whole.setdefault("/".join(parts[:depth]), Node(None, 0o755))
        whole[path] = files[path]
    # A hard link comes after what it links to.
    ordered = sorted(whole, key=lambda path: (bool(whole[path].hardlink), path))
    return make_tar(tar_entry(path, whole[path], records=checksums(whole[path])) for path in ordered)


def checksums(node: Node) -> dict[str, str]:
    """The record that abuild-tar adds to a file's header."""
    content = node.link.encode() if node.link else node.data
    if content is None or node.hardlink:
        return {}
    return {"APK-TOOLS.checksum.SHA1": hashlib.sha1(content, usedforsecurity=False).hexdigest()}


def _control(recipe: Recipe, datahash: str) -> bytes:
    lines = [
        "# Generated by the tests",
        f"pkgname = {recipe.name}",
        f"pkgver = {recipe.version}",
        f"pkgdesc = package of the tests: {recipe.name}",
        "url = https://example.invalid/",
        f"builddate = {recipe.built}",
        f"size = {sum(len(node.data or b'') for node in recipe.files.values())}",
        f"arch = {recipe.architecture}",
        f"origin = {recipe.origin or recipe.name}",
        "license = MIT",
        *(f"depend = {word}" for word in recipe.depends),
        *(f"provides = {word}" for word in recipe.provides),
        *(f"replaces = {word}" for word in recipe.replaces),
        *([f"install_if = {' '.join(recipe.install_if)}"] if recipe.install_if else []),
        *([f"triggers = {' '.join(recipe.triggers)}"] if recipe.triggers else []),
        *([f"provider_priority = {recipe.priority}"] if recipe.priority else []),
        f"datahash = {datahash}",
    ]
    files = {".PKGINFO": Node("".join(f"{line}\n" for line in lines).encode())}
    files |= {f".{name}": Node(text.encode(), 0o755) for name, text in recipe.scripts.items()}
    return make_tar(tar_entry(name, node) for name, node in files.items())


def _paragraph(recipe: Recipe, checksum: bytes, size: int) -> str:
    installed = sum(len(node.data or b"") for node in recipe.files.values())
    lines = {
        "C": format_checksum(checksum),
        "P": recipe.name,
        "V": recipe.version,
        "A": "x86_64" if recipe.architecture == "noarch" else recipe.architecture,  # as abuild has it written
        "S": str(size),
        "I": str(installed),
        "T": f"package of the tests: {recipe.name}",
        "U": "https://example.invalid/",
        "L": "MIT",
        "o": recipe.origin or recipe.name,
        "t": str(recipe.built),
        "D": " ".join(recipe.depends),
        "p": " ".join(recipe.provides),
        "i": " ".join(recipe.install_if),
        "k": str(recipe.priority or ""),
    }
    return "".join(f"{letter}:{value}\n" for letter, value in lines.items() if value)

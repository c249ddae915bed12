# SPDX-License-Identifier: Apache-2.0
"""Makes small .deb files in pure Python (deb(5)), and reads their control stanza back."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import zstandard

_EPOCH = 1_700_000_000


def make_deb(
    directory: Path,
    name: str,
    version: str = "1.0-1",
    *,
    architecture: str = "amd64",
    fields: Mapping[str, str] | None = None,
    files: Mapping[str, bytes | str] | None = None,
    links: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    compression: str = "xz",
) -> Path:
    """Write ``name_version_architecture.deb`` into ``directory``.

    ``fields`` are further control fields (``{"Depends": "libc6 (>= 2.41)"}``); ``files`` map paths (relative,
    no ``./``) to contents, ``links`` to symlink texts, ``scripts`` control file names (``postinst``,
    ``conffiles``) to text, ``modes`` paths to permissions. Parent directories come by themselves.
    """
    control = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Test <test@example.org>",
        "Section": "misc",
        "Priority": "optional",
        **(fields or {}),
        "Description": f"the package {name}",
    }
    text = "".join(f"{field}: {value}\n" for field, value in control.items())
    members: dict[str, bytes | str] = {"control": text, **(scripts or {})}
    control_modes = dict.fromkeys(("preinst", "postinst", "prerm", "postrm", "config"), 0o755)
    suffix = f".{compression}" if compression else ""
    parts = {
        "debian-binary": b"2.0\n",
        f"control.tar{suffix}": _compress(compression, _tar(members, {}, control_modes)),
        f"data.tar{suffix}": _compress(compression, _tar(files or {}, links or {}, modes or {})),
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}_{version.partition(':')[2] or version}_{architecture}.deb"
    path.write_bytes(make_ar(parts))
    return path


def repacked(deb: bytes, compression: str) -> bytes:
    """The same package, its members compressed otherwise."""
    parts = {}
    for name, data in _read_ar(deb).items():
        stem, dot, _ = name.partition(".tar")
        parts[f"{stem}.tar.{compression}" if dot else name] = (
            _compress(compression, _decompress(name, data)) if dot else data
        )
    return make_ar(parts)


def make_ar(members: Mapping[str, bytes]) -> bytes:
    """An archive in the common ar format, as deb(5) wants it."""
    out = io.BytesIO(b"!<arch>\n")
    out.seek(0, io.SEEK_END)
    for name, data in members.items():
        out.write(f"{name:<16}{_EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
        out.write(data + b"\n" * (len(data) % 2))
    return out.getvalue()


def control_of(deb: bytes) -> str:
    """The control stanza of a .deb."""
    members = _read_ar(deb)
    name = next(name for name in members if name.startswith("control.tar"))
    data = members[name]
    with tarfile.open(fileobj=io.BytesIO(_decompress(name, data))) as tar:
        member = next(member for member in tar if member.name.removeprefix("./") == "control")
        content = tar.extractfile(member)
        assert content is not None
        return content.read().decode()


def _decompress(name: str, data: bytes) -> bytes:
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if name.endswith(".gz"):
        return zlib.decompress(data, wbits=31)
    return lzma.decompress(data) if name.endswith(".xz") else data


def _compress(how: str, data: bytes) -> bytes:
    match how:
        case "xz":
            return lzma.compress(data)
        case "gz":
            compressor = zlib.compressobj(6, wbits=31)
            return compressor.compress(data) + compressor.flush()
        case "zst":
            return zstandard.ZstdCompressor().compress(data)
        case _:
            assert how == "", how
            return data


def _read_ar(data: bytes) -> dict[str, bytes]:
    assert data.startswith(b"!<arch>\n")
    members: dict[str, bytes] = {}
    at = 8
    while at < len(data):
        name = data[at : at + 16].decode().strip().rstrip("/")
        size = int(data[at + 48 : at + 58])
        members[name] = data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return members


def _tar(files: Mapping[str, bytes | str], links: Mapping[str, str], modes: Mapping[str, int]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in _with_parents([*files, *links]):
            member = tarfile.TarInfo(f"./{path}" if path else "./")
            member.mtime = _EPOCH
            if path in files:
                content = files[path]
                data = content.encode() if isinstance(content, str) else content
                member.size, member.mode = len(data), modes.get(path, 0o644)
                tar.addfile(member, io.BytesIO(data))
                continue
            if path in links:
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, links[path], 0o777
            else:
                member.type, member.mode = tarfile.DIRTYPE, modes.get(path, 0o755)
            tar.addfile(member)
    return out.getvalue()


def _with_parents(paths: list[str]) -> list[str]:
    wanted = {""}
    for path in paths:
        parts = path.split("/")
        wanted.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return sorted(wanted)

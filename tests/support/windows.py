# SPDX-License-Identifier: Apache-2.0
"""What images of Windows are made from, in small: CPython as it is distributed, a pip, and base images.

The base's documents have the form of those that Microsoft publishes: Docker's media types, one layer that is where
its URLs say and nowhere else, one that is in the registry, ``os.version`` in list and configuration.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewright.model.tree import Entry, Kind
from imagewright.oci.tar import archive
from imagewright.oci.windows import windows_layer
from support.registry import Repository

RELEASE = "3.13.15"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
VERSIONS = {"ltsc2025": "10.0.26100.4652", "ltsc2022": "10.0.20348.3932"}
PIP = "pip-99.1-py3-none-any.whl"


def program(machine: int = 0x8664, text: str = "") -> bytes:
    """The head of a portable executable, and a text as version resources have it."""
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    return head + b"PE\0\0" + struct.pack("<H", machine) + bytes(18) + text.encode("utf-16-le")


def files(release: str = RELEASE) -> dict[str, bytes]:
    """What a distribution holds, by the paths it has below the interpreter's directory."""
    digits = "".join(release.split(".")[:2])
    return {
        "python.exe": program(),
        f"python{digits}.dll": program(text=release),
        "DLLs/_ssl.pyd": program(),
        "Lib/os.py": b"name = 'nt'\n",
        "Lib/site-packages/README.txt": b"here\n",
        "Lib/site-packages/pip/__init__.py": b"__version__ = '1'\n",
        "Lib/site-packages/pip-1.dist-info/RECORD": b"",
        "LICENSE.txt": b"PSF\n",
    }


def embedded(release: str = RELEASE) -> dict[str, bytes]:
    """What the embeddable package holds."""
    digits = "".join(release.split(".")[:2])
    kept = {name: data for name, data in files(release).items() if "/" not in name}
    paths = f"python{digits}.zip\r\n.\r\n\r\n# Uncomment to run site.main() automatically\r\n#import site\r\n"
    return {**kept, f"python{digits}._pth": paths.encode(), f"python{digits}.zip": zipped({"os.pyc": b"code"})}


def zipped(members: dict[str, bytes], top: str = "") -> bytes:
    """A zip archive, the same each time."""
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{top}{name}", (2026, 8, 1, 12, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return place.getvalue()


def nupkg(release: str = RELEASE) -> bytes:
    """A distribution as a NuGet package: below ``tools/``, beside files of the package's own."""
    members = {f"tools/{name}": data for name, data in files(release).items()}
    return zipped({"python.nuspec": b"<package/>", "_rels/.rels": b"", **members})


def pip_wheel() -> bytes:
    """A wheel as pip's: a module, launchers, entry points, a RECORD."""
    info = "pip-99.1.dist-info"
    members = {
        "pip/__init__.py": b"__version__ = '99.1'\n",
        "pip/_internal/cli/main.py": b"def main():\n    print('pip')\n",
        "pip/_vendor/distlib/t64.exe": program(text="launcher"),
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: pip\nVersion: 99.1\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": b"[console_scripts]\npip = pip._internal.cli.main:main\n"
        b"pip3 = pip._internal.cli.main:main\n",
    }
    lines = []
    for name, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return zipped({**members, f"{info}/RECORD": "\n".join((*lines, f"{info}/RECORD,,", "")).encode()})


@dataclass(frozen=True, slots=True)
class Base:
    """A published base image: digests of its manifest and of its layers, the first of which is elsewhere."""

    digest: str
    layers: tuple[str, ...]
    urls: tuple[str, ...]


def publish_base(repository: Repository, suite: str, *, version: str = "", foreign: bool = True) -> Base:
    """Put a base image of a suite into a registry, under the suite's name."""
    version = version or VERSIONS[suite]
    elsewhere, here = f"windows {version}".encode(), f"updates of {version}".encode()
    urls = (f"https://example.invalid/{_digest(elsewhere)}",) if foreign else ()
    config = {
        "architecture": "amd64",
        "config": {"Cmd": ["c:\\windows\\system32\\cmd.exe"], "Env": ["TEMP=C:\\Temp", "path=C:\\Windows"]},
        "created": "2026-08-11T08:00:00Z",
        "history": [{"created": "2026-08-01T00:00:00Z"}, {"created": "2026-08-11T08:00:00Z"}],
        "os": "windows",
        "os.features": ["win32k"],
        "os.version": version,
        "rootfs": {"type": "layers", "diff_ids": [_digest(b"plain " + elsewhere), _digest(b"plain " + here)]},
    }
    first: dict[str, Any] = {"mediaType": FOREIGN if foreign else LAYER, **_described(elsewhere)}
    first |= {"urls": list(urls)} if urls else {}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **_described(_put(repository, config))},
        "layers": [first, {"mediaType": LAYER, **_described(here)}],
    }
    platform = {"architecture": "amd64", "os": "windows", "os.version": version, "os.features": ["win32k"]}
    content = json.dumps(manifest).encode()
    entry = {"mediaType": MANIFEST, **_described(content), "platform": platform}
    index = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": [entry]}).encode()
    for blob in (here,) if foreign else (here, elsewhere):
        repository.blobs[_digest(blob)] = blob
    repository.manifests[_digest(content)] = (MANIFEST, content)
    repository.manifests[_digest(index)] = (LIST, index)
    repository.tags[suite] = _digest(index)
    return Base(_digest(content), (_digest(elsewhere), _digest(here)), urls)


def base_layout(directory: Path, version: str) -> Path:
    """An OCI layout with a base image whose one layer can be unpacked: some of Windows' directories."""
    epoch = 1_785_000_000
    directories = [(Entry(name, Kind.DIRECTORY, 0o755), None) for name in ("Users", "Windows", "Windows/System32")]
    plain = b"".join(archive(windows_layer(directories, epoch=epoch), epoch=epoch))
    layer = gzip.compress(plain, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "config": {},
            "history": [{"created": "2026-08-01T00:00:00Z"}],
            "os": "windows",
            "os.version": version,
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **_described(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **_described(layer)}],
        }
    ).encode()
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **_described(manifest)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "base"}
    (directory / "blobs/sha256").mkdir(parents=True)
    for blob in (layer, config, manifest):
        (directory / "blobs/sha256" / _digest(blob).removeprefix("sha256:")).write_bytes(blob)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return directory


def _put(repository: Repository, document: dict[str, Any]) -> bytes:
    content = json.dumps(document).encode()
    repository.blobs[_digest(content)] = content
    return content


def _described(content: bytes) -> dict[str, Any]:
    return {"digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"

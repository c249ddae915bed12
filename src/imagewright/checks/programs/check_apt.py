# SPDX-License-Identifier: Apache-2.0
"""apt-get installs a package, and a slim image stays slim.

With an address (IW_ADDRESS): from that archive, whose signature must be believed with the image's own keys.
Without: from an archive on the spot with one package made here, so that nothing needs a network.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import os
import tarfile

from verdict import need, passed, run

HERE = "/tmp/archive"
HELLO = "#!/bin/sh\necho 'Hello, world!'\n"
address = os.environ.get("IW_ADDRESS", "")
package = "hello" if address else "imagewright-hello"


def packed(files: dict[str, tuple[int, str]]) -> bytes:
    """A gzip-compressed tar file: path to mode and text; every parent directory comes first."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.USTAR_FORMAT) as archive:
        seen = set()
        for path, (mode, text) in sorted(files.items()):
            parts = path.split("/")
            for depth in range(1, len(parts)):
                parent = "./" + "/".join(parts[:depth])
                if parent not in seen:
                    seen.add(parent)
                    entry = tarfile.TarInfo(parent)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(entry)
            entry = tarfile.TarInfo("./" + path)
            entry.mode, entry.size = mode, len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def member(name: str, content: bytes) -> bytes:
    """One member of an ar file (deb(5))."""
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    return head.encode() + content + b"\n" * (len(content) % 2)


def make_archive() -> None:
    """An archive with one package that has a program, a manual and a script to configure it."""
    control = (
        f"Package: {package}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
        "Depends: libc6\nDescription: says hello\n"
    )
    script = "#!/bin/sh\nset -e\necho configured > /var/lib/imagewright-hello\n"
    data = {f"usr/bin/{package}": (0o755, HELLO), f"usr/share/man/man1/{package}.1": (0o644, ".TH HELLO 1\n")}
    deb = b"!<arch>\n" + member("debian-binary", b"2.0\n")
    deb += member("control.tar.gz", packed({"control": (0o644, control), "postinst": (0o755, script)}))
    deb += member("data.tar.gz", packed(data))
    os.makedirs(HERE)
    with open(f"{HERE}/{package}.deb", "wb") as file:
        file.write(deb)
    index = f"{control}Filename: ./{package}.deb\nSize: {len(deb)}\nSHA256: {hashlib.sha256(deb).hexdigest()}\n\n"
    with gzip.open(f"{HERE}/Packages.gz", "wb") as file:
        file.write(index.encode())


facts = {}
with open("/etc/os-release") as lines:
    for line in lines:
        name, _, value = line.strip().partition("=")
        facts[name] = value.strip('"')
suite = facts.get("VERSION_CODENAME", "")
keyrings = glob.glob("/usr/share/keyrings/*-archive-keyring.*")
need(keyrings, "no keyring in /usr/share/keyrings")
need(suite, "os-release names no suite")
for path in glob.glob("/etc/apt/sources.list.d/*"):
    os.unlink(path)
if address:
    source = f"deb [signed-by={min(keyrings)}] {address} {suite} main\n"
else:
    make_archive()
    source = f"deb [trusted=yes] file:{HERE} ./\n"
with open("/etc/apt/sources.list", "w") as sources:
    sources.write(source)
run("apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any", DEBIAN_FRONTEND="noninteractive")
run("apt-get", "install", "-qq", "--yes", package, DEBIAN_FRONTEND="noninteractive")
need(run(package).strip() == "Hello, world!", f"{package} says something else")
need(run("dpkg-query", "--show", "--showformat", "${Status}", package) == "install ok installed", "not installed")
if not address:
    need(os.path.exists("/var/lib/imagewright-hello"), "the package's script did not run")
kept = glob.glob("/var/cache/apt/archives/*.deb")
need(not kept, f"downloads are kept: {kept}")
left_out = {"docker": ("man/man1", "info"), "excludes": ("man/man1",)}  # Debian's slim images, Ubuntu's
for rules, places in left_out.items():
    if not os.path.exists(f"/etc/dpkg/dpkg.cfg.d/{rules}"):
        continue
    manuals = [path for place in places for path in glob.glob(f"/usr/share/{place}/{package}*")]
    need(not manuals, f"documentation is installed: {manuals}")
run("apt-get", "purge", "-qq", "--yes", package, DEBIAN_FRONTEND="noninteractive")
passed(f"{package} from {suite if address else 'an archive made here'}")

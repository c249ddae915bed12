# SPDX-License-Identifier: Apache-2.0
"""An archive in Alpine's shape from what Debian has: static busybox, musl, and a compiler that links with it.

The packages have Alpine's names, fields, scripts and triggers, where an image meets them. What is in them is
Debian's: programs that build are linked with glibc, which comes as a package of its own, and only what they
compile is linked with musl. Alpine's own mirror cannot be reached by these tests.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.apks import KEY, Built, Node, Recipe, build, index, public_pem, signed, signing_key
from support.machine import program

BRANCH = "v3.22"
MUSL = "usr/lib/x86_64-linux-musl"
_GLIBC = (
    "libc6", "libgcc-s1", "libstdc++6", "libgmp10", "libmpfr6", "libmpc3", "libisl23", "zlib1g", "libzstd1",
    "libjansson4", "libacl1", "libattr1", "libselinux1", "libpcre2-8-0", "liblzma5",
)  # fmt: skip
_TOOLS: Mapping[str, tuple[str, ...]] = {
    "glibc": _GLIBC,
    "binutils": (
        "binutils", "binutils-common", "binutils-x86-64-linux-gnu", "libbinutils", "libctf0", "libctf-nobfd0",
        "libgprofng0",
    ),
    "gcc": ("gcc-12", "cpp-12", "libgcc-12-dev"),
    "make": ("make",),
    "coreutils": ("coreutils",),
    "findutils": ("findutils",),
    "grep": ("grep",),
    "sed": ("sed",),
    "tar": ("tar",),
    "xz": ("xz-utils",),
    "dash": ("dash",),
}  # fmt: skip
"""Packages of the archive that are Debian's (bookworm) with their files."""

_WRAPPER = """\
#!/bin/sh
for word; do
    case $word in
        --print-multiarch | -print-multiarch) echo x86_64-linux-musl; exit ;;
    esac
done
exec /usr/bin/x86_64-linux-gnu-gcc-12 "$@" -specs /usr/lib/x86_64-linux-musl/musl-gcc.specs
"""

_INSTALL_LINKS = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /bin /sbin /usr/bin /usr/sbin
exec /bin/busybox --install -s
"""

_GREET = """\
#!/bin/sh
echo "$APK_PACKAGE $APK_SCRIPT $1" > /etc/hello.conf
echo "hello:x:100:101::/:/sbin/nologin" >> /etc/passwd
"""

_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_GROUP = "root:x:0:root\nnobody:x:65534:\n"

BASE = """\
foundation = [
  { name = "alpine-baselayout", why = "directories, users and groups" },
  { name = "busybox", why = "the shell and the common programs" },
]
base = [
  { name = "alpine-keys", why = "whom apk believes" },
  { name = "alpine-release", why = "the distribution's name and version" },
]
"""

MODULES = tuple(
    "_bz2 _ctypes _curses _curses_panel _dbm _gdbm _hashlib _lzma _sqlite3 _ssl _tkinter _uuid readline".split()  # noqa: SIM905
)
"""Extension modules whose libraries the archive does not have."""


@dataclass
class AlpineWorld:
    """The archive's files by path, to be served, and the packages in it."""

    files: dict[str, bytes] = field(default_factory=dict)
    packages: dict[str, Built] = field(default_factory=dict)

    def add(self, recipe: Recipe) -> Built:
        """A package; its index is written by :meth:`write`."""
        built = build(recipe)
        self.packages[recipe.name] = built
        return built

    def write(self, *, written: int = 1_760_000_000) -> None:
        """Both indexes, signed; everything is in ``main``, ``community`` is empty."""
        folder = f"{BRANCH}/main/x86_64"
        ordered = [self.packages[name] for name in sorted(self.packages)]
        for built in ordered:
            self.files[f"{folder}/{built.filename}"] = built.data
        self.files[f"{folder}/APKINDEX.tar.gz"] = signed(index(ordered, written=written))
        self.files[f"{BRANCH}/community/x86_64/APKINDEX.tar.gz"] = signed(
            index([], written=written), algorithm="RSA256"
        )


def configuration(url: str, *, python: bool) -> str:
    """``imagewright.toml`` for the archive at an address; without ``python`` nothing is compiled with it."""
    build = "".join(
        f'  {{ name = "{name}", why = "builds" }},\n'
        for name in (
            "dash",
            "gcc",
            "make",
            "coreutils",
            "findutils",
            "grep",
            "sed",
            "tar",
            "xz",
            "musl-dev",
            "zlib-dev",
        )
    )
    absent = ", ".join(f'"{name}"' for name in MODULES)
    return f"""
[mirrors]
alpine = "{url}"

[catalog]
keyrings = ["{KEY}"]

[[catalog.suite]]
name = "alpine3.22"
distribution = "alpine"
version = "3.22"
status = "stable"
named_only = true
architectures = ["amd64"]
{BASE}
[[catalog.suite.archives]]
name = "{BRANCH}"
mirror = "alpine"
components = ["main", "community"]
keys = ["{KEY}"]

[[catalog.variant]]
name = "alpine"
word = "alpine"
title = "on Alpine Linux, as far as the test's archive has it"
distributions = ["alpine"]
slim = true
absent_modules = [{absent}]
packages = [{{ name = "tzdata", why = "time zones" }}, {{ name = "hello", why = "it has a script" }}]
build = [
{build if python else '  { name = "busybox", why = "nothing is compiled" },'}
]
"""


def write_key(directory: Path) -> None:
    """The public key beside the configuration that names it."""
    (directory / KEY).write_bytes(public_pem(signing_key()))


def base_world(debs: Path) -> AlpineWorld:
    """The packages of a base: busybox, musl, and what is around them."""
    world = AlpineWorld()
    directories = "bin dev etc home lib mnt opt proc run sbin srv sys tmp usr/bin usr/lib usr/local var/tmp"
    layout = {path: Node(None, 0o1777 if path.endswith("tmp") else 0o755) for path in directories.split()}
    layout |= {"root": Node(None, 0o700), "etc/passwd": Node(_PASSWD.encode()), "etc/group": Node(_GROUP.encode())}
    layout |= {"etc/shadow": Node(b"root:*::0:::::\n", 0o640), "etc/shells": Node(b"/bin/sh\n")}
    world.add(Recipe("alpine-baselayout", "3.7.0-r0", layout, depends=("/bin/sh",)))
    world.add(Recipe("alpine-keys", "2.5-r0", {f"etc/apk/keys/{KEY}": Node(public_pem(signing_key()))}))
    release = 'ID=alpine\nVERSION_ID=3.22.1\nNAME="Alpine Linux"\nPRETTY_NAME="Alpine Linux v3.22 (tests)"\n'
    os_release = {"etc/os-release": Node(release.encode()), "etc/alpine-release": Node(b"3.22.1\n")}
    world.add(Recipe("alpine-release", "3.22.1-r0", os_release, depends=("alpine-keys",)))
    files = deb_files(debs, "busybox-static")
    world.add(
        Recipe(
            "busybox",
            "1.35.0-r18",
            {"bin/busybox": files["bin/busybox"], "bin/sh": Node(link="/bin/busybox")},
            depends=("so:libc.so",),
            provides=("/bin/sh", "cmd:busybox=1.35.0-r18", "cmd:sh=1.35.0-r18"),
            triggers=("/bin", "/usr/bin", "/sbin", "/usr/sbin"),
            scripts={"post-install": _INSTALL_LINKS, "trigger": _INSTALL_LINKS},
        )
    )
    loader = deb_files(debs, "musl")["lib/x86_64-linux-musl/libc.so"]
    musl = {"lib/ld-musl-x86_64.so.1": Node(loader.data, 0o755)}
    musl[f"{MUSL}/libc.so"] = Node(link="/lib/ld-musl-x86_64.so.1")
    names = ("so:libc.so=1", "so:libc.musl-x86_64.so.1=1")
    world.add(Recipe("musl", "1.2.3-r0", musl, provides=names, origin="musl"))
    zones = {
        path: node for path, node in deb_files(debs, "tzdata").items() if path.startswith("usr/share/zoneinfo/U")
    }
    world.add(Recipe("tzdata", "2026a-r0", zones))
    hello = {"usr/bin/hello": Node(b"#!/bin/sh\necho hello\n", 0o755)}
    world.add(Recipe("hello", "1.0-r0", hello, depends=("/bin/sh",), scripts={"post-install": _GREET}))
    world.write()
    return world


def python_world(debs: Path, zlib: bytes) -> AlpineWorld:
    """The same, with a compiler for musl, and zlib compiled with it (``zlib`` is its source archive)."""
    world = base_world(debs)
    for name, parts in _TOOLS.items():
        files: dict[str, Node] = {}
        for part in parts:
            files |= deb_files(debs, part)
        depends = () if name == "glibc" else ("glibc",)
        replaces = ()
        if (
            name == "dash"
        ):  # Debian's static busybox takes its own applets for commands, and the recipes want GNU's
            files, replaces = {"bin/sh": files["bin/dash"]}, ("busybox",)
        if name == "gcc":
            depends = ("glibc", "binutils")
            files["usr/bin/gcc"] = Node(_WRAPPER.encode(), 0o755)
        world.add(Recipe(name, "1.0-r0", files, depends=depends, replaces=replaces))
    headers = {
        path.replace("usr/include/x86_64-linux-gnu/", "usr/include/"): node
        for path, node in deb_files(debs, "linux-libc-dev").items()
        if path.startswith("usr/include/")
    }
    musl_dev = {path: node for path, node in deb_files(debs, "musl-dev").items() if path != f"{MUSL}/libc.so"}
    include = "usr/include/x86_64-linux-musl"
    musl_dev |= {path.replace("usr/include", include, 1): node for path, node in headers.items()}
    world.add(Recipe("musl-dev", "1.2.3-r0", musl_dev, depends=("musl=1.2.3-r0",)))
    library, header = _zlib(zlib)
    world.add(
        Recipe(
            "zlib",
            "1.2.13-r0",
            {"usr/lib/libz.so.1": Node(library, 0o755)},
            depends=("so:libc.so",),
            provides=("so:libz.so.1=1.2.13",),
        )
    )
    dev = {f"{include}/{name}": Node(data) for name, data in header.items()}
    dev[f"{MUSL}/libz.so"] = Node(link="/usr/lib/libz.so.1")
    world.add(Recipe("zlib-dev", "1.2.13-r0", dev, depends=("zlib=1.2.13-r0",), provides=("pc:zlib=1.2.13",)))
    world.write()
    return world


_DOCUMENTS = ("usr/share/doc/", "usr/share/man/", "usr/share/lintian/")


def deb_files(debs: Path, name: str) -> dict[str, Node]:
    """What a package of Debian's ships, without documents."""
    (path,) = sorted(debs.glob(f"{name}_*.deb"))
    tar = subprocess.run(
        [program("dpkg-deb", "dpkg"), "--fsys-tarfile", path], capture_output=True, check=True
    ).stdout
    found: dict[str, Node] = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            where = member.name.removeprefix("./").strip("/")
            if (
                not where
                or member.isdir()
                or where.startswith(("usr/share/doc/", "usr/share/man/", "usr/share/lintian/"))
            ):
                continue
            if member.issym():
                found[where] = Node(link=member.linkname)
            elif member.islnk():
                found[where] = Node(hardlink=member.linkname.removeprefix("./"))
            elif (file := archive.extractfile(member)) is not None:
                found[where] = Node(file.read(), member.mode & 0o7777)
    return found


def fetch_debs(directory: Path, *, compiler: bool) -> Path:
    """Debian's packages by apt, with the machine's own sources; kept in ``directory``."""
    names = ["busybox-static", "musl", "tzdata"]
    if compiler:
        names += ["musl-dev", "linux-libc-dev", *(part for parts in _TOOLS.values() for part in parts)]
    directory.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not list(directory.glob(f"{name}_*.deb"))]
    if missing:
        command = [program("apt-get", "apt"), "-qq", "download", *missing]
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=600)
    return directory


ZLIB = "pool/main/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2"
"""zlib's source, below the address of a mirror of Debian's."""


def _zlib(source: bytes) -> tuple[bytes, dict[str, bytes]]:
    """zlib compiled by the machine's musl-gcc: its library, and its headers by name."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with tarfile.open(fileobj=io.BytesIO(source)) as archive:
            archive.extractall(place, filter="data")
        (top,) = place.iterdir()
        sources = sorted(path for path in top.glob("*.c"))
        out = place / "libz.so.1"
        options = [
            "-O2",
            "-fPIC",
            "-shared",
            "-Wl,-soname,libz.so.1",
            "-D_LARGEFILE64_SOURCE=1",
            "-DHAVE_UNISTD_H",
        ]
        subprocess.run(
            [program("musl-gcc", "musl-tools"), *options, f"-I{top}", "-o", out, *sources],
            check=True,
            capture_output=True,
        )
        return out.read_bytes(), {header: (top / header).read_bytes() for header in ("zlib.h", "zconf.h")}

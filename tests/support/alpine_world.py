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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.apks import KEY, Built, Node, Recipe, build, index, public_pem, signed, signing_key
from support.machine import program

BRANCH = "v3.22"
MUSL = "usr/lib/x86_64-linux-musl"
_INCLUDE = "usr/include/x86_64-linux-musl"
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


@dataclass
class AlpineWorld:
    """The archive's files by path, to be served, and the packages in it."""

    branch: str = BRANCH
    files: dict[str, bytes] = field(default_factory=dict)
    packages: dict[str, Built] = field(default_factory=dict)

    def add(self, recipe: Recipe) -> Built:
        """A package; its index is written by :meth:`write`."""
        built = build(recipe)
        self.packages[recipe.name] = built
        return built

    def write(self, *, written: int = 1_760_000_000) -> None:
        """Both indexes, signed; everything is in ``main``, ``community`` is empty."""
        folder = f"{self.branch}/main/x86_64"
        ordered = [self.packages[name] for name in sorted(self.packages)]
        for built in ordered:
            self.files[f"{folder}/{built.filename}"] = built.data
        self.files[f"{folder}/APKINDEX.tar.gz"] = signed(index(ordered, written=written))
        nothing = signed(index([], written=written), algorithm="RSA256")
        self.files[f"{self.branch}/community/x86_64/APKINDEX.tar.gz"] = nothing


def suite_tables(url: str, branch: str, base: str, *, more: str = "") -> str:
    """The beginning of an ``imagewright.toml``: one suite of the archive at an address, signed by the tests."""
    version = branch.removeprefix("v")
    return f"""
[mirrors]
alpine = "{url}"

[catalog]
keyrings = ["{KEY}"]

[[catalog.suite]]
name = "alpine{version}"
distribution = "alpine"
version = "{version}"
status = "stable"
architectures = ["amd64"]
{more}
{base}
[[catalog.suite.archives]]
name = "{branch}"
mirror = "alpine"
components = ["main", "community"]
keys = ["{KEY}"]
"""


def configuration(url: str) -> str:
    """``imagewright.toml`` for the archive at an address; there is nothing to compile with."""
    return f"""{suite_tables(url, BRANCH, BASE, more="named_only = true")}
[[catalog.variant]]
name = "alpine"
word = "alpine"
title = "on Alpine Linux, as far as the test's archive has it"
distributions = ["alpine"]
slim = true
packages = [{{ name = "tzdata", why = "time zones" }}, {{ name = "hello", why = "it has a script" }}]
build = [{{ name = "busybox", why = "nothing is compiled" }}]
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


def tool_recipes(debs: Path, *, shell: str) -> Iterator[Recipe]:
    """A compiler for musl, and what runs a build; ``shell`` is the package that has ``/bin/sh``."""
    for name, parts in _TOOLS.items():
        files: dict[str, Node] = {}
        for part in parts:
            files |= deb_files(debs, part)
        depends: tuple[str, ...] = () if name == "glibc" else ("glibc",)
        replaces: tuple[str, ...] = ()
        if name == "dash":  # Debian's static busybox takes its applets for commands, and the recipes want GNU's
            files, replaces = {"bin/sh": files["bin/dash"]}, (shell,)
        if name == "gcc":
            depends = ("glibc", "binutils")
            files["usr/bin/gcc"] = Node(_WRAPPER.encode(), 0o755)
        yield Recipe(name, "1.0-r0", files, depends=depends, replaces=replaces)
    headers = {
        path.replace("usr/include/x86_64-linux-gnu/", "usr/include/"): node
        for path, node in deb_files(debs, "linux-libc-dev").items()
        if path.startswith("usr/include/")
    }
    musl_dev = {path: node for path, node in deb_files(debs, "musl-dev").items() if path != f"{MUSL}/libc.so"}
    # The linker gets the library of the headers: another one may have functions that they do not declare.
    musl_dev[f"{MUSL}/libc.so"] = deb_files(debs, "musl")["lib/x86_64-linux-musl/libc.so"]
    musl_dev |= {path.replace("usr/include", _INCLUDE, 1): node for path, node in headers.items()}
    yield Recipe("musl-dev", "1.2.3-r0", musl_dev, depends=("musl>=1.2.3",))


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
            if not where or member.isdir() or where.startswith(_DOCUMENTS):
                continue
            if member.issym():
                found[where] = Node(link=member.linkname)
            elif member.islnk():
                found[where] = Node(hardlink=member.linkname.removeprefix("./"))
            elif (file := archive.extractfile(member)) is not None:
                found[where] = Node(file.read(), member.mode & 0o7777)
    return found


COMPILER = ("musl-dev", "linux-libc-dev", *(part for parts in _TOOLS.values() for part in parts))
"""Debian's packages for :func:`tool_recipes`."""


def fetch_debs(directory: Path, *more: str) -> Path:
    """Debian's packages by apt, with the machine's own sources; kept in ``directory``."""
    names = ["busybox-static", "musl", "tzdata", *more]
    directory.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not list(directory.glob(f"{name}_*.deb"))]
    if missing:
        command = [program("apt-get", "apt"), "-qq", "download", *missing]
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=600)
    return directory

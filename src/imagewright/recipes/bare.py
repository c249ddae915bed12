# SPDX-License-Identifier: Apache-2.0
"""The recipe of a root without shell and package manager: what maintainer scripts would have done, as data.

No script of a package runs in such a root, because nothing could run one. So all that is needed of their work is
here: users, links, the bundle of certificates. Scanners find the packages in ``var/lib/dpkg/status.d``, a file for
each, as in the distroless images (github.com/GoogleContainerTools/distroless, "How do I know what is in it?").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.model.digest import Digest, canonical_json
from imagewright.recipes.roots import Rule, Rules

REVISION = "2"
"""Changed when the same inputs give other bytes."""

STATUS = "var/lib/dpkg/status.d"
"""Where the package database is: ``NAME`` is a package's control file, ``NAME.md5sums`` its checksums."""

NONROOT = 65532
"""The user that containers run as, by the number that distroless images have made common."""

_PASSWD = f"""\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin
"""

_GROUP = f"""\
root:x:0:
tty:x:5:
mail:x:8:
staff:x:50:
nogroup:x:65534:
nonroot:x:{NONROOT}:
"""

_NSSWITCH = """\
# There is no other source than files, and the DNS for hosts.
passwd:         files
group:          files
shadow:         files
hosts:          files dns
networks:       files
protocols:      files
services:       files
ethers:         files
rpc:            files
"""

FILES = (
    ("etc/group", _GROUP),
    ("etc/nsswitch.conf", _NSSWITCH),
    ("etc/passwd", _PASSWD),
    ("etc/timezone", "Etc/UTC\n"),
)
"""Path → text."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link that a maintainer script would have made, and whose."""

    path: str
    target: str
    why: str


LINKS = (
    Link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC", "tzdata's"),
    Link("etc/os-release", "../usr/lib/os-release", "base-files'; some versions ship it"),
    Link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt", "openssl's: libssl looks there by itself"),
    Link("usr/lib/ssl/certs", "/etc/ssl/certs", "openssl's: the same for a directory of certificates"),
    Link("var/lock", "/run/lock", "base-files'"),
    Link("var/run", "/run", "base-files'"),
)
"""Links, each in place of an empty directory that a package may ship."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory with the mode and owner it must have."""

    path: str
    mode: int
    owner: int = 0


DIRECTORIES = (
    Directory("home/nonroot", 0o700, NONROOT),
    Directory("root", 0o700),
    Directory("tmp", 0o1777),
    Directory("var/tmp", 0o1777),
)

REMOVED = Rules(
    (
        Rule("bin/*", "programs: nothing in this root calls one"),
        Rule("sbin/*", "the same"),
        Rule("usr/bin/*", "the same"),
        Rule("usr/sbin/*", "the same"),
        Rule("usr/lib/ssl/misc/*", "the same"),
        Rule("usr/share/ca-certificates/*", "all of them are in the bundle"),
        Rule("etc/ca-certificates/*", "hooks of update-ca-certificates"),
        Rule("*/gconv/*", "converters for iconv(3): Python has codecs of its own, and UTF-8 is in the C library"),
        Rule("etc/update-motd.d/*", "greets who logs in"),
        Rule("etc/issue*", "the same"),
        Rule("etc/profile.d/*", "for shells"),
        Rule("etc/skel/*", "for new users"),
        Rule("etc/default/*", "for services"),
        Rule("usr/share/base-files/*", "templates of files for shells and users"),
        Rule("usr/share/bash-completion/*", "for shells"),
        Rule("usr/share/bug/*", "for reportbug"),
        Rule("usr/share/lintian/*", "for Debian's developers"),
        Rule("usr/share/doc-base/*", "for documentation browsers"),
        Rule("usr/share/menu/*", "for window managers"),
    )
)
"""Files that are gone in the end; directories stay."""

KEPT = Rules((Rule("*bin/busybox", "there only where somebody asked for it"),))
"""Exceptions."""

CERTIFICATES = "usr/share/ca-certificates"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def bundle(certificates: Iterable[tuple[str, bytes]]) -> bytes:
    """All certificates as one file, as update-ca-certificates writes it, from pairs of path and content.

    ca-certificates' postinst lists them sorted by path in the C locale; each ends with a line end.
    """
    ordered = sorted(certificates, key=lambda each: each[0].encode())
    return b"".join(text if text.endswith(b"\n") else text + b"\n" for _, text in ordered)


BUSYBOX = "busybox-static"
"""The package whose presence makes a root one to look around in; its programs get names in ``/busybox``."""

_APPLETS = (
    "[ [[ ar arp ash awk basename bunzip2 bzcat cat chgrp chmod chown clear cmp cp cut date dd df diff "
    "dirname dmesg dos2unix du echo egrep env expr false fgrep find fold free getopt grep groups gunzip gzip "
    "head hexdump hostname id ip kill killall less link ln ls lzcat md5sum mkdir mkfifo mknod mktemp more "
    "mount mv nc netstat nproc nslookup od paste patch pidof ping printf ps pwd readlink realpath rm rmdir "
    "route sed seq sh sha1sum sha256sum sha512sum sleep sort stat strings stty sync tail tar tee telnet test "
    "time timeout top touch tr traceroute true truncate tty udhcpc umount uname uniq unxz unzip uptime vi "
    "watch wc wget which whoami xargs xxd xz xzcat yes zcat"
)
APPLETS: tuple[str, ...] = tuple(_APPLETS.split())
"""Names that busybox answers to in every suite; it knows more by its own name."""


def applet_links(program: str) -> tuple[Link, ...]:
    """Links from ``/busybox`` to busybox, which is at ``program``."""
    return tuple(
        Link(f"busybox/{name}", f"/{program}", "busybox goes by the name it is called by") for name in APPLETS
    )


def revision() -> str:
    """Changes with anything in this module that a root's bytes depend on, files excepted."""
    data = [
        [[link.path, link.target] for link in LINKS],
        [[each.path, each.mode, each.owner] for each in DIRECTORIES],
        [rule.pattern for rule in (*REMOVED.rules, *KEPT.rules)],
        APPLETS,
    ]
    return f"{REVISION} {Digest.of(canonical_json(data)).short}"

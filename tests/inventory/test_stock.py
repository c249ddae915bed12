# SPDX-License-Identifier: Apache-2.0
"""What an image's own files say of its packages, in the shapes that other builders leave."""

from __future__ import annotations

import pytest

from imagewright.errors import VerificationError
from imagewright.inventory.stock import Gathered, take_stock
from imagewright.model.packages import PackageSystem

CONTROL = b"Package: base-files\nVersion: 13.8\nArchitecture: amd64\nSection: admin\nInstalled-Size: 341\n"


def test_a_bare_root_may_have_control_files_without_status() -> None:
    found = take_stock(
        Gathered(
            {
                "var/lib/dpkg/status.d/base": CONTROL,
                "var/lib/dpkg/status.d/gone": b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n",
                "var/lib/dpkg/status.d/odd": b"Not-A-Package: 1\n",
            }
        )
    )
    assert [(one.name, one.section, one.installed_size) for one in found.packages] == [
        ("base-files", "admin", 341 * 1024)
    ]


def test_dpkgs_own_database_must_say_installed() -> None:
    assert take_stock(Gathered({"var/lib/dpkg/status": CONTROL})).packages == ()


APK = b"""\
C:Q1B2EzDAaB3Pfe3B5s43+39qWtpS0=
P:libcrypto3
V:3.5.4-r0
A:x86_64
S:1700000
I:4500000
T:Crypto library from openssl
U:https://www.openssl.org/
L:Apache-2.0
o:openssl
m:Somebody <somebody@example.invalid>
p:so:libcrypto.so.3=3
F:usr
F:usr/lib
R:libcrypto.so.3
a:0:0:755
Z:Q1B2EzDAaB3Pfe3B5s43+39qWtpS0=

P:odd
V:1.0-r0
L:custom licence of ours

"""


def test_packages_of_apk() -> None:
    release = b"ID=alpine\nVERSION_ID=3.22.1\n"
    found = take_stock(Gathered({"lib/apk/db/installed": APK, "etc/os-release": release}))
    crypto, odd = found.packages
    assert (crypto.name, crypto.version, crypto.architecture) == ("libcrypto3", "3.5.4-r0", "x86_64")
    assert (crypto.source, crypto.licence, crypto.installed_size) == ("openssl", "Apache-2.0", 4_500_000)
    assert crypto.system is PackageSystem.APK
    assert odd.licence == ""
    assert found.distribution.qualifier == "alpine-3.22.1"


def test_a_damaged_database_of_apk_is_refused() -> None:
    with pytest.raises(VerificationError, match="cannot be read"):
        take_stock(Gathered({"lib/apk/db/installed": APK.replace(b"P:odd", b"podd")}))

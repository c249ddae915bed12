# SPDX-License-Identifier: Apache-2.0
"""What an image's own files say of its packages, in the shapes that other builders leave."""

from __future__ import annotations

from imagewright.inventory.stock import Gathered, take_stock

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

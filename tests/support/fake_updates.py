# SPDX-License-Identifier: Apache-2.0
"""What ``update`` and ``outdated`` answer in tests of the command line."""

from __future__ import annotations

from pathlib import Path

from imagewright.model.differences import ChangedVersion, ComparedImage, Difference
from imagewright.model.digest import Digest
from imagewright.model.refreshing import Refreshed, RefreshedImage
from imagewright.model.results import (
    ChangedPackage,
    FoundRelease,
    OutdatedImage,
    OutdatedPackage,
    OutdatedRelease,
    Rebuild,
    RebuildStep,
    Updated,
)

BEHIND = (
    OutdatedImage(
        "3.13.15-slim-trixie",
        "linux/amd64",
        (
            OutdatedPackage("libssl3t64", "3.5.1-1+deb13u1", "3.5.4-1~deb13u1", security=True),
            OutdatedPackage("tzdata", "2025b-4+deb13u1", "2026a-0+deb13u1", security=False),
        ),
        OutdatedRelease("3.13.15", "3.13.18"),
        Rebuild(
            "3.13-slim-trixie",
            (RebuildStep("base trixie slim amd64", 12.4), RebuildStep("python 3.13.18 trixie amd64", None)),
            compiles=1,
            seconds=12.4,
        ),
    ),
    OutdatedImage(
        "3.9.2-slim-bullseye",
        "linux/386",
        (
            OutdatedPackage(
                "a-package-with-a-name-that-nobody-would-type", "1:" + "9" * 30, "1" * 40, security=False
            ),
        ),
        None,
        None,
    ),
)
UPDATED = Updated(
    releases=(
        FoundRelease(
            "3.14",
            "3.14.10",
            "3.14.11",
            taken=False,
            provenance="unverified",
            detail="nothing but python.org vouches for it; take it with --accept 3.14.11",
        ),
        FoundRelease(
            "3.13",
            "3.13.15",
            "3.13.18",
            taken=True,
            provenance="debian forky",
            released="2026-10-25T18:31:23Z",
            sha256=Digest.of(b"3.13.18"),
            size=23_243_936,
        ),
    ),
    packages=(
        ChangedPackage("bash", "base minbase trixie amd64", "5.2.37-2+b8", "5.2.37-3", security=False),
        ChangedPackage("libssl3t64", "base minbase trixie amd64", "3.5.1-1", "3.5.4-1~deb13u1", security=True),
        ChangedPackage("libnew", "runtime 3.13-slim trixie amd64", None, "1.0-1", security=False),
        ChangedPackage("libold", "runtime 3.13-slim trixie amd64", "1.0-1", None, security=False),
    ),
    catalog=Path("imagewright.releases.toml"),
    lock=Path("imagewright.lock"),
    targets=("3.13-slim-trixie linux/amd64",),
    dry_run=False,
)

_OLD, _NEW = Digest.of(b"old"), Digest.of(b"new")
REFRESHED = Refreshed(
    looked=6,
    releases=(),
    behind=BEHIND[:1],
    refreshed=(
        RefreshedImage(
            "3.13-slim-trixie",
            "3.13.15-slim-trixie",
            "linux/amd64",
            _NEW,
            _OLD,
            Difference(
                ComparedImage(
                    f"3.13.15-slim-trixie@{_OLD}", "linux/amd64", _OLD, 4, 9000, 45_800_000, 130_000_000
                ),
                ComparedImage(
                    f"3.13.15-slim-trixie@{_NEW}", "linux/amd64", _NEW, 4, 9000, 45_900_000, 130_000_000
                ),
                identical=False,
                packages=(ChangedVersion("libssl3t64", "openssl", "3.5.1-1+deb13u1", "3.5.4-1~deb13u1"),),
                python_packages=(),
                configuration=(),
                interpreters=(),
                layers=(),
                files=(),
            ),
            Path("changes/3.13.15-slim-trixie-linux-amd64-0123456789ab.md"),
        ),
    ),
    failed=(),
    pushed=(),
    compiles=0,
    seconds=41.0,
    dry_run=False,
)

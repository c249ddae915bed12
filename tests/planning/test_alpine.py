# SPDX-License-Identifier: Apache-2.0
"""Alpine in locks and plans: the same shapes as Debian's, with packages pinned when the lock is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pytest

from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.universe import Universe
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import SolveError, StaleLockError
from imagewright.model.digest import Digest
from imagewright.model.lock import Lock, LockedArchive, Role
from imagewright.model.packages import PackageSystem
from imagewright.model.plan import PythonWork, RootWork, RuntimeWork, StepKind
from imagewright.planning.alpine import AlpineCandidates
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.locking import LockInputs, make_lock
from imagewright.planning.outdated import Newest, outdated_packages
from imagewright.planning.steps import make_plan
from support.locks import definition

CATALOG = shipped_catalog()
SPEC = "3.13-alpine3.22"
DEPENDS = {
    "alpine-baselayout": "/bin/sh",
    "apk-tools": "so:libz.so.1",
    "busybox": "so:libc.musl-x86_64.so.1",
    "musl-utils": "so:libc.musl-x86_64.so.1",
    "gcc": "binutils so:libgcc_s.so.1",
    "zlib-dev": "zlib pc:zlib-not-asked",
    "openssl-dev": "libssl3",
    "zlib": "so:libc.musl-x86_64.so.1",
    "libssl3": "libcrypto3",
}
PROVIDES = {
    "busybox": "/bin/sh cmd:busybox=1.0-r0",
    "musl": "so:libc.musl-x86_64.so.1=1",
    "zlib": "so:libz.so.1=1.3.1",
    "libssl3": "so:libssl.so.3=3",
    "libcrypto3": "so:libcrypto.so.3=3",
    "libgcc": "so:libgcc_s.so.1=1",
    "pkgs": "pc:zlib-not-asked",
}
CALLS: list[list[str]] = []


def package(name: str, version: str = "1.0-r0") -> ApkPackage:
    return ApkPackage(
        name=name,
        version=version,
        architecture="x86_64",
        origin=name,
        checksum=hashlib.sha1(f"{name} {version}".encode(), usedforsecurity=False).digest(),
        size=100 + len(name),
        built=0,
        archive="v3.22-main-x86_64",
        path=f"v3.22/main/x86_64/{name}-{version}.apk",
        depends_text=DEPENDS.get(name, ""),
        provides_text=PROVIDES.get(name, ""),
    )


def pins(packages: Sequence[ApkPackage]) -> Mapping[str, Digest]:
    CALLS.append([each.name for each in packages])
    return {each.name: Digest.of(f"{each}".encode()) for each in packages}


def candidates(suite: str, architecture: str, versions: Mapping[str, str] | None = None) -> AlpineCandidates:
    assert (suite, architecture) == ("alpine3.22", "amd64")
    variant, place = CATALOG.by_variant["alpine"], CATALOG.by_suite["alpine3.22"]
    names = {wish.name for wish in (*variant.build, *variant.packages, *place.base, *place.foundation)}
    names |= {*DEPENDS, *PROVIDES, "binutils"}
    said = versions or {}
    return AlpineCandidates(Universe((package(name, said.get(name, "1.0-r0")) for name in names), "x86_64"), pins)


def archives() -> tuple[LockedArchive, ...]:
    return (
        LockedArchive(
            "v3.22-main-x86_64",
            "alpine",
            "http://mirror.example/alpine",
            "v3.22/main",
            "2026-09-12T07:55:41Z",
            Digest.of(b"index"),
        ),
    )


def locked(previous: Lock | None = None, versions: Mapping[str, str] | None = None) -> Lock:
    inputs = LockInputs(lambda suite, architecture: candidates(suite, architecture, versions), archives())
    return make_lock([definition(SPEC)], CATALOG, inputs, previous=previous)


def test_a_lock_is_written_and_read() -> None:
    lock = locked()
    assert read_lock(write_lock(lock)) == lock
    assert [name for name, _ in lock.configuration] == ["3.13-alpine3.22 linux/amd64"]
    sets = {found.role: found for found in lock.sets}
    base = {one.name: one for one in sets[Role.BASE].packages}
    assert base["alpine-baselayout"].depends == ("busybox",)
    assert base["busybox"].sha256 == Digest.of(b"busybox-1.0-r0")
    assert base["busybox"].system is PackageSystem.APK
    runtime = {one.name for one in sets[Role.RUNTIME].packages}
    assert {"libssl3", "libcrypto3", "libgcc", "ca-certificates", "tzdata"} <= runtime
    assert not runtime & set(base)
    assert not {name for name in runtime if name.endswith("-dev")}


def test_a_build_root_stays_as_it_was_locked() -> None:
    before = locked()
    after = locked(before, {"gcc": "2.0-r0", "busybox": "2.0-r0"})
    versions = {found.role: {one.name: one.version for one in found.packages} for found in after.sets}
    assert versions[Role.BASE]["busybox"] == "2.0-r0"
    assert versions[Role.BUILDROOT]["gcc"] == "1.0-r0"


def test_the_plan() -> None:
    plan = make_plan([definition(SPEC)], read_lock(write_lock(locked())), CATALOG)
    works = {step.kind: step.work for step in plan.steps}
    base, runtime, python = works[StepKind.BASE], works[StepKind.RUNTIME], works[StepKind.PYTHON]
    assert isinstance(base, RootWork)
    assert isinstance(runtime, RuntimeWork)
    assert isinstance(python, PythonWork)
    assert base.system is runtime.system is PackageSystem.APK
    files = dict(base.files)
    assert files["etc/apk/repositories"].splitlines() == [
        "http://mirror.example/alpine/v3.22/main",
        "http://mirror.example/alpine/v3.22/community",
    ]
    assert "busybox\n" in files["etc/apk/world"]
    assert "zlib" not in files["etc/apk/world"]
    environment = {name: value for script in python.scripts for name, value in script.environment}
    assert environment["IW_TRIPLET"] == "x86_64-alpine-linux-musl"
    assert environment["IW_PGO"] == "none"
    assert "-DTHREAD_STACK_SIZE=0x800000" in environment["IW_CFLAGS"].split()
    assert "-Wl,-z,stack-size=0x800000" in environment["IW_LDFLAGS"].split()
    assert "_dbm" not in environment["IW_MODULES"].split()
    assert plan.images[0].tags[0] == "3.13.15-alpine3.22"


def test_another_list_of_packages_makes_the_lock_stale() -> None:
    lock = Lock(configuration=(("3.13-alpine3.22 linux/amd64", Digest.of(b"other")),))
    with pytest.raises(StaleLockError):
        make_plan([definition(SPEC)], lock, CATALOG)


def test_a_provided_name_must_not_be_locked() -> None:
    with pytest.raises(SolveError, match="/bin/sh is a virtual package") as caught:
        candidates("alpine3.22", "amd64").plain(["/bin/sh"])
    assert "busybox" in caught.value.hint


def test_versions_are_compared_as_apk_does() -> None:
    newest = Newest(system=PackageSystem.APK)
    for version in ("1.2_rc1-r0", "1.2-r0", "1.2_alpha-r9"):
        newest.add("a", version, "v3.22/main")
    (found,) = outdated_packages({"a": "1.2_rc1-r0", "b": "1"}, newest)
    assert (found.name, found.have, found.available, found.security) == ("a", "1.2_rc1-r0", "1.2-r0", False)

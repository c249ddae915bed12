# SPDX-License-Identifier: Apache-2.0
"""What changed between two locks."""

from __future__ import annotations

from dataclasses import replace

from imagewright.model.digest import Digest
from imagewright.model.lock import Lock, LockedProfile
from imagewright.planning.differences import diff_locks, locked_packages
from imagewright.planning.locking import with_profile
from support.locks import locked

SLIM = "3.13-slim-trixie"


def told(old: Lock, new: Lock) -> list[str]:
    return [f"{one.what} {one.name} [{one.where}]: {one.have} → {one.now}" for one in diff_locks(old, new)]


def test_nothing_changed() -> None:
    assert told(locked(SLIM), locked(SLIM)) == []


def test_packages() -> None:
    old = locked(SLIM)
    new = locked(SLIM, previous=old, versions={"tzdata": "2026c"})
    assert told(old, new) == ["package tzdata [runtime 3.13-slim trixie amd64]: 1.0 → 2026c"]


def test_the_same_version_with_another_content_is_told() -> None:
    old = locked(SLIM)
    found = old.sets[0]
    other = replace(found.packages[0], sha256=Digest("f" * 64))
    new = replace(old, sets=(replace(found, packages=(other, *found.packages[1:])), *old.sets[1:]))
    (line,) = told(old, new)
    assert line.startswith("package apt [base minbase trixie amd64]: 1.0 (")
    assert line.endswith("→ 1.0 (ffffffffffff)")


def test_a_first_lock_tells_everything() -> None:
    new = locked(SLIM)
    changes = diff_locks(Lock(), new)
    kinds = [one.what for one in changes]
    assert kinds == sorted(kinds, key=["configuration", "source", "profile", "archive", "package"].index)
    assert all(one.have is None for one in changes)
    assert len([one for one in changes if one.what == "package"]) == sum(len(found.packages) for found in new.sets)


def test_what_is_gone() -> None:
    changes = diff_locks(locked(SLIM), Lock())
    assert changes
    assert all(one.now is None for one in changes)


def test_profiles_and_sources() -> None:
    old = locked(SLIM)
    profile = LockedProfile("3.13.15", "trixie", "amd64", "", "gcc-14 14.2.0-19", 1, Digest("a" * 64), "store")
    assert told(old, with_profile(old, profile)) == [
        "profile 3.13.15 [trixie amd64]: None → gcc-14 14.2.0-19 (aaaaaaaaaaaa)"
    ]
    source = replace(old.sources[0], sha256=Digest("b" * 64))
    assert told(old, replace(old, sources=(source,))) == ["source 3.13.15 []: 1e66a7945a48 → bbbbbbbbbbbb"]


def test_distinct_packages_are_counted() -> None:
    lock = locked(SLIM)
    assert locked_packages(lock) == len({one.sha256 for found in lock.sets for one in found.packages})
    assert locked_packages(lock) < sum(len(found.packages) for found in lock.sets)

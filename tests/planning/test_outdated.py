# SPDX-License-Identifier: Apache-2.0
"""What is behind, and what it costs."""

from __future__ import annotations

import pytest

from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.model.images import Flavour, ImageName
from imagewright.model.lock import Lock
from imagewright.model.plan import Step, StepKind, StepRecord
from imagewright.model.results import OutdatedRelease
from imagewright.planning.explain import explain, latest_records
from imagewright.planning.outdated import (
    Newest,
    changed_packages,
    installed,
    outdated_packages,
    outdated_release,
    rebuild_cost,
    rebuild_spec,
)
from imagewright.planning.steps import make_plan
from support.locks import definition, locked

CATALOG = shipped_catalog()
SLIM = "3.13-slim-trixie"
STATUS = b"""\
Package: libc6
Status: install ok installed
Version: 2.41-12

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: held
Status: hold ok installed
Version: 1:2.0
"""


def name(release: str, variant: str = "slim") -> ImageName:
    return ImageName(release, Flavour.DEFAULT, variant, "trixie")


def test_installed_packages_are_read() -> None:
    assert installed(STATUS, "x") == {"libc6": "2.41-12", "held": "1:2.0"}
    assert installed(b"Package: libc6\nVersion: 2.41-12\n", "x") == {"libc6": "2.41-12"}
    with pytest.raises(VerificationError, match="the package database of x"):
        installed(b"nonsense", "x")


def test_security_comes_first_and_older_versions_do_not_count() -> None:
    newest = Newest()
    for package, version, archive in (
        ("a", "2", "trixie"),
        ("b", "1.1", "trixie-security"),
        ("b", "1.2", "trixie-updates"),
        ("c", "1", "trixie"),
        ("c", "0.9", "trixie-security"),
        ("d", "1~rc1", "trixie"),
        ("e", "5", "trixie"),
        ("f", "2", "trixie"),
        ("f", "1", "trixie-security"),
    ):
        newest.add(package, version, archive)
    have = {"a": "1", "b": "1", "c": "1", "d": "1", "f": "1", "unknown": "1"}
    found = outdated_packages(have, newest)
    assert [(one.name, one.have, one.available, one.security) for one in found] == [
        ("b", "1", "1.2", True),
        ("a", "1", "2", False),
        ("f", "1", "2", False),
    ]


def test_a_release_is_behind_the_current_one_of_its_series() -> None:
    current = CATALOG.by_series["3.13"].current
    assert outdated_release(name("3.13.5"), CATALOG) == OutdatedRelease("3.13.5", current)
    assert outdated_release(name(current), CATALOG) is None
    assert outdated_release(name("3.8.1"), CATALOG) is None


def test_the_series_is_rebuilt_unless_the_release_itself_is_locked() -> None:
    assert rebuild_spec(name("3.13.5"), "linux/amd64", CATALOG, Lock()) == "3.13-slim-trixie"
    lock = Lock(configuration=(("3.13.5-slim-trixie linux/amd64", Digest("0" * 64)),))
    assert rebuild_spec(name("3.13.5"), "linux/amd64", CATALOG, lock) == "3.13.5-slim-trixie"
    assert rebuild_spec(name("3.8.1", "full"), "linux/amd64", CATALOG, lock) == "3.8.1-trixie"


def test_a_new_base_package_costs_no_compile() -> None:
    before = locked(SLIM)
    after = locked(SLIM, versions={"libc6": "9.9-9"})
    old = make_plan([definition(SLIM)], before, CATALOG)
    new = make_plan([definition(SLIM)], after, CATALOG)
    records = {step.id: record(step, seconds=2.5) for step in old.steps}
    found = rebuild_cost(SLIM, explain(new, records.get), latest_records(records.values()))
    kinds = [step.name.split()[0] for step in found.steps]
    assert "base" in kinds
    assert found.seconds == 2.5 * len(kinds)
    nothing = rebuild_cost(SLIM, explain(old, records.get), latest_records(records.values()))
    assert (nothing.steps, nothing.compiles, nothing.seconds) == ((), 0, 0.0)
    everything = rebuild_cost(SLIM, explain(old, lambda _: None), lambda _kind, _name: None)
    assert everything.compiles == 1
    assert {step.seconds for step in everything.steps} == {None}


def record(step: Step, seconds: float) -> StepRecord:
    return StepRecord(step.id, StepKind(step.kind), step.name, (), (), seconds, 0)


def test_changes_of_a_lock_are_told_set_by_set() -> None:
    before, after = locked(SLIM), locked(SLIM, versions={"libc6": "9.9-9"})
    changed = changed_packages(before, after)
    assert {one.name for one in changed} == {"libc6"}
    base = next(one for one in changed if one.where.startswith("base"))
    assert base.now == "9.9-9"
    assert base.told({"libc6": "9.9-8"}).security
    assert not base.told({"libc6": "0.1"}).security
    assert not base.told({}).security
    fresh = changed_packages(Lock(), after)
    assert all(one.have is None and not one.told({"libc6": "99"}).security for one in fresh)
    assert changed_packages(after, after) == ()

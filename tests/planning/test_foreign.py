# SPDX-License-Identifier: Apache-2.0
"""Images that this machine cannot run: what is locked, which steps there are, and what their ids hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.foreign import on_machine
from imagewright.catalog.settings import Choices, ImageChoices, resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import SolveError, UsageError
from imagewright.model.digest import Digest
from imagewright.model.images import Foreign, ImageDefinition
from imagewright.model.lock import Lock, Role
from imagewright.model.plan import Plan, PythonWork, Step, UnpackWork
from imagewright.model.platforms import parse_platform
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.locking import LockInputs, make_lock
from imagewright.planning.steps import make_plan
from imagewright.planning.targets import parse_target, target_of
from imagewright.recipes import cross
from support.locks import archives, candidates, definition, package

CATALOG = shipped_catalog()
MACHINE = parse_platform("amd64")
SLIM = "3.13-slim-trixie"
TOOLS = tuple(package(name) for name in ("gcc-aarch64-linux-gnu", "gcc-i686-linux-gnu", "qemu-user"))


def foreign(
    spec: str = SLIM, platform: str = "arm64", way: Foreign = Foreign.CROSS, machine: str = "amd64"
) -> ImageDefinition:
    settings = resolve_settings(file=Choices(image=ImageChoices(foreign=way)))
    found = definition(spec, settings=settings, platform=platform)
    return on_machine(found, CATALOG, settings, parse_platform(machine))


def locked(*definitions: ImageDefinition, previous: Lock | None = None) -> Lock:
    inputs = LockInputs(
        lambda suite, architecture: candidates(suite, architecture, more=TOOLS if architecture == "amd64" else ()),
        archives(),
    )
    return make_lock(definitions, CATALOG, inputs, previous=previous)


def planned(*definitions: ImageDefinition, lock: Lock | None = None) -> Plan:
    return make_plan(definitions, lock or locked(*definitions), CATALOG)


def named(plan: Plan, name: str) -> Step:
    (found,) = (step for step in plan.steps if step.name == name)
    return found


def needs(plan: Plan, step: Step) -> dict[str, str]:
    names = {one.id: one.name for one in plan.steps}
    return {role: names[need] for role, need in step.needs}


def test_a_machine_that_runs_the_image_changes_nothing() -> None:
    assert foreign(platform="amd64").foreign is None
    assert foreign(platform="i386").foreign is None
    assert foreign(platform="arm64", machine="arm64") == definition(SLIM, platform="arm64")


def test_a_cross_compiler_takes_the_place_of_the_compiler() -> None:
    found = foreign()
    assert found.foreign is not None
    assert found.foreign.cross
    assert "gcc-aarch64-linux-gnu" in found.build_packages
    assert "gcc" not in found.build_packages
    assert not [name for name in found.build_packages if name.endswith("-dev")]
    assert {"libc6-dev", "libssl-dev"} <= set(found.foreign.sysroot_packages)
    assert set(found.foreign.native_packages) == set(definition(SLIM).build_packages)


def test_the_compiler_for_i386_has_another_name() -> None:
    found = foreign(platform="i386", machine="arm64")
    assert "gcc-i686-linux-gnu" in found.build_packages


@pytest.mark.parametrize(
    ("spec", "platform", "way"),
    [(SLIM, "arm64", Foreign.EMULATED), ("3.9-slim-bookworm", "arm64", Foreign.CROSS)],
)
def test_everything_is_emulated_on_demand_and_where_cross_compiling_is_not_to_be_had(
    spec: str, platform: str, way: Foreign
) -> None:
    found = foreign(spec, platform, way)
    assert found.foreign is not None
    assert found.foreign.way is Foreign.EMULATED
    assert found.build_packages == definition(spec, platform=platform).build_packages


def test_a_suite_without_an_emulator_is_told() -> None:
    suites = tuple(replace(suite, emulator="") for suite in CATALOG.suites)
    with pytest.raises(UsageError, match="cannot be made for linux/arm64"):
        on_machine(
            definition(SLIM, platform="arm64"), replace(CATALOG, suites=suites), resolve_settings(), MACHINE
        )


def test_what_is_locked_for_cross_compiling() -> None:
    lock = locked(foreign())
    sets = {(found.role, found.architecture, found.key): found for found in lock.sets}
    assert set(sets) == {
        (Role.BASE, "arm64", "minbase"),
        (Role.BUILDROOT, "amd64", "3.13"),
        (Role.BUILDROOT, "amd64", "3.13-arm64"),
        (Role.EMULATOR, "amd64", "qemu-user"),
        (Role.RUNTIME, "arm64", "3.13-slim"),
        (Role.SYSROOT, "arm64", "3.13"),
    }
    sysroot = {one.name for one in sets[Role.SYSROOT, "arm64", "3.13"].packages}
    assert "libssl3" in sysroot
    assert "dash" not in sysroot  # nothing runs there
    assert [one.name for one in sets[Role.EMULATOR, "amd64", "qemu-user"].packages] == ["qemu-user"]
    runtime = {one.name for one in sets[Role.RUNTIME, "arm64", "3.13-slim"].packages}
    assert {"libffi8", "libsqlite3-0"} <= runtime


def test_the_lock_survives_its_file_and_a_second_locking() -> None:
    lock = locked(foreign(), foreign(way=Foreign.EMULATED), definition(SLIM))
    assert read_lock(write_lock(lock)) == lock
    again = locked(definition("3.13-trixie"), previous=lock)
    assert {found.role for found in again.sets} == set(Role)


@pytest.mark.parametrize("way", Foreign)
def test_a_target_s_name_can_be_read_again(way: Foreign) -> None:
    target = target_of(foreign(way=way), CATALOG)
    assert target.name == f"{SLIM} linux/arm64/v8 {way.value} on amd64"
    assert parse_target(target.name) == target


def test_an_emulator_that_is_not_in_the_archive() -> None:
    inputs = LockInputs(candidates, archives())
    with pytest.raises(SolveError, match="qemu-user"):
        make_lock([foreign(way=Foreign.EMULATED)], CATALOG, inputs)


def test_the_steps_of_cross_compiling() -> None:
    plan = planned(foreign())
    assert [step.name for step in plan.steps] == [
        "emulator arm64 on amd64 (trixie)",
        "base trixie-slim arm64",
        "sysroot trixie arm64",
        "buildroot trixie amd64",
        "python 3.13.15 trixie amd64",
        "buildroot trixie amd64 for arm64",
        "python 3.13.15 trixie arm64",
        "runtime 3.13.15-slim-trixie arm64",
        "image 3.13.15-slim-trixie linux/arm64/v8",
        "check 3.13.15-slim-trixie linux/arm64/v8",
    ]
    assert needs(plan, named(plan, "python 3.13.15 trixie arm64")) == {
        "buildroot": "buildroot trixie amd64 for arm64",
        "sysroot": "sysroot trixie arm64",
        "interpreter": "python 3.13.15 trixie amd64",
        "emulator": "emulator arm64 on amd64 (trixie)",
    }
    assert needs(plan, named(plan, "buildroot trixie amd64 for arm64")) == {}
    assert "emulator" in needs(plan, named(plan, "base trixie-slim arm64"))
    assert "emulator" in needs(plan, named(plan, "check 3.13.15-slim-trixie linux/arm64/v8"))


def test_the_machine_s_interpreter_is_the_one_that_its_own_image_has() -> None:
    native, across = definition(SLIM), foreign()
    plan = planned(native, across)
    assert len([step for step in plan.steps if isinstance(step.work, PythonWork)]) == 2


def test_the_steps_of_emulation() -> None:
    plan = planned(foreign(way=Foreign.EMULATED))
    python = named(plan, "python 3.13.15 trixie arm64")
    assert needs(plan, python) == {
        "buildroot": "buildroot trixie arm64",
        "emulator": "emulator arm64 on amd64 (trixie)",
    }
    assert "emulator" in needs(plan, named(plan, "buildroot trixie arm64"))


def test_emulated_steps_are_those_of_a_machine_that_needs_no_emulator() -> None:
    """The same lock gives the same digests on any machine."""
    emulated = planned(foreign(way=Foreign.EMULATED))
    native = planned(definition(SLIM, platform="arm64"))
    assert {step.id for step in native.steps} < {step.id for step in emulated.steps}


def with_content(lock: Lock, role: Role, name: str) -> Lock:
    """The lock with another content for one package."""
    sets = tuple(
        replace(
            found,
            packages=tuple(
                replace(one, sha256=Digest("f" * 64)) if (found.role, one.name) == (role, name) else one
                for one in found.packages
            ),
        )
        for found in lock.sets
    )
    assert sets != lock.sets
    return replace(lock, sets=sets)


@pytest.mark.parametrize(
    ("role", "name", "compiled_again"),
    [
        (Role.SYSROOT, "libssl-dev", True),
        (Role.SYSROOT, "libssl3", True),
        (Role.BUILDROOT, "gcc-aarch64-linux-gnu", True),
        (Role.BUILDROOT, "libffi-dev", False),  # that of the machine's interpreter
        (Role.EMULATOR, "qemu-user", False),
    ],
)
def test_what_compiles_again(role: Role, name: str, compiled_again: bool) -> None:
    wanted = foreign()
    lock = locked(wanted)
    before = named(planned(wanted, lock=lock), "python 3.13.15 trixie arm64")
    after = named(planned(wanted, lock=with_content(lock, role, name)), "python 3.13.15 trixie arm64")
    assert (before.id != after.id) is compiled_again


@pytest.mark.parametrize(
    ("name", "value"), [("REVISION", 2), ("NATIVE_PARTS", ()), ("SYSROOT_EXCLUDE", ("/usr/bin/*",))]
)
def test_what_is_said_of_compiling_across_compiles_only_that_again(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked(foreign())
    before = planned(foreign(), lock=lock)
    monkeypatch.setattr(cross, name, value)
    after = planned(foreign(), lock=lock)
    for step, compiled_again in (("python 3.13.15 trixie arm64", True), ("python 3.13.15 trixie amd64", False)):
        assert (named(before, step).id != named(after, step).id) is compiled_again


def test_of_the_emulators_only_one_is_unpacked() -> None:
    work = named(planned(foreign()), "emulator arm64 on amd64 (trixie)").work
    assert isinstance(work, UnpackWork)
    assert work.include == ("/usr/bin/qemu-aarch64", "/usr/bin/qemu-aarch64-static")


def test_the_scripts_of_cross_compiling() -> None:
    work = named(planned(foreign()), "python 3.13.15 trixie arm64").work
    assert isinstance(work, PythonWork)
    assert [script.name for script in work.scripts] == [
        "python-cross",
        "python-prepare",
        "python-bootstrap",
        "python-builtin",
        "python-compile",
        "python-record",
        "python-install",
        "python-finish",
    ]
    prepare = dict(work.scripts[1].environment)
    assert prepare["ac_cv_wchar_t_signed"] == "no"
    assert prepare["ac_cv_prog_CC"] == "gcc"
    arguments = prepare["IW_CONFIGURE"].split()
    assert arguments[:3] == ["--build=x86_64-linux-gnu", "--host=aarch64-linux-gnu", "--with-build-python"]
    assert all(dict(script.environment)["PATH"].startswith("/cross/bin:") for script in work.scripts)

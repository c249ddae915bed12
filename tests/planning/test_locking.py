# SPDX-License-Identifier: Apache-2.0
"""What a lock holds, what it keeps, and when it is stale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import Choices, ImageChoices, Override, resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents, shipped_profiles
from imagewright.errors import SolveError, StaleLockError
from imagewright.model.digest import Digest
from imagewright.model.images import Bytecode, Compression, ImageDefinition, Profile
from imagewright.model.lock import Lock, LockedProfile, LockedWheel, PackageSet, Role, WheelSet
from imagewright.model.platforms import parse_platform
from imagewright.planning.debian import DebianCandidates
from imagewright.planning.differences import diff_locks
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.locking import LockInputs, closure, compiler_of, make_lock, with_profile
from imagewright.planning.targets import check_fresh, checksum, is_locked, locked_set, parse_target, target_of
from support.locks import archives, candidates, definition, locked, package

CATALOG = shipped_catalog()
SLIM = "3.13-slim-trixie"


def versions_of(found: PackageSet) -> dict[str, str]:
    return {one.name: one.version for one in found.packages}


def sets_of(lock: Lock, spec: str) -> tuple[PackageSet, PackageSet, PackageSet]:
    target = target_of(definition(spec), CATALOG)
    return tuple(locked_set(lock, wanted) for wanted in target.sets)  # type: ignore[return-value]


def test_the_three_sets_of_an_image() -> None:
    base, buildroot, runtime = sets_of(locked(SLIM), SLIM)
    assert set(versions_of(base)) == {
        "apt",
        "base-files",
        "dash",
        "libc6",
        "libzstd1",
        "mawk",
        "usr-is-merged",
    }
    assert base.roots == ("apt", "usr-is-merged")
    assert {"gcc-14", "binutils", "libssl3", "libx11-6", "dash", "mawk"} <= set(versions_of(buildroot))
    assert "apt" not in versions_of(buildroot)
    assert {"ca-certificates", "openssl", "libssl3", "libreadline8", "readline-common", "tzdata"} <= set(
        versions_of(runtime)
    )


def test_runtime_candidates_follow_from_the_development_packages() -> None:
    _, _, runtime = sets_of(locked(SLIM), SLIM)
    assert {"libbz2-1.0", "libffi8", "libncursesw6", "libtinfo6", "zlib1g"} <= set(runtime.roots)
    assert "libgcc-s1" not in runtime.roots  # the compiler's own libraries are not the interpreter's
    assert not {"libtk8.6", "libx11-6"} & set(versions_of(runtime))  # of modules that slim leaves out
    _, _, full = sets_of(locked("3.13-trixie"), "3.13-trixie")
    assert {"libtk8.6", "libx11-6"} <= set(versions_of(full))


def test_runtime_lacks_what_the_base_has() -> None:
    base, _, runtime = sets_of(locked(SLIM), SLIM)
    assert "libc6" in versions_of(base)
    assert "libc6" in runtime.roots
    assert not set(versions_of(base)) & set(versions_of(runtime))


def test_sets_are_closed_and_sorted() -> None:
    lock = locked(SLIM, "3.14-slim-trixie")
    for found in lock.sets:
        names = [one.name for one in found.packages]
        assert names == sorted(names)
        assert {need for one in found.packages for need in one.depends} <= set(names)
    assert list(lock.sets) == sorted(lock.sets, key=lambda one: (one.role, one.suite, one.architecture, one.key))


def test_shared_sets_appear_once() -> None:
    lock = locked(SLIM, "3.13-trixie", "3.13.5-slim-trixie")
    assert [(found.role.value, found.key) for found in lock.sets] == [
        ("base", "minbase"),
        ("buildroot", "3.13"),
        ("runtime", "3.13"),
        ("runtime", "3.13-slim"),
        ("runtime", "3.13.5-slim"),
    ]
    assert [source.release for source in lock.sources] == ["3.13.15", "3.13.5"]


def test_the_foundation_decides_between_alternatives() -> None:
    first = package("base-files", depends_text="usrmerge | usr-is-merged")
    lock = locked(SLIM, without=("base-files",), more=(first, package("usrmerge")))
    base, buildroot, _ = sets_of(lock, SLIM)
    assert "usrmerge" not in versions_of(base) | versions_of(buildroot)
    needs = {one.name: one.depends for one in base.packages}
    assert needs["base-files"] == ("usr-is-merged",)


def test_locking_twice_gives_the_same() -> None:
    lock = locked(SLIM)
    assert locked(SLIM, previous=lock) == lock
    assert locked(SLIM, "3.14-slim-trixie") == locked("3.14-slim-trixie", SLIM)


def test_a_refresh_keeps_the_build_root() -> None:
    newer = {"libssl3": "1.1", "libc6": "1.1", "gcc-14": "1.1", "tzdata": "2"}
    before = locked(SLIM)
    after = locked(SLIM, previous=before, versions=newer)
    base, buildroot, runtime = sets_of(after, SLIM)
    assert versions_of(base)["libc6"] == "1.1"
    assert versions_of(runtime)["libssl3"] == "1.1"
    assert buildroot == sets_of(before, SLIM)[1]
    refreshed = locked(SLIM, previous=before, versions=newer, refresh_toolchain=True)
    assert versions_of(sets_of(refreshed, SLIM)[1])["gcc-14"] == "1.1"


def test_a_build_root_whose_libraries_left_the_archive_is_refreshed() -> None:
    before = locked(SLIM)
    renamed = package("libssl-dev", "3.0", depends_text="libssl4")
    changes = {
        "without": ("libssl3", "libssl-dev", "openssl"),
        "more": (renamed, package("libssl4", "3.0"), package("openssl", "3.0", depends_text="libssl4")),
    }
    after = locked(SLIM, previous=before, **changes)
    assert "libssl4" in versions_of(sets_of(after, SLIM)[1])
    assert "libssl4" in versions_of(sets_of(after, SLIM)[2])


def test_a_build_root_that_should_hold_more_is_refreshed() -> None:
    before = locked(SLIM)
    text = '[[catalog.package]]\nname = "curl"\nwhy = "a test"\n'
    catalog, _ = apply_configuration(shipped_documents(), text)
    image = resolve(SLIM, catalog, resolve_settings(), parse_platform("amd64"))
    inputs = LockInputs(candidates, archives())
    after = make_lock([image], catalog, inputs, previous=before)
    assert "curl" in versions_of(sets_of(after, SLIM)[1])


def test_other_targets_are_kept_and_stand_on_the_new_base() -> None:
    before = locked(SLIM, "3.14-slim-trixie", "3.13-slim-bookworm")
    after = locked(SLIM, previous=before, versions={"libssl3": "1.1", "libzstd1": "1.1"})
    assert [name for name, _ in after.configuration] == [name for name, _ in before.configuration]
    assert versions_of(sets_of(after, "3.14-slim-trixie")[2])["libssl3"] == "1.1"
    assert sets_of(after, "3.13-slim-bookworm") == sets_of(before, "3.13-slim-bookworm")
    assert sets_of(after, "3.14-slim-trixie")[1] == sets_of(before, "3.14-slim-trixie")[1]


def test_an_image_that_joins_changes_no_other() -> None:
    before = locked(SLIM)
    newer = {"libssl3": "1.1", "libc6": "1.1", "curl": "1.1"}
    after = locked("3.14-slim-trixie", previous=before, versions=newer, keep=True)
    assert sets_of(after, SLIM) == sets_of(before, SLIM)
    base, buildroot, runtime = sets_of(after, "3.14-slim-trixie")
    assert base == sets_of(before, SLIM)[0]
    assert versions_of(runtime)["libssl3"] == "1.0"
    assert versions_of(buildroot)["libssl3"] == "1.1"  # nobody has a build root of 3.14 yet
    assert check_fresh(dict(after.configuration), definition(SLIM), CATALOG) is None


def test_what_left_the_archive_is_remembered_for_one_that_joins() -> None:
    before = locked(SLIM)
    newer = package("ca-certificates", "2.0", depends_text="")
    changes = {"without": ("openssl", "ca-certificates"), "more": (newer,)}
    after = locked("3.13.5-slim-trixie", previous=before, keep=True, **changes)
    runtime = versions_of(sets_of(after, "3.13.5-slim-trixie")[2])
    assert (runtime["ca-certificates"], runtime["openssl"]) == ("1.0", "1.0")
    assert sets_of(after, SLIM) == sets_of(before, SLIM)


def test_all_is_refreshed_where_one_that_joins_needs_it() -> None:
    before = locked(SLIM)
    newer = package("git", "2.0", depends_text="libc6 (>= 1.1)")
    changes = {"versions": {"libc6": "1.1", "libssl3": "1.1"}, "without": ("git",), "more": (newer,)}
    after = locked("3.13-trixie", previous=before, keep=True, **changes)
    assert versions_of(sets_of(after, SLIM)[0])["libc6"] == "1.1"
    assert versions_of(sets_of(after, SLIM)[2])["libssl3"] == "1.1"
    assert versions_of(sets_of(after, "3.13-trixie")[2])["git"] == "2.0"


def test_what_nobody_uses_any_more_is_dropped() -> None:
    lock = locked(SLIM, "3.14-slim-trixie")
    kept = replace(lock, configuration=tuple(one for one in lock.configuration if one[0].startswith("3.13")))
    after = locked(SLIM, previous=kept)
    assert {found.key for found in after.sets} == {"minbase", "3.13", "3.13-slim"}
    assert [source.release for source in after.sources] == ["3.13.15"]


def test_virtual_packages_are_refused_by_name() -> None:
    settings = resolve_settings(file=Choices(image=ImageChoices(packages=("mail-agent",))))
    image = definition(SLIM, settings=settings)
    more = (package("exim", provides_text="mail-agent"), package("postfix", provides_text="mail-agent"))
    inputs = LockInputs(lambda suite, architecture: candidates(suite, architecture, more=more), archives())
    with pytest.raises(SolveError, match="mail-agent is a virtual package") as caught:
        make_lock([image], CATALOG, inputs)
    assert caught.value.hint == "name the package that is meant: exim, postfix"


def test_an_unknown_package_is_the_solvers_to_explain() -> None:
    settings = resolve_settings(file=Choices(image=ImageChoices(packages=("no-such-thing",))))
    inputs = LockInputs(candidates, archives())
    with pytest.raises(SolveError, match="no-such-thing"):
        make_lock([definition(SLIM, settings=settings)], CATALOG, inputs)


def lock_with(profiles: tuple[LockedProfile, ...], previous: Lock | None = None) -> Lock:
    gcc = {"gcc-14": "14.2.0-19"}
    inputs = LockInputs(
        lambda suite, architecture: candidates(suite, architecture, versions=gcc), archives(), profiles
    )
    return make_lock([definition(SLIM)], CATALOG, inputs, previous=previous)


def test_a_shipped_profile_is_found() -> None:
    shipped = tuple(found.locked for found in shipped_profiles())
    lock = lock_with(shipped)
    assert [found.origin for found in lock.profiles] == ["catalog:cpython-3.13.15-trixie-amd64.tar.xz"]
    assert compiler_of(sets_of(lock, SLIM)[1]) == "gcc-14 14.2.0-19"


def test_a_locked_profile_stays_until_one_is_trained() -> None:
    shipped = tuple(found.locked for found in shipped_profiles())
    lock = lock_with(shipped)
    newer = replace(lock.profiles[0], sha256=Digest("1" * 64), origin="store")
    assert lock_with((newer, *shipped), previous=lock).profiles == lock.profiles
    trained = with_profile(lock, newer)
    assert trained.profiles == (newer,)
    assert lock_with(shipped, previous=trained).profiles == (newer,)


def test_closure_walks_the_set_alone() -> None:
    _, _, runtime = sets_of(locked(SLIM), SLIM)
    found = closure(runtime.packages, ["libreadline8", "libc6", "nothing"])
    assert [one.name for one in found] == ["libreadline8", "libtinfo6", "readline-common"]


def changed(**changes: object) -> ImageDefinition:
    return replace(definition(SLIM), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"base_packages": ("apt",)},
        {"build_packages": ("gcc",)},
        {"runtime_packages": ("tzdata",)},
        {"platform": parse_platform("arm64")},
        {"name": replace(definition(SLIM).name, release="3.13.5")},
    ],
)
def test_what_makes_a_lock_stale(change: dict[str, object]) -> None:
    assert checksum(changed(**change), CATALOG) != checksum(definition(SLIM), CATALOG)


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ("x",)},
        {"compression": Compression.ZSTD},
        {"profile": Profile.QUICK},
        {"bytecode": Bytecode.NONE},
        {"frame_pointers": True},
        {"configuration": replace(definition(SLIM).configuration, labels=(("a", "b"),))},
    ],
)
def test_what_does_not(change: dict[str, object]) -> None:
    assert checksum(changed(**change), CATALOG) == checksum(definition(SLIM), CATALOG)


def test_a_new_key_or_pin_makes_a_lock_stale() -> None:
    for old, new, document in (
        ("41587F7DB8C774BCCF131416762F67A0B2C39DE4", "A" * 40, "suites.toml"),
        ("1e66a7945a48390e", "00007945a48390e0"[:16], "releases.toml"),
        ('current = "3.13.15"', 'current = "3.13.18"', "series.toml"),
    ):
        documents = shipped_documents()
        assert old in documents[document]
        documents[document] = documents[document].replace(old, new)
        catalog, _ = apply_configuration(documents, None)
        image = definition(SLIM, catalog=catalog)
        lock = locked(SLIM)
        with pytest.raises(StaleLockError) as caught:
            check_fresh(dict(lock.configuration), image, catalog)
        assert caught.value.hint == "run: imagewright lock 3.13-slim-trixie"
        assert "changed since it was made" in caught.value.why


def test_an_image_the_lock_does_not_know() -> None:
    lock = locked(SLIM)
    assert is_locked(lock, definition(SLIM), CATALOG)
    other = definition("3.14-slim-trixie")
    assert not is_locked(lock, other, CATALOG)
    with pytest.raises(StaleLockError, match=r"does not fit 3\.14-slim-trixie linux/amd64") as caught:
        check_fresh(dict(lock.configuration), other, CATALOG)
    assert caught.value.code == 3
    with pytest.raises(StaleLockError, match=r"no runtime packages 3\.14-slim for trixie amd64"):
        locked_set(lock, target_of(other, CATALOG).runtime)


def test_own_packages_for_one_release_alone() -> None:
    override = Override(("3.13.5-*",), ImageChoices(packages=("curl",)))
    settings = resolve_settings(file=Choices(overrides=(override,)))
    images = [definition("3.13.5-slim-trixie", settings=settings), definition(SLIM, settings=settings)]
    inputs = LockInputs(candidates, archives())
    lock = make_lock(images, CATALOG, inputs)
    assert "curl" in versions_of(sets_of(lock, "3.13.5-slim-trixie")[2])
    assert "curl" not in versions_of(sets_of(lock, SLIM)[2])


@pytest.mark.parametrize("spec", ["3.13", "3.13.5", "3.13-slim", "3.13t-slim-bookworm", "3.13.5t", "3.9-slim"])
@pytest.mark.parametrize("platform", ["amd64", "linux/386", "arm64"])
def test_a_targets_name_tells_all_of_it(spec: str, platform: str) -> None:
    target = target_of(definition(spec, platform=platform), CATALOG)
    assert parse_target(target.name) == target
    assert target.base[0] is Role.BASE


@pytest.mark.parametrize("name", ["", "slim", "3.13-slim-trixie", "3.13-slim-trixie linux/none", "x-trixie amd64"])
def test_what_is_no_target(name: str) -> None:
    with pytest.raises(ValueError, match=r"not a target|unknown platform"):
        parse_target(name)


def test_a_bare_base_holds_what_the_variant_asks_for_without_the_tools_of_scripts() -> None:
    lock = locked("3.13-minimal-trixie")
    base, _, runtime = sets_of(lock, "3.13-minimal-trixie")
    assert base.key == "minimal"
    assert set(versions_of(base)) == {
        "base-files",
        "ca-certificates",
        "libc-bin",
        "libc6",
        "ncurses-base",
        "netbase",
        "tzdata",
    }
    assert "openssl" not in versions_of(base)  # ca-certificates depends on it, for its script
    assert not {"apt", "dash", "mawk", "openssl", "debconf"} & (set(versions_of(base)) | set(versions_of(runtime)))
    assert "libssl3" in versions_of(runtime)


def test_images_with_a_shell_to_look_around_share_the_bare_base() -> None:
    lock = locked("3.13-minimal-trixie", "3.13-minimal-debug-trixie", SLIM)
    minimal, debug, slim = (
        target_of(definition(spec), CATALOG) for spec in ("3.13-minimal-trixie", "3.13-minimal-debug-trixie", SLIM)
    )
    assert minimal.base == debug.base != slim.base
    assert minimal.buildroot == debug.buildroot == slim.buildroot
    added = set(versions_of(locked_set(lock, debug.runtime))) - set(versions_of(locked_set(lock, minimal.runtime)))
    assert added == {"busybox-static"}


def test_a_target_of_a_bare_image_is_read_again() -> None:
    for spec in ("3.13-minimal-trixie", "3.13-minimal-debug-trixie", SLIM):
        target = target_of(definition(spec), CATALOG)
        assert parse_target(target.name, CATALOG) == target


def test_a_refreshed_bare_base_takes_what_stands_on_it_along() -> None:
    lock = locked("3.13-minimal-trixie", "3.13-minimal-debug-trixie", SLIM)
    newer = locked("3.13-minimal-trixie", previous=lock, versions={"tzdata": "2.0", "libssl3": "2.0"})
    for spec, version in (("3.13-minimal-trixie", "2.0"), ("3.13-minimal-debug-trixie", "2.0"), (SLIM, "1.0")):
        _, _, runtime = sets_of(newer, spec)
        assert versions_of(runtime)["libssl3"] == version, spec


def test_what_is_cut_decides_whether_a_lock_fits() -> None:
    minimal = definition("3.13-minimal-trixie")
    variants = tuple(
        replace(variant, cuts=variant.cuts[1:]) if variant.name == "minimal" else variant
        for variant in CATALOG.variants
    )
    assert checksum(minimal, replace(CATALOG, variants=variants)) != checksum(minimal, CATALOG)
    assert checksum(definition(SLIM), replace(CATALOG, variants=variants)) == checksum(definition(SLIM), CATALOG)


def test_python_packages_are_locked_by_target_and_kept() -> None:
    wheel = LockedWheel("six", "1.0", "six-1.0-py3-none-any.whl", 5, Digest("5" * 64))
    asked: list[tuple[str, tuple[int, int]]] = []

    def wheels(definition: ImageDefinition, glibc: tuple[int, int]) -> tuple[LockedWheel, ...]:
        asked.append((str(definition.name), glibc))
        return (wheel,)

    def candidates_of(suite: str, architecture: str) -> DebianCandidates:
        return candidates(suite, architecture, versions={"libc6": "2.41-12"})

    one = definition("3.13-slim-trixie")
    lock = make_lock([one], CATALOG, LockInputs(candidates_of, archives(), wheels=wheels))
    assert lock.wheels == (WheelSet("3.13-slim-trixie linux/amd64", (wheel,)),)
    assert asked == [(str(one.name), (2, 41))]
    assert read_lock(write_lock(lock)) == lock
    other = make_lock([definition("3.13-trixie")], CATALOG, LockInputs(candidates_of, archives()), previous=lock)
    assert other.wheels == lock.wheels
    assert [(each.what, each.name, each.have) for each in diff_locks(lock, replace(lock, wheels=()))] == [
        ("wheel", "six", "1.0")
    ]

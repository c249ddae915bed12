# SPDX-License-Identifier: Apache-2.0
"""Plans: which steps there are, what their ids hold, and what they cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from imagewright.catalog.loading import load_catalog
from imagewright.catalog.model import Catalog
from imagewright.catalog.resolve import locked_source
from imagewright.catalog.settings import Choices, ImageChoices, Settings, resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.catalog.sites import SiteChoices
from imagewright.errors import ConfigurationError, StaleLockError
from imagewright.model.digest import Digest
from imagewright.model.images import Bytecode, Compression, ImageDefinition, Profile
from imagewright.model.lock import Lock, LockedProfile, Role
from imagewright.model.plan import CheckWork, ImageWork, Plan, PythonWork, RootWork, RuntimeWork, Step, StepKind
from imagewright.model.site import Account
from imagewright.planning import identity, steps
from imagewright.planning.locking import with_profile
from imagewright.planning.steps import PlanOptions, make_plan
from imagewright.planning.targets import checksum, target_of
from imagewright.recipes import embedded
from support.locks import definition, locked

CATALOG = shipped_catalog()
SLIM = "3.13-slim-trixie"
LOCK = locked(SLIM, "3.13-trixie", "3.13-slim-bookworm", "3.14-slim-trixie")


def planned(
    *specs: str, lock: Lock = LOCK, settings: Settings | None = None, options: PlanOptions | None = None
) -> Plan:
    return make_plan([definition(spec, settings=settings) for spec in specs], lock, CATALOG, options)


def step(plan: Plan, kind: StepKind) -> Step:
    (found,) = (one for one in plan.steps if one.kind is kind)
    return found


def ids(plan: Plan) -> dict[StepKind, Digest]:
    return {one.kind: one.id for one in plan.steps}


def changed(one: Plan, other: Plan) -> set[str]:
    """The kinds of steps whose ids differ between two plans of one image each."""
    before, after = ids(one), ids(other)
    return {kind.value for kind in before if before[kind] != after[kind]}


def with_package(lock: Lock, role: Role, name: str, suite: str = "trixie") -> Lock:
    """The lock with another content for one package of one role."""
    sets = []
    for found in lock.sets:
        packages = tuple(
            replace(one, sha256=Digest("f" * 64))
            if (found.role, found.suite, one.name) == (role, suite, name)
            else one
            for one in found.packages
        )
        sets.append(replace(found, packages=packages))
    assert tuple(sets) != lock.sets
    return replace(lock, sets=tuple(sets))


def test_the_steps_of_one_image() -> None:
    plan = planned(SLIM)
    assert [one.name for one in plan.steps] == [
        "base trixie-slim amd64",
        "buildroot trixie amd64",
        "python 3.13.15 trixie amd64",
        "runtime 3.13.15-slim-trixie amd64",
        "image 3.13.15-slim-trixie linux/amd64",
        "check 3.13.15-slim-trixie linux/amd64",
    ]
    (image,) = plan.images
    assert image.steps == tuple(one.id for one in plan.steps)
    assert image.tags == definition(SLIM).tags
    assert (image.image, image.check) == (plan.steps[4].id, plan.steps[5].id)


def test_each_step_comes_after_what_it_needs() -> None:
    seen: set[Digest] = set()
    for one in planned(SLIM, "3.13-trixie", "3.14-slim-trixie", "3.13-slim-bookworm").steps:
        assert {need for _, need in one.needs} <= seen
        assert one.id not in seen
        seen.add(one.id)


def test_variants_share_one_compile() -> None:
    plan = planned(SLIM, "3.13-trixie")
    kinds = Counter(one.kind for one in plan.steps)
    assert kinds == {
        StepKind.BASE: 2,
        StepKind.BUILDROOT: 1,
        StepKind.PYTHON: 1,
        StepKind.RUNTIME: 2,
        StepKind.IMAGE: 2,
        StepKind.CHECK: 2,
    }


def test_the_works() -> None:
    options = PlanOptions(
        checks=lambda image: ("imports", image.name.variant),
        mirrors={"debian": "http://near.example/debian"},
    )
    plan = planned(SLIM, options=options)
    base, buildroot, python, runtime, image, check = (one.work for one in plan.steps)
    assert isinstance(base, RootWork)
    assert base.layered
    assert "/usr/share/man/*" in base.exclude
    assert "http://mirror.example/debian-security" in dict(base.files)["etc/apt/sources.list.d/debian.sources"]
    assert isinstance(buildroot, RootWork)
    assert not buildroot.layered
    assert "etc/apt/sources.list.d/debian.sources" not in dict(buildroot.files)
    assert isinstance(python, PythonWork)
    assert python.source.filename == "Python-3.13.15.tar.xz"
    assert python.epoch == 1785932743
    assert isinstance(runtime, RuntimeWork)
    assert runtime.base == base.packages
    assert runtime.wanted == ("ca-certificates", "netbase", "tzdata")
    assert runtime.optional_modules == ("_tkinter",)
    assert runtime.interpreter == python.source
    assert runtime.release_epoch == python.epoch
    assert isinstance(image, ImageWork)
    assert dict(image.configuration.annotations)["io.imagewright.inputs"].startswith("sha256:")
    assert isinstance(check, CheckWork)
    assert check.checks == ("imports", "slim")
    assert check.address == "http://near.example/debian"


def test_the_full_variant_leaves_nothing_out() -> None:
    base = step(planned("3.13-trixie"), StepKind.BASE).work
    assert isinstance(base, RootWork)
    assert base.exclude == base.include == ()
    assert "etc/dpkg/dpkg.cfg.d/docker" not in dict(base.files)


def test_image_sources_are_a_setting() -> None:
    options = PlanOptions(image_sources={"debian": "http://inside.example/d"})
    base = step(planned(SLIM, options=options), StepKind.BASE).work
    assert isinstance(base, RootWork)
    sources = dict(base.files)["etc/apt/sources.list.d/debian.sources"]
    assert "http://inside.example/d" in sources
    assert "http://mirror.example/debian-security" in sources


def test_a_base_update_does_not_compile() -> None:
    after = planned(SLIM, lock=with_package(LOCK, Role.BASE, "libc6"))
    assert changed(planned(SLIM), after) == {"base", "runtime", "image", "check"}


def test_a_runtime_update_does_not_touch_base_or_interpreter() -> None:
    after = planned(SLIM, lock=with_package(LOCK, Role.RUNTIME, "libssl3"))
    assert changed(planned(SLIM), after) == {"runtime", "image", "check"}


def test_another_document_about_the_interpreter_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    before = planned(SLIM)
    monkeypatch.setattr(embedded, "REVISION", embedded.REVISION + 1)
    assert changed(before, planned(SLIM)) == {"runtime", "image", "check"}


def test_a_compiler_update_compiles() -> None:
    after = planned(SLIM, lock=with_package(LOCK, Role.BUILDROOT, "gcc-14"))
    assert changed(planned(SLIM), after) == {"buildroot", "python", "runtime", "image", "check"}


@pytest.mark.parametrize("name", ["dash", "mawk", "base-files"])
def test_what_is_only_there_to_run_the_build_does_not_compile(name: str) -> None:
    """Essential packages, and those of Priority required that no toolchain package needs."""
    after = planned(SLIM, lock=with_package(LOCK, Role.BUILDROOT, name))
    assert "python" not in changed(planned(SLIM), after)
    assert "buildroot" in changed(planned(SLIM), after)


def test_the_c_library_is_part_of_the_toolchain() -> None:
    """Although Essential packages need it as well."""
    python = step(planned(SLIM), StepKind.PYTHON).work
    assert isinstance(python, PythonWork)
    names = {one.name for one in python.toolchain}
    assert {"libc6", "gcc-14", "binutils", "libssl3"} <= names
    assert not {"dash", "mawk", "base-files"} & names


def image_choices(**said: object) -> Settings:
    return resolve_settings(flags=Choices(image=ImageChoices(**said)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({"labels": (("a", "b"),)}, {"image", "check"}),
        ({"environment": (("A", "b"),)}, {"image", "check"}),
        ({"profile": Profile.QUICK}, {"python", "runtime", "image", "check"}),
        ({"bytecode": Bytecode.NONE}, {"python", "runtime", "image", "check"}),
        ({"frame_pointers": True}, {"python", "runtime", "image", "check"}),
        ({"configure": ("--with-dtrace",)}, {"python", "runtime", "image", "check"}),
        ({"compression": Compression.ZSTD}, {"image", "check"}),
    ],
)
def test_what_a_choice_changes(said: dict[str, object], kinds: set[str]) -> None:
    assert changed(planned(SLIM), planned(SLIM, settings=image_choices(**said))) == kinds


def test_a_profile_changes_the_interpreter_alone() -> None:
    profile = LockedProfile("3.13.15", "trixie", "amd64", "", "gcc-14 1.0", 1, Digest("a" * 64), "store")
    trained = planned(SLIM, lock=with_profile(LOCK, profile))
    assert changed(planned(SLIM), trained) == {"python", "runtime", "image", "check"}
    work = step(trained, StepKind.PYTHON).work
    assert isinstance(work, PythonWork)
    assert work.profile == profile
    quick = step(
        planned(SLIM, lock=with_profile(LOCK, profile), settings=image_choices(profile=Profile.QUICK)),
        StepKind.PYTHON,
    ).work
    assert isinstance(quick, PythonWork)
    assert quick.profile is None


def test_bytecode_of_the_site_does_not_compile_again() -> None:
    more = planned(SLIM, settings=image_choices(bytecode=Bytecode.STDLIB_SITE))
    assert "python" not in changed(planned(SLIM), more)


def test_patches_are_part_of_the_compile_step_in_their_order() -> None:
    one, two = b"--- a\n+++ b\n@@ -1 +1 @@\n-1\n+2\n", b"--- a\n+++ b\n@@ -1 +1 @@\n-2\n+3\n"

    def patched(*names: str) -> Settings:
        choices = ImageChoices(site=SiteChoices(patches=names))
        return resolve_settings(file=Choices(image=choices, files=(("a", one), ("b", two), ("c", one))))

    plan = planned(SLIM, settings=patched("a", "b"))
    assert changed(planned(SLIM), plan) == {"python", "runtime", "image", "check"}
    assert changed(plan, planned(SLIM, settings=patched("b", "a"))) == {"python", "runtime", "image", "check"}
    assert changed(plan, planned(SLIM, settings=patched("c", "b"))) == set()
    work = step(plan, StepKind.PYTHON).work
    assert isinstance(work, PythonWork)
    assert [patch.path for patch in work.patches] == ["a", "b"]


def test_what_is_ones_own_is_a_step_between() -> None:
    plain, own = planned(SLIM), planned(SLIM, settings=image_choices(bytecode=Bytecode.STDLIB_SITE))
    assert StepKind.SITE not in ids(plain)
    assert changed(plain, own) == {"image", "check"}
    (image,) = own.images
    kinds = {one.id: one.kind for one in own.steps}
    assert [kinds[one].value for one in image.steps] == [
        "base",
        "buildroot",
        "python",
        "runtime",
        "site",
        "image",
        "check",
    ]
    site = step(own, StepKind.SITE)
    assert [role for role, _ in site.needs] == ["base", "python", "runtime"]
    account = Account("app", 1000, 1000, "/home/app", "/bin/sh")
    user = planned(SLIM, settings=image_choices(site=SiteChoices(account=account)))
    other = planned(SLIM, settings=image_choices(site=SiteChoices(account=replace(account, uid=1001))))
    assert changed(user, other) == {"site", "image", "check"}


MINIMAL = "3.13-minimal-trixie"


def test_in_a_bare_root_a_user_and_authorities_are_part_of_the_base() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    lock = locked(MINIMAL)
    account = Account("app", 1000, 1000, "/home/app", "")

    def own(**said: object) -> Plan:
        image = ImageChoices(site=SiteChoices(**said))  # type: ignore[arg-type]
        settings = resolve_settings(file=Choices(image=image, files=(("a.pem", pem), ("b.pem", pem))))
        return planned(MINIMAL, lock=lock, settings=settings)

    plain, user = planned(MINIMAL, lock=lock), own(account=account)
    assert StepKind.SITE not in ids(user)
    assert changed(plain, user) == {"base", "runtime", "image", "check"}
    work = step(user, StepKind.BASE).work
    assert isinstance(work, RootWork)
    assert "app:x:1000:1000::/home/app:/sbin/nologin\n" in dict(work.files)["etc/passwd"]
    assert "app:x:1000:\n" in dict(work.files)["etc/group"]
    assert set(dict(work.files)) == {"etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/timezone"}
    elsewhere = own(account=replace(account, home="/srv/app"))
    assert "base" in changed(user, elsewhere)
    assert "base" in changed(plain, own(certificates=("a.pem",)))


def test_a_user_that_a_bare_root_has_already_is_refused() -> None:
    taken = SiteChoices(account=Account("nonroot", 1000, 1000, "/home/nonroot", ""))
    with pytest.raises(ConfigurationError, match="cannot have the user nonroot"):
        planned(MINIMAL, lock=locked(MINIMAL), settings=image_choices(site=taken))


def test_a_lock_without_the_wheels_is_stale() -> None:
    choices = SiteChoices(packages=(f"six==1.0 --hash=sha256:{'1' * 64}",))
    with pytest.raises(StaleLockError):
        planned(SLIM, settings=image_choices(site=choices))


def test_where_things_come_from_changes_nothing() -> None:
    archives = tuple(
        replace(one, date="2030-01-01T00:00:00Z", inrelease=Digest("c" * 64)) for one in LOCK.archives
    )
    assert planned(SLIM, lock=replace(LOCK, archives=archives)).steps == planned(SLIM).steps
    near = PlanOptions(mirrors={"debian": "http://near.example"})
    assert ids(planned(SLIM, options=near)) == ids(planned(SLIM))


def test_the_address_in_an_image_changes_its_base_alone() -> None:
    options = PlanOptions(image_sources={"debian": "http://other.example"})
    assert "python" not in changed(planned(SLIM), planned(SLIM, options=options))
    assert "base" in changed(planned(SLIM), planned(SLIM, options=options))


def test_the_recipes_data_is_part_of_a_roots_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = planned(SLIM)
    identity._roots_revision.cache_clear()
    monkeypatch.setattr(identity.roots_recipe, "DIRECTORIES", (("run/other", 0o755),))
    after = planned(SLIM)
    identity._roots_revision.cache_clear()
    assert changed(before, after) == {"base", "buildroot", "runtime", "image", "check"}


def test_a_stale_lock_is_an_error() -> None:
    with pytest.raises(StaleLockError, match=r"does not fit 3\.12-slim-trixie linux/amd64"):
        planned("3.12-slim-trixie")


def test_a_lock_without_a_source() -> None:
    with pytest.raises(StaleLockError, match=r"no source of CPython 3\.13\.15"):
        planned(SLIM, lock=replace(LOCK, sources=()))


def many(count: int) -> tuple[Catalog, list[ImageDefinition], Lock]:
    """A catalog of releases of one series that share all packages, and the lock of all of them."""
    documents = shipped_documents()
    releases = [f"3.13.{number}" for number in range(100, 100 + count)]
    documents["releases.toml"] += "".join(
        f'[[release]]\nversion = "{release}"\nreleased = 2026-01-01\nsha256 = "{number:064x}"\n'
        for number, release in enumerate(releases)
    )
    catalog = load_catalog(documents)
    images = [definition(f"{release}-slim-trixie", catalog=catalog) for release in releases]
    runtime = next(found for found in LOCK.sets if (found.suite, found.key) == ("trixie", "3.13-slim"))
    lock = replace(
        LOCK,
        configuration=tuple((target_of(one, catalog).name, checksum(one, catalog)) for one in images),
        sources=tuple(locked_source(catalog.by_release[one], catalog.by_series["3.13"]) for one in releases),
        sets=(*LOCK.sets, *(replace(runtime, key=f"{release}-slim") for release in releases)),
    )
    return catalog, images, lock


def test_a_plan_costs_its_images_and_its_distinct_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str) -> None:
        real = getattr(steps, name)

        def call(*args: object, **more: object) -> object:
            calls[name] += 1
            return real(*args, **more)

        monkeypatch.setattr(steps, name, call)

    for name in ("make_step", "toolchain", "root_files", "compile_scripts", "check_fresh", "locked_set"):
        counted(name)
    count = 50
    catalog, images, lock = many(count)
    twice = [*images, *(replace(one, tags=()) for one in images)]
    plan = make_plan(twice, lock, catalog)
    assert len(plan.images) == 2 * count
    assert len(plan.steps) == 2 + 4 * count
    assert calls == {
        "check_fresh": 2 * count,
        "compile_scripts": count,  # once for each interpreter, however many images have it
        "make_step": 2 + count + 3 * 2 * count,
        "root_files": 2,  # once for the base, once for the build root
        "toolchain": 1,
    }


def test_what_else_is_planned_changes_nothing_about_the_steps_of_an_image() -> None:
    alone = planned("3.13-trixie")
    (wanted,) = alone.images
    for specs in (("3.13-trixie", SLIM), (SLIM, "3.13-trixie"), ("3.14-slim-trixie", SLIM, "3.13-trixie")):
        plan = planned(*specs)
        (found,) = (image for image in plan.images if image.spec == wanted.spec)
        assert plan.steps_of(found) == alone.steps_of(wanted)
        assert {one.id for one in alone.steps_of(wanted)} == {one.id for one in alone.steps}

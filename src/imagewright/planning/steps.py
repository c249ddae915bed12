# SPDX-License-Identifier: Apache-2.0
"""Definitions + lock → :class:`Plan`. Nothing is read and nothing is run.

Each set of packages, interpreter and root is worked out once however many images share it, so that a plan costs
time for its images and for its distinct steps, not for their product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from imagewright.catalog.model import Catalog, Suite
from imagewright.catalog.profiles import fitting_profile
from imagewright.catalog.resolve import ANNOTATION
from imagewright.catalog.speeds import Speed
from imagewright.errors import ConfigurationError, StaleLockError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import Bytecode, ImageDefinition, Profile, RootKind
from imagewright.model.lock import Lock, LockedProfile, LockedSource, PackageSet
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import (
    CheckWork,
    ImageWork,
    Plan,
    PlannedImage,
    PythonWork,
    RootWork,
    RuntimeWork,
    Step,
    StepKind,
    Work,
)
from imagewright.model.reports import SPEED_KEY
from imagewright.planning.closures import closure, compiler_of
from imagewright.planning.identity import compile_identity, make_step
from imagewright.planning.sites import site_work
from imagewright.planning.targets import SetId, check_fresh, locked_set, target_of
from imagewright.planning.unpacked import emulator_work, sysroot_work
from imagewright.planning.windows import windows_work
from imagewright.recipes.accounts import with_account
from imagewright.recipes.alpine import ARCHITECTURES, architecture_of
from imagewright.recipes.apkroots import root_files as apk_root_files
from imagewright.recipes.bare import FILES
from imagewright.recipes.distributions import AptSource, conventions_of
from imagewright.recipes.python import Compilation, compile_scripts
from imagewright.recipes.rootfiles import root_files

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan needs beside definitions and lock.

    ``image_sources`` are mirror role → address for the images' own apt sources (default: the addresses the
    lock was made with); ``mirrors`` the addresses that checks may use; ``checks`` gives the names of the
    acceptance checks of an image, ``told`` what their programs must know of it, ``check_revision``
    changes with what they do; ``speeds`` is what was measured of interpreters, by their compile identity.
    """

    checks: Callable[[ImageDefinition], tuple[str, ...]] = lambda _: ()
    told: Callable[[ImageDefinition], tuple[tuple[str, str], ...]] = lambda _: ()
    check_revision: str = ""
    image_sources: Mapping[str, str] = field(default_factory=dict)
    mirrors: Mapping[str, str] = field(default_factory=dict)
    speeds: Mapping[Digest, Speed] = field(default_factory=dict)


def make_plan(
    definitions: Iterable[ImageDefinition], lock: Lock, catalog: Catalog, options: PlanOptions | None = None
) -> Plan:
    """The steps of all definitions, each once, in an order in which each comes after all it needs.

    Raises :class:`StaleLockError` if the lock does not fit a definition.
    """
    planner = _Planner(lock, catalog, options or PlanOptions())
    images = tuple(planner.image(definition) for definition in definitions)
    return Plan(tuple(planner.steps.values()), images)


class _Planner:
    def __init__(self, lock: Lock, catalog: Catalog, options: PlanOptions) -> None:
        self.steps: dict[Digest, Step] = {}
        self._lock = lock
        self._catalog = catalog
        self._options = options
        self._configuration = dict(lock.configuration)
        self._sets = {(found.role, found.suite, found.architecture, found.key): found for found in lock.sets}
        self._sources = {source.release: source for source in lock.sources}
        self._wheels = {found.target: found for found in lock.wheels}
        self._memory: dict[object, object] = {}
        self._addresses = {archive.mirror: archive.address for archive in reversed(lock.archives)}

    def image(self, definition: ImageDefinition) -> PlannedImage:
        """Lay out the steps of one image."""
        check_fresh(self._configuration, definition, self._catalog)
        if definition.platform.os == "windows":
            return self._windows(definition)
        base = self._base(definition)
        python = self._python(definition)
        runtime = self._runtime(definition, base, python)
        buildroot = dict(self.steps[python].needs)["buildroot"]
        site = self._site(definition, {"base": base, "python": python, "runtime": runtime}, buildroot)
        image = self._image(definition, {"base": base, "python": python, "runtime": runtime, **site})
        check = self._check(definition, image)
        return PlannedImage(
            spec=str(definition.name),
            platform=str(definition.platform),
            tags=(*definition.tags, *definition.shared_tags),
            steps=(base, buildroot, python, runtime, *site.values(), image, check),
            image=image,
            check=check,
        )

    def _windows(self, definition: ImageDefinition) -> PlannedImage:
        """Nothing is compiled: a layer of what is distributed, on a base of Windows' own."""
        layer_work, image_work = windows_work(definition, self._lock)
        name, platform = definition.name, definition.platform
        key = f"windows {layer_work.distribution.release} {platform.architecture}"
        layer = self._add(StepKind.WINDOWS, key, layer_work)
        image = self._add(StepKind.IMAGE, f"image {name} {platform}", image_work, (("layer", layer),))
        check = self._check(definition, image)
        return PlannedImage(
            spec=str(name),
            platform=str(platform),
            tags=(*definition.tags, *definition.shared_tags),
            steps=(layer, image, check),
            image=image,
            check=check,
        )

    def _base(self, definition: ImageDefinition) -> Digest:
        wanted = target_of(definition, self._catalog).base
        kind = "-slim" if definition.slim else ""
        if definition.root is RootKind.BARE:
            kind = f"-{wanted[3]}"

        def make() -> Digest:
            name = f"base {definition.name.suite}{kind} {definition.platform.debian}"
            work = self._root(definition, wanted, definition.platform.debian, layered=True)
            return self._add(StepKind.BASE, name, work, self._emulated(definition))

        site = definition.site
        own = (site.account, site.certificates) if definition.root is RootKind.BARE else ()
        return self._once(("base", wanted, definition.slim, own), make)

    def _buildroot(self, definition: ImageDefinition) -> Digest:
        wanted = target_of(definition, self._catalog).buildroot
        across = definition.foreign is not None and definition.foreign.cross

        def make() -> Digest:
            architecture = wanted[2]
            purpose = f" for {definition.platform.debian}" if across else ""
            name = f"buildroot {definition.name.suite} {architecture}{purpose}"
            work = self._root(definition, wanted, architecture, layered=False)
            return self._add(StepKind.BUILDROOT, name, work, () if across else self._emulated(definition))

        return self._once(wanted, make)

    def _emulated(self, definition: ImageDefinition) -> tuple[tuple[str, Digest], ...]:
        """The step that unpacks the emulator, as a need of what runs programs of the image's architecture."""
        wanted = target_of(definition, self._catalog).emulator
        if wanted is None:
            return ()
        work = emulator_work(self._set(wanted), definition.platform.debian)
        name = f"emulator {definition.platform.debian} on {work.architecture} ({work.suite})"
        return (("emulator", self._once((wanted, name), lambda: self._add(StepKind.EMULATOR, name, work))),)

    def _across(self, definition: ImageDefinition) -> tuple[tuple[str, Digest], ...]:
        """What compiling across needs beside its build root."""
        foreign, wanted = definition.foreign, target_of(definition, self._catalog).sysroot
        if foreign is None or wanted is None:
            return ()
        work = sysroot_work(self._set(wanted))
        name = f"sysroot {work.suite} {work.architecture}"
        sysroot = self._once(wanted, lambda: self._add(StepKind.SYSROOT, name, work))
        native = replace(
            definition, platform=foreign.machine, foreign=None, build_packages=foreign.native_packages
        )
        return (("sysroot", sysroot), ("interpreter", self._python(native)))

    def _root(self, definition: ImageDefinition, wanted: SetId, architecture: str, *, layered: bool) -> RootWork:
        """A build root is always slim, has no sources of its own, and nobody sees how it is compressed."""
        slim = definition.slim or not layered
        suite = self._catalog.by_suite[definition.name.suite]
        if suite.system is PackageSystem.APK:
            return self._apk_root(suite, wanted, architecture, layered=layered)
        conventions = conventions_of(suite.distribution)
        if layered and definition.root is RootKind.BARE:
            return RootWork(
                suite=suite.name,
                architecture=definition.platform.debian,
                packages=self._set(wanted).packages,
                files=_bare_files(definition),
                exclude=conventions.exclude,
                include=conventions.include,
                layered=True,
                kind=RootKind.BARE,
                account=definition.site.account,
                certificates=definition.site.certificates,
            )
        files = root_files(
            architecture=architecture,
            slim=slim,
            automatic=(),
            sources=self._apt_sources(suite, architecture) if layered else (),
            conventions=conventions,
            form=suite.sources,
        )
        return RootWork(
            suite=suite.name,
            architecture=architecture,
            packages=self._set(wanted).packages,
            files=files,
            exclude=conventions.exclude if slim else (),
            include=conventions.include if slim else (),
            layered=layered,
        )

    def _apk_root(self, suite: Suite, wanted: SetId, architecture: str, *, layered: bool) -> RootWork:
        """Alpine's own images are as slim as they come: documentation is in packages of its own."""
        found = self._set(wanted)
        addresses = (
            f"{address.rstrip('/')}/{archive.name}/{component}"
            for archive in suite.archives
            if layered and (address := self._image_source(archive.mirror))
            for component in archive.components
        )
        return RootWork(
            suite=suite.name,
            architecture=architecture,
            packages=found.packages,
            files=apk_root_files(
                architecture=architecture_of(architecture), world=found.roots, repositories=addresses
            ),
            exclude=(),
            include=(),
            layered=layered,
            system=PackageSystem.APK,
        )

    def _apt_sources(self, suite: Suite, architecture: str) -> tuple[AptSource, ...]:
        """What the image's own apt asks: the suite's archives, those on one mirror together."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for archive in suite.archives:
            role = suite.mirror_of(archive, architecture)
            found.setdefault((role, archive.components), []).append(archive.name)
        return tuple(
            AptSource(address, tuple(names), components)
            for (role, components), names in found.items()
            if (address := self._image_source(role))
        )

    def _image_source(self, role: str) -> str:
        return self._options.image_sources.get(role, "") or self._addresses.get(role, "")

    def _python(self, definition: ImageDefinition) -> Digest:
        """What the interpreter is made of must be in the key: no variant, no base."""
        wanted = target_of(definition, self._catalog).buildroot
        key = (
            wanted,
            definition.name.release,
            definition.name.flavour,
            definition.profile,
            _compiled(definition.bytecode),
            definition.frame_pointers,
            definition.extra_configure,
            definition.build_packages,
            definition.site.patches,
        )

        def make() -> Digest:
            flavour, suite = definition.name.flavour.value, definition.name.suite
            name = f"python {definition.name.release}{flavour} {suite} {definition.platform.debian}"
            work = self._python_work(definition, wanted)
            emulated, across = self._emulated(definition), self._across(definition)
            needs = (("buildroot", self._buildroot(definition)), *across, *emulated)
            return self._add(StepKind.PYTHON, name, work, needs)

        return self._once(("python", key), make)

    def _python_work(self, definition: ImageDefinition, buildroot: SetId) -> PythonWork:
        source = self._source(definition)
        sysroot = target_of(definition, self._catalog).sysroot
        profile = self._profile(definition, self._set(buildroot))
        wanted = compilation(definition, source, trained=profile is not None)
        return PythonWork(
            release=definition.name.release,
            source=source,
            profile=profile,
            toolchain=self._toolchain(buildroot, definition.build_packages),
            scripts=compile_scripts(wanted),
            epoch=definition.release_epoch,
            architecture=definition.platform.debian,
            patches=definition.site.patches,
            sysroot=() if sysroot is None else self._set(sysroot).packages,
        )

    def _source(self, definition: ImageDefinition) -> LockedSource:
        release = definition.name.release
        if release not in self._sources:
            raise StaleLockError(f"the lock has no source of CPython {release}", hint="run: imagewright lock")
        return self._sources[release]

    def _profile(self, definition: ImageDefinition, buildroot: PackageSet) -> LockedProfile | None:
        if definition.profile is not Profile.RELEASE:
            return None
        return fitting_profile(
            self._lock.profiles,
            release=definition.name.release,
            suite=definition.name.suite,
            architecture=definition.platform.debian,
            flavour=definition.name.flavour.value,
            compiler=compiler_of(buildroot) or self._catalog.by_suite[definition.name.suite].compiler,
        )

    def _runtime(self, definition: ImageDefinition, base: Digest, python: Digest) -> Digest:
        wanted = target_of(definition, self._catalog).runtime
        base_work = self.steps[base].work
        assert isinstance(base_work, RootWork)
        packages = self._set(wanted).packages
        work = RuntimeWork(
            suite=definition.name.suite,
            architecture=definition.platform.debian,
            base=base_work.packages,
            candidates=packages,
            wanted=definition.runtime_packages,
            optional_modules=definition.optional_modules,
            parts=definition.parts,
            exclude=base_work.exclude,
            include=base_work.include,
            kind=base_work.kind,
            system=base_work.system,
            certificates=() if base_work.kind is RootKind.BARE else definition.site.certificates,
            interpreter=self._source(definition),
            release_epoch=definition.release_epoch,
        )
        name = f"runtime {definition.name} {definition.platform.debian}"
        needs = (("base", base), ("python", python), *self._emulated(definition))
        return self._add(StepKind.RUNTIME, name, work, needs)

    def _site(
        self, definition: ImageDefinition, below: Mapping[str, Digest], buildroot: Digest
    ) -> dict[str, Digest]:
        """The step for what is a person's own, by its role; empty where nothing was chosen that needs one."""
        target = target_of(definition, self._catalog)
        work = site_work(definition, self._wheels, target.name, self._set(target.runtime))
        if work is None:
            return {}
        compiler = (("buildroot", buildroot),) if work.locale else ()
        needs = (*below.items(), *compiler, *self._emulated(definition))
        return {
            "site": self._add(StepKind.SITE, f"site {definition.name} {definition.platform.debian}", work, needs)
        }

    def _image(self, definition: ImageDefinition, needs: Mapping[str, Digest]) -> Digest:
        marks = [(f"{ANNOTATION}inputs", str(self._inputs(definition, needs["python"])))]
        if (speed := self._speed(needs["python"])) is not None:
            marks.append((SPEED_KEY, str(speed)))
        configuration = definition.configuration
        annotations = tuple(sorted((*configuration.annotations, *marks)))
        work = ImageWork(
            name=str(definition.name),
            platform=str(definition.platform),
            configuration=replace(configuration, annotations=annotations),
            minimum_epoch=definition.release_epoch,
            parts=definition.parts,
            compression=definition.compression,
        )
        name = f"image {definition.name} {definition.platform}"
        return self._add(StepKind.IMAGE, name, work, tuple(needs.items()))

    def _speed(self, python: Digest) -> Speed | None:
        if not self._options.speeds:
            return None
        work = self.steps[python].work
        assert isinstance(work, PythonWork)
        return self._options.speeds.get(self._once(("speed", python), lambda: compile_identity(work)))

    def _inputs(self, definition: ImageDefinition, python: Digest) -> Digest:
        """One digest for the exact packages, source and profile, so that an image tells what lock it is from."""
        target = target_of(definition, self._catalog)
        work = self.steps[python].work
        assert isinstance(work, PythonWork)
        parts = [
            self._packages_digest(target.base),
            self._packages_digest(target.buildroot),
            *(() if target.sysroot is None else (self._packages_digest(target.sysroot),)),
            work.source.sha256,
            *(() if work.profile is None else (work.profile.sha256,)),
            self._packages_digest(target.runtime),
            *(wheel.sha256 for found in (self._wheels.get(target.name),) if found for wheel in found.wheels),
        ]
        return Digest.of(canonical_json([part.hex for part in parts]))

    def _packages_digest(self, wanted: SetId) -> Digest:
        def make() -> Digest:
            return Digest.of(canonical_json(sorted(package.sha256.hex for package in self._set(wanted).packages)))

        return self._once(("digest", wanted), make)

    def _toolchain(self, wanted: SetId, roots: tuple[str, ...]) -> tuple[LockedPackage, ...]:
        return self._once(("toolchain", wanted, roots), lambda: toolchain(self._set(wanted).packages, roots))

    def _check(self, definition: ImageDefinition, image: Digest) -> Digest:
        suite = self._catalog.by_suite[definition.name.suite]
        role = suite.mirror_of(suite.archives[0], definition.platform.debian) if suite.archives else ""
        work = CheckWork(
            name=str(definition.name),
            platform=str(definition.platform),
            release=definition.name.release,
            variant=definition.name.variant,
            checks=self._options.checks(definition),
            optional_modules=(*definition.optional_modules, *definition.absent_modules),
            address=self._options.mirrors.get(role, ""),
            revision=self._options.check_revision,
            parts=definition.parts,
            told=self._told(definition),
        )
        needs = (("image", image), *self._emulated(definition))
        return self._add(StepKind.CHECK, f"check {definition.name} {definition.platform}", work, needs)

    def _told(self, definition: ImageDefinition) -> tuple[tuple[str, str], ...]:
        """What checks must know of a person's own; the versions of Python packages are in the lock."""
        told = dict(self._options.told(definition))
        found = self._wheels.get(target_of(definition, self._catalog).name)
        if definition.site.requirements and found:
            told["IW_SITE"] = " ".join(f"{wheel.project}=={wheel.version}" for wheel in found.wheels)
        return tuple(sorted(told.items()))

    def _set(self, wanted: SetId) -> PackageSet:
        return self._sets.get(wanted) or locked_set(self._lock, wanted)

    def _add(self, kind: StepKind, name: str, work: Work, needs: tuple[tuple[str, Digest], ...] = ()) -> Digest:
        step = make_step(kind, name, work, needs)
        self.steps.setdefault(step.id, step)
        return step.id

    def _once(self, key: object, make: Callable[[], _T]) -> _T:
        """Work that images share is done once. The key says everything the work depends on."""
        if key not in self._memory:
            self._memory[key] = make()
        return cast("_T", self._memory[key])


def compilation(definition: ImageDefinition, source: LockedSource, *, trained: bool) -> Compilation:
    """How the interpreter of an image is compiled; ``trained`` says whether with a stored profile."""
    musl = definition.system is PackageSystem.APK
    return Compilation(
        release=definition.name.release,
        source=source.filename,
        triplet=ARCHITECTURES[definition.platform.library][1] if musl else definition.platform.gnu,
        build_triplet=definition.foreign.machine.gnu if definition.foreign and definition.foreign.cross else "",
        epoch=definition.release_epoch,
        profile=definition.profile,
        flavour=definition.name.flavour,
        trained=trained,
        wheels=tuple(wheel.filename for wheel in source.wheels),
        bytecode=_compiled(definition.bytecode),
        frame_pointers=definition.frame_pointers,
        extra_configure=definition.extra_configure,
        patches=len(definition.site.patches),
        musl=musl,
        absent=definition.absent_modules,
    )


def _bare_files(definition: ImageDefinition) -> tuple[tuple[str, str], ...]:
    """The files of a bare root, with the person's own user among those that are there.

    There is no shadow(5): no program could ask for a password. Raises :class:`ConfigurationError` for a name or
    number that is taken.
    """
    account = definition.site.account
    if account is None:
        return FILES
    try:
        return tuple(sorted(with_account(dict(FILES), account, definition.release_epoch).items()))
    except ValueError as error:
        raise ConfigurationError(
            f"{definition.name} cannot have the user {account.name}",
            why=str(error),
            hint="choose another name, uid or gid",
        ) from error


def _compiled(bytecode: Bytecode) -> Bytecode:
    """What of it the compile step makes: that of installed packages comes after them, in a step of its own."""
    return Bytecode.STDLIB if bytecode is Bytecode.STDLIB_SITE else bytecode


def toolchain(buildroot: Iterable[LockedPackage], roots: Iterable[str]) -> tuple[LockedPackage, ...]:
    """The packages that can change the interpreter's bytes: what was asked for, with all it depends on.

    Essential packages are left out, and what only they need: shell and file tools run the build, but nothing of
    them gets into it.
    """
    return closure((package for package in buildroot if not package.essential), roots)

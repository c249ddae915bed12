# SPDX-License-Identifier: Apache-2.0
"""What decides a step's result, and so its id: everything that can change its bytes, and nothing else.

docs/explanation/identity.md tells why each thing is in or out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import Compression, RootKind
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import (
    CheckWork,
    ImageWork,
    PythonWork,
    RootWork,
    RuntimeWork,
    Script,
    SiteWork,
    Step,
    StepKind,
    UnpackWork,
    WindowsImageWork,
    WindowsWork,
    Work,
)
from imagewright.model.site import Account, LocalFile
from imagewright.oci.levels import LEVEL, PIECE
from imagewright.recipes import apkroots as apk_recipe
from imagewright.recipes import bare as bare_recipe
from imagewright.recipes import cross as cross_recipe
from imagewright.recipes import embedded as embedded_recipe
from imagewright.recipes import parts as parts_recipe
from imagewright.recipes import python as python_recipe
from imagewright.recipes import roots as roots_recipe
from imagewright.recipes import site as site_recipe
from imagewright.recipes import windows as windows_recipe

IMAGE_REVISION = "1"
"""Changed when the same layers and configuration give another manifest."""

UNPACK_REVISION = "1"
"""Changed when the same packages are unpacked differently."""

CHECK_REVISION = "1"
"""Changed when a check of the same name looks at something else."""

_PACKED = f"gzip {LEVEL[Compression.GZIP]} {PIECE[Compression.GZIP]}"
"""How steps compress the layers they keep."""

_PACKING = frozenset({StepKind.BASE, StepKind.PYTHON, StepKind.RUNTIME, StepKind.SITE, StepKind.WINDOWS})
"""Those that keep any."""

_NOT_HASHED = frozenset(
    {(StepKind.PYTHON, role) for role in ("buildroot", "sysroot", "interpreter")}
    | {(StepKind.SITE, "buildroot")}
    | {(kind, "emulator") for kind in StepKind}
)
"""Needs that say where to work, not what comes out: an interpreter depends on the toolchain in its build root,
which its work names, not on the rest of that root; on its sysroot's packages, which its work names too; not on the
interpreter that ran meanwhile; and nothing depends on who emulated the processor."""


def make_step(kind: StepKind, name: str, work: Work, needs: Sequence[tuple[str, Digest]] = ()) -> Step:
    """A step with its id. The name is part of it, because images record it in their history."""
    identity = {
        "kind": kind.value,
        "name": name,
        "revision": recipe_revision(kind),
        "work": work_identity(work),
        "needs": [[role, digest.hex] for role, digest in sorted(needs) if (kind, role) not in _NOT_HASHED],
    }
    return Step(Digest.of(canonical_json(identity)), kind, name, work, tuple(needs))


def compile_identity(work: PythonWork) -> Digest:
    """What decides the bytes of an interpreter, without how its layers are packed or what the step is called."""
    return Digest.of(canonical_json({"revision": _python_revision(), "work": work_identity(work)}))


def work_identity(work: Work) -> dict[str, object]:  # noqa: PLR0911 - one for each kind
    """The part of an id that comes from the work, as JSON-able values."""
    match work:
        case RootWork():
            return {
                "suite": work.suite,
                "architecture": work.architecture,
                "packages": _digests(work.packages),
                "files": work.files,
                "exclude": work.exclude,
                "include": work.include,
                "layered": work.layered,
                **_bare(work.kind),
                **_apk(work.system),
                **({"home": _account(work.account)} if work.account else {}),
                **_certificates(work.certificates),
            }
        case UnpackWork():
            return {
                "suite": work.suite,
                "architecture": work.architecture,
                "packages": _digests(work.packages),
                "exclude": work.exclude,
                "include": work.include,
            }
        case PythonWork():
            wheels = [wheel.sha256.hex for wheel in work.source.wheels]
            return {
                "release": work.release,
                "source": work.source.sha256.hex,
                **({"wheels": wheels} if wheels else {}),
                "profile": None if work.profile is None else work.profile.sha256.hex,
                "toolchain": _digests(work.toolchain),
                "scripts": _scripts(work.scripts),
                "epoch": work.epoch,
                **({"sysroot": _digests(work.sysroot), "cross": cross_recipe.revision()} if work.sysroot else {}),
                **({"patches": [patch.sha256.hex for patch in work.patches]} if work.patches else {}),
            }
        case RuntimeWork():
            return {
                "suite": work.suite,
                "architecture": work.architecture,
                "candidates": _digests(work.candidates),
                "wanted": work.wanted,
                "optional_modules": work.optional_modules,
                "parts": work.parts,
                "exclude": work.exclude,
                "include": work.include,
                **_bare(work.kind),
                **_apk(work.system),
                **_certificates(work.certificates),
                **_embedded(work),
            }
        case SiteWork():
            return _site(work)
        case ImageWork():
            return {**_image(work), "parts": work.parts}
        case WindowsWork():
            distribution = work.distribution
            return {
                "release": distribution.release,
                "distribution": distribution.sha256.hex,
                "pip": distribution.pip.sha256.hex,
                "epoch": work.epoch,
            }
        case WindowsImageWork():
            return {**_image(work), "base": work.base.digest.hex}
        case CheckWork():
            # Not the address: which mirror answers says nothing about the image.
            return {
                "name": work.name,
                "platform": work.platform,
                "release": work.release,
                "variant": work.variant,
                "checks": work.checks,
                "programs": work.revision,
                "parts": work.parts,
                "optional_modules": work.optional_modules,
                **({"told": work.told} if work.told else {}),
            }


def _image(work: ImageWork | WindowsImageWork) -> dict[str, object]:
    configuration = work.configuration
    return {
        "name": work.name,
        "platform": work.platform,
        "environment": configuration.environment,
        "command": configuration.command,
        "entrypoint": configuration.entrypoint,
        "working_directory": configuration.working_directory,
        "user": configuration.user,
        "labels": configuration.labels,
        "annotations": configuration.annotations,
        "minimum_epoch": work.minimum_epoch,
        "compression": work.compression.value,
    }


def _embedded(work: RuntimeWork) -> dict[str, object]:
    """What decides the document about the interpreter."""
    if work.interpreter is None:
        return {}
    source = work.interpreter
    told = [embedded_recipe.REVISION, source.release, source.filename, source.sha256.hex, work.release_epoch]
    return {"embedded": told}


def _bare(kind: RootKind) -> dict[str, str]:
    """What only bare roots depend on; the recipe of the others is in the step's revision."""
    return {"bare": bare_recipe.revision()} if kind is RootKind.BARE else {}


def _apk(system: PackageSystem) -> dict[str, str]:
    """What only roots of Alpine's packages depend on."""
    return {"apk": apk_recipe.revision()} if system is PackageSystem.APK else {}


def _site(work: SiteWork) -> dict[str, object]:
    account = work.account
    return {
        "architecture": work.architecture,
        "library": work.library,
        "parts": work.parts,
        "wheels": [[wheel.filename, wheel.sha256.hex] for wheel in work.wheels],
        "account": account and _account(account),
        "locale": work.locale,
        "locale_sources": work.locale_sources and work.locale_sources.sha256.hex,
        "bytecode": work.bytecode,
        "keep_ensurepip": work.keep_ensurepip,
        "scripts": _scripts(work.scripts),
        "epoch": work.epoch,
        **_apk(work.system),
    }


def _account(account: Account) -> list[object]:
    return [account.name, account.uid, account.gid, account.home, account.shell]


def _certificates(certificates: Iterable[LocalFile]) -> dict[str, object]:
    found = [[one.name, one.sha256.hex] for one in certificates]
    return {"certificates": found} if found else {}


def _digests(packages: Iterable[LockedPackage]) -> list[str]:
    """By content alone: where a package came from, and under which path, changes nothing."""
    return sorted(package.sha256.hex for package in packages)


def _scripts(scripts: Iterable[Script]) -> list[object]:
    return [[script.name, script.text, script.environment] for script in scripts]


def recipe_revision(kind: StepKind) -> str:
    """What a kind of step depends on besides its work and its needs."""
    return f"{_recipe(kind)} {_PACKED}" if kind in _PACKING else _recipe(kind)


def _recipe(kind: StepKind) -> str:  # noqa: PLR0911 - one for each kind
    match kind:
        case StepKind.BASE | StepKind.BUILDROOT | StepKind.RUNTIME:
            return _roots_revision() + (f" {roots_recipe.EXTENDED}" if kind is StepKind.RUNTIME else "")
        case StepKind.SYSROOT | StepKind.EMULATOR:
            return UNPACK_REVISION
        case StepKind.PYTHON:
            return _python_revision()
        case StepKind.SITE:
            return site_recipe.REVISION
        case StepKind.WINDOWS:
            return windows_recipe.REVISION
        case StepKind.IMAGE:
            return IMAGE_REVISION
        case StepKind.CHECK:
            return CHECK_REVISION


@cache
def _python_revision() -> str:
    """The revision, and the rules that split the install tree."""
    rules = [[rule.part, rule.pattern] for rule in parts_recipe.PART_RULES]
    return f"{python_recipe.REVISION} {Digest.of(canonical_json(rules)).short}"


@cache
def _roots_revision() -> str:
    """The revision, and all of the recipe that is data, so that a change to it cannot be forgotten."""
    script = roots_recipe.configure_script()
    rules = (roots_recipe.STATE, roots_recipe.REMOVED, roots_recipe.EMPTIED)
    data = [
        roots_recipe.BOOTSTRAP,
        roots_recipe.DIRECTORIES,
        roots_recipe.FIRST_PACKAGES,
        [[rule.pattern for rule in found.rules] for found in rules],
        _scripts([script]),
    ]
    return f"{roots_recipe.REVISION} {Digest.of(canonical_json(data)).short}"

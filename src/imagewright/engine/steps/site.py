# SPDX-License-Identifier: Apache-2.0
"""The ``site`` step: Python packages, a user, a locale and bytecode above an image's other layers."""

from __future__ import annotations

import shutil
from pathlib import Path

from imagewright.archives.debian.deb import open_deb
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.materialise import part_tree, tree_of
from imagewright.engine.normalise import normalise, now_on
from imagewright.engine.packing import LayerBlob, pack
from imagewright.engine.parts import parts_left
from imagewright.engine.sites import Place, add_account, install_wheel, settle
from imagewright.engine.steps.root import machine_of
from imagewright.engine.systems import system_of
from imagewright.engine.trees import apply
from imagewright.engine.unpack import disk
from imagewright.errors import BuildError
from imagewright.model.images import PythonPart
from imagewright.model.plan import Script, SiteWork
from imagewright.model.sandboxing import Bind, OverlayRoot, SandboxRequest
from imagewright.model.tree import EntryStream
from imagewright.recipes import site as recipe

_BIN = "/usr/local/bin"
_BIG_ENDIAN = frozenset({"s390x"})


def run_site(context: StepContext) -> Outcome:
    """Put everything above the other layers; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, SiteWork)
    ports, space, python = context.ports, context.workspace, context.needs["python"]
    parts = parts_left(python, work.parts)
    lower = (
        tree_of(context.needs["runtime"], ports),
        *(part_tree(python, part, ports) for part in reversed(parts)),
        tree_of(context.needs["base"], ports),
    )
    upper = _directory(space / "upper")
    started = now_on(space)
    place = Place(upper, lower)
    _packages(context, work, place)
    if work.locale:
        _locale(context, work, place)
    if work.bytecode:
        _bytecode(context, work, place)
    below = (LayerBlob.of(context.needs[role], "layer").epoch for role in ("base", "runtime"))
    latest = max(work.epoch, *below)  # of the state, which holds what lies below; the layer has nothing of it
    if work.account is not None:
        add_account(place, work.account, latest)
    system = system_of(work.system)  # a bare root's rules are those of the others
    normalise(upper, started, work.epoch, whole=False, layout=system.layout)
    overlay = system.overlay(upper, lower)
    overlay.check_nothing_hidden()
    context.phase("pack")
    streams = [("layer", overlay.layer(work.epoch), work.epoch)]
    if "state" in dict(context.needs["runtime"].outputs):  # a bare root has none
        streams.append(("state", overlay.state(), latest))
    layers = [
        pack(name, entries, ports.blobs, epoch=epoch, jobs=context.jobs, known=ports.pieces)
        for name, entries, epoch in streams
    ]
    ports.trees.adopt(upper, context.step.id)
    return Outcome(
        tuple(layer.output() for layer in layers), tuple(fact for one in layers for fact in one.facts())
    )


def _directory(path: Path) -> Path:
    path.mkdir()
    path.chmod(0o755)  # whatever the person's umask is
    return path


def _packages(context: StepContext, work: SiteWork, place: Place) -> None:
    """Unpack the wheels; and CPython's own copy of pip where virtual environments are to have one."""
    if work.keep_ensurepip and PythonPart.INSTALLERS in dict(context.needs["python"].outputs):
        name = f"usr/local/lib/{work.library}/ensurepip"
        source = part_tree(context.needs["python"], PythonPart.INSTALLERS, context.ports) / name
        place.directory(name.rpartition("/")[0])
        with disk(f"cannot copy /{name}"):
            shutil.copytree(source, place.upper / name, symlinks=True)
    if work.wheels:
        context.phase("install")
    for wheel in work.wheels:
        with context.ports.blobs.open(wheel.sha256) as file:
            scheme = recipe.scheme(work.library, wheel.project)
            install_wheel(place, file, wheel.filename, scheme, f"{_BIN}/{work.library}")
    settle(place.upper)


def _bytecode(context: StepContext, work: SiteWork, place: Place) -> None:
    script = _script(work, "site-bytecode")
    site = f"/usr/local/lib/{work.library}/site-packages"
    place.directory(site.strip("/"))
    context.phase("bytecode")
    inner = _directory(context.workspace / "inner")
    root = OverlayRoot(place.lower, place.upper, inner)
    _run(context, work, script, root, (f"{_BIN}/{work.library}", f"/inputs/{script.name}", site), ())
    shutil.rmtree(inner, ignore_errors=True)


def _locale(context: StepContext, work: SiteWork, place: Place) -> None:
    """Compiled in the build root, which has the compiler of locales whatever the image has."""
    assert work.locale_sources is not None
    script = _script(work, "site-locale")
    sources, out = _directory(context.workspace / "sources"), _directory(context.workspace / "out")
    with context.ports.blobs.open(work.locale_sources.sha256) as file:
        deb = open_deb(file, str(work.locale_sources))
        apply(_below(deb.entries(), recipe.LOCALE_SOURCES), sources)
    root = OverlayRoot((tree_of(context.needs["buildroot"], context.ports),))
    binds = (Bind(sources / recipe.LOCALE_SOURCES, "/inputs/i18n"), Bind(out, "/out", writable=True))
    order = "big" if work.architecture in _BIG_ENDIAN else "little"
    _run(context, work, script, root, ("/bin/sh", f"/inputs/{script.name}", work.locale, order), binds)
    found = [path for path in (out / "usr/lib/locale").iterdir() if path.is_dir()]
    if len(found) != 1:
        raise BuildError(f"{context.step.name}: {work.locale} came out as {len(found)} directories")
    target = place.directory("usr/lib/locale") / found[0].name
    with disk(f"cannot copy {work.locale}"):
        shutil.copytree(found[0], target)
    settle(target)


def _below(entries: EntryStream, directory: str) -> EntryStream:
    """What is below a directory of a package."""
    for entry, content in entries:
        if entry.path == directory or entry.path.startswith(f"{directory}/"):
            yield entry, content


def _script(work: SiteWork, name: str) -> Script:
    return next(script for script in work.scripts if script.name == name)


def _run(
    context: StepContext,
    work: SiteWork,
    script: Script,
    root: OverlayRoot,
    argv: tuple[str, ...],
    binds: tuple[Bind, ...],
) -> None:
    file = context.workspace / script.name
    file.write_text(script.text, encoding="utf-8")
    request = SandboxRequest(
        root=root,
        argv=argv,
        environment=tuple(sorted((*script.environment, ("SOURCE_DATE_EPOCH", str(work.epoch))))),
        binds=(Bind(file, f"/inputs/{script.name}"), *binds),
        tmpfs=("/tmp",),  # noqa: S108 - inside the sandbox
    )
    result = machine_of(context, work.architecture).sandbox.run(request, context.log.write)
    if result.status:
        raise BuildError(
            f"{context.step.name}: {script.name} ended with status {result.status}",
            details={"status": result.status, "replay": context.ports.sandbox.replay(request)},
        )

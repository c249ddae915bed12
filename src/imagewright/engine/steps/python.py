# SPDX-License-Identifier: Apache-2.0
"""The ``python`` step: CPython compiled in a build root; the result is a layer for each part, and what it needs.

The scripts see fixed paths only (``/inputs``, ``/out``, ``/usr/src/python``), so nothing of the store's place
or of this machine can get into their result.
"""

from __future__ import annotations

from pathlib import Path

from imagewright.engine import elf
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.foreign import sandbox_for
from imagewright.engine.materialise import part_key, part_tree, tree_of
from imagewright.engine.packing import pack
from imagewright.engine.parts import merge_trees, needs_of, parts_left, split_tree
from imagewright.engine.trees import walk
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.plan import PythonWork, Script
from imagewright.model.sandboxing import Bind, OverlayRoot, SandboxRequest
from imagewright.recipes.cross import NATIVE_PARTS
from imagewright.recipes.python import PATCH_INPUT

INPUTS = "/inputs"
OUT = "/out"
PROFILE = "profile.tar.xz"


def run_python(context: StepContext) -> Outcome:
    """Compile; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, PythonWork)
    out = run_scripts(context, work)
    tree, debug = out / "tree", out / "debug"
    if not tree.is_dir():
        raise BuildError(f"{context.step.name}: the scripts left no install tree")
    if debug.is_dir():
        merge_trees(tree, debug)
    context.phase("pack")
    return keep_parts(tree, context, epoch=work.epoch)


def keep_parts(tree: Path, context: StepContext, *, epoch: int) -> Outcome:
    """Each part of an install tree as a layer, as a tree, and with what its ELF files need."""
    blobs = context.ports.blobs
    outputs: list[tuple[str, Digest]] = []
    facts: list[tuple[str, str]] = []
    for part, directory in sorted(split_tree(tree, context.workspace / "parts").items()):
        layer = pack(part, walk(directory), blobs, epoch=epoch, jobs=context.jobs, known=context.ports.pieces)
        outputs += [layer.output(), (needs_of(part), blobs.put([elf.dump(elf.scan(directory))]))]
        facts += layer.facts()
        context.ports.trees.adopt(directory, part_key(context.step.id, part))
    return Outcome(tuple(outputs), tuple(facts))


def train(context: StepContext) -> Digest:
    """Run training scripts; the profile they leave, kept in the store by content.

    Raises :class:`BuildError` if they leave none.
    """
    work = context.step.work
    assert isinstance(work, PythonWork)
    profile = run_scripts(context, work) / PROFILE
    if not profile.is_file():
        raise BuildError(f"{context.step.name}: the training left no profile")
    with profile.open("rb") as file:
        return context.ports.blobs.put(iter(lambda: file.read(1 << 20), b""))


def run_scripts(context: StepContext, work: PythonWork) -> Path:
    """Run the step's scripts one after the other on one overlay; the directory they wrote their results to."""
    space = context.workspace
    out, upper, inner = space / "out", space / "upper", space / "work"
    for directory in (out, upper, inner):
        directory.mkdir()
        directory.chmod(0o755)  # whatever the person's umask is
    root = OverlayRoot(lower=_lower(context), upper=upper, work=inner)
    sandbox = sandbox_for(context.needs, work.architecture, context.ports)
    blobs = context.ports.blobs
    binds = [Bind(blobs.path(work.source.sha256), f"{INPUTS}/{work.source.filename}")]
    if work.profile is not None:
        binds.append(Bind(blobs.path(work.profile.sha256), f"{INPUTS}/{PROFILE}"))
    binds += [Bind(blobs.path(wheel.sha256), f"{INPUTS}/{wheel.filename}") for wheel in work.source.wheels]
    for number, patch in enumerate(work.patches, 1):
        binds.append(Bind(blobs.path(patch.sha256), f"{INPUTS}/{PATCH_INPUT.format(number=number)}"))
    binds.append(Bind(out, OUT, writable=True))
    for script in work.scripts:
        file = space / f"{script.name}.sh"
        file.write_text(script.text, encoding="utf-8")
        inside = f"{INPUTS}/{script.name}.sh"
        context.phase(script.name)
        context.run_in(sandbox, _request(script, inside, root, [*binds, Bind(file, inside)], context.jobs))
    return out


def _lower(context: StepContext) -> tuple[Path, ...]:
    """The build root; where the machine compiles for another processor, with an interpreter and a sysroot."""
    needs, ports = context.needs, context.ports
    trees = [tree_of(needs["buildroot"], ports)]
    if "interpreter" in needs:
        native = needs["interpreter"]
        trees[:0] = [part_tree(native, part, ports) for part in parts_left(native, NATIVE_PARTS)]
    if "sysroot" in needs:
        trees.append(tree_of(needs["sysroot"], ports))
    return tuple(trees)


def _request(script: Script, inside: str, root: OverlayRoot, binds: list[Bind], jobs: int) -> SandboxRequest:
    environment = {**dict(script.environment), "IW_JOBS": str(jobs)}
    return SandboxRequest(
        root=root,
        argv=("/bin/sh", inside),
        environment=tuple(sorted(environment.items())),
        binds=tuple(binds),
        tmpfs=("/tmp",),  # noqa: S108 - inside the sandbox
    )

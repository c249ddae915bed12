# SPDX-License-Identifier: Apache-2.0
"""The ``runtime`` step: the packages that the interpreter's ELF files need, added to the base root."""

from __future__ import annotations

from imagewright.engine import elf
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.materialise import part_tree, tree_of
from imagewright.engine.needs import choose, installed_sonames, package_sonames
from imagewright.engine.packing import LayerBlob, pack
from imagewright.engine.parts import needs_of, parts_left
from imagewright.engine.roots import extend_root
from imagewright.engine.steps.root import machine_of
from imagewright.model.digest import Digest
from imagewright.model.plan import RuntimeWork
from imagewright.model.ports import Ports
from imagewright.recipes.pathrules import PathRules


def run_runtime(context: StepContext) -> Outcome:
    """Choose, install and pack; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, RuntimeWork)
    ports = context.ports
    base = tree_of(context.needs["base"], ports)
    python = context.needs["python"]
    parts = parts_left(python, work.parts)
    files = [file for part in parts for file in _elf_files(python.output(needs_of(part)), ports)]
    needs = elf.unmet(files, work.optional_modules)
    chosen = choose(needs, installed_sonames(base), package_sonames(work.candidates, ports.blobs), work.wanted)
    context.phase("install")
    root = extend_root(
        chosen.packages,
        (*(part_tree(python, part, ports) for part in reversed(parts)), base),
        machine_of(context, work.architecture),
        context.workspace,
        architecture=work.architecture,
        rules=PathRules(work.exclude, work.include),
        automatic=chosen.automatic,
        epoch=LayerBlob.of(context.needs["base"], "layer").epoch,
    )
    context.phase("pack")
    layers = [
        pack(name, entries, ports.blobs, epoch=root.epoch, jobs=context.jobs)
        for name, entries in (("layer", root.layer()), ("state", root.state()))
    ]
    ports.trees.adopt(root.upper, context.step.id)
    facts = [fact for layer in layers for fact in layer.facts()]
    names = " ".join(package.name for package in chosen.packages)
    return Outcome(tuple(layer.output() for layer in layers), (*facts, ("packages", names)))


def _elf_files(needs: Digest, ports: Ports) -> tuple[elf.ElfFile, ...]:
    with ports.blobs.open(needs) as file:
        return elf.load(file.read())

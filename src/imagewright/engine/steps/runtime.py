# SPDX-License-Identifier: Apache-2.0
"""The ``runtime`` step: the packages that the interpreter's ELF files need, added to the base root."""

from __future__ import annotations

from imagewright.engine import elf
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.materialise import tree_of
from imagewright.engine.needs import choose, installed_sonames, package_sonames
from imagewright.engine.packing import LayerBlob, pack
from imagewright.engine.roots import extend_root
from imagewright.engine.steps.root import machine_of
from imagewright.model.plan import RuntimeWork
from imagewright.recipes.pathrules import PathRules


def run_runtime(context: StepContext) -> Outcome:
    """Choose, install and pack; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, RuntimeWork)
    ports = context.ports
    base = tree_of(context.needs["base"], ports)
    with ports.blobs.open(context.needs["python"].output("needs")) as file:
        needs = elf.unmet(elf.load(file.read()), work.optional_modules)
    chosen = choose(needs, installed_sonames(base), package_sonames(work.candidates, ports.blobs), work.wanted)
    context.phase("install")
    root = extend_root(
        chosen.packages,
        (tree_of(context.needs["python"], ports), base),
        machine_of(context),
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

# SPDX-License-Identifier: Apache-2.0
"""The ``base`` and ``buildroot`` steps: roots made of packages alone."""

from __future__ import annotations

from imagewright.engine.bare import assemble_bare
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.foreign import sandbox_for
from imagewright.engine.packing import pack
from imagewright.engine.roots import Machine, assemble_root
from imagewright.model.images import RootKind
from imagewright.model.plan import RootWork


def run_root(context: StepContext) -> Outcome:
    """Make a root; its files and its state become two layers, unless only a tree is wanted."""
    work = context.step.work
    assert isinstance(work, RootWork)
    ports = context.ports
    context.phase("unpack")
    if work.kind is RootKind.BARE:
        bare = assemble_bare(work, machine_of(context, work.architecture), context.workspace)
        context.phase("pack")
        layer = pack("layer", bare.layer(), ports.blobs, epoch=bare.epoch, jobs=context.jobs, known=ports.pieces)
        ports.trees.adopt(bare.tree, context.step.id)
        return Outcome((layer.output(),), (("epoch", str(bare.epoch)), *layer.facts()))
    root = assemble_root(work, machine_of(context, work.architecture), context.workspace)
    outcome = Outcome((), (("epoch", str(root.epoch)),))
    if work.layered:
        context.phase("pack")
        layers = [
            pack(
                name,
                entries,
                ports.blobs,
                epoch=root.epoch,
                jobs=context.jobs,
                known=ports.pieces,
            )
            for name, entries in (("layer", root.layer()), ("state", root.state()))
        ]
        facts = [fact for layer in layers for fact in layer.facts()]
        outcome = Outcome(tuple(layer.output() for layer in layers), (*outcome.facts, *facts))
    ports.trees.adopt(root.tree, context.step.id)
    return outcome


def machine_of(context: StepContext, architecture: str) -> Machine:
    """What a root of an architecture (Debian's name) is made with in this step."""
    sandbox = sandbox_for(context.needs, architecture, context.ports)
    return Machine(context.ports.blobs, sandbox, context.log.write, context.jobs)

# SPDX-License-Identifier: Apache-2.0
"""The ``base`` and ``buildroot`` steps: roots made of packages alone."""

from __future__ import annotations

from imagewright.archives.decompressed import Decompressed
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.foreign import sandbox_for
from imagewright.engine.packing import pack
from imagewright.engine.roots import Machine
from imagewright.engine.systems import system_of
from imagewright.model.digest import Digest
from imagewright.model.plan import ONLY_TREES, RootWork


def run_root(context: StepContext) -> Outcome:
    """Make a root; its files and its state become two layers, unless only a tree is wanted."""
    work = context.step.work
    assert isinstance(work, RootWork)
    ports = context.ports
    context.phase("unpack")
    made = system_of(work.system, work.kind).assemble(
        work, machine_of(context, work.architecture), context.workspace
    )
    facts = [("epoch", str(made.epoch))]
    outputs: tuple[tuple[str, Digest], ...] = ()
    if work.layered:
        context.phase("pack")
        layers = [
            pack(name, entries, ports.blobs, epoch=made.epoch, jobs=context.jobs, known=ports.pieces)
            for name, entries in made.layers
        ]
        outputs = tuple(layer.output() for layer in layers)
        facts += [fact for layer in layers for fact in layer.facts()]
    ports.trees.adopt(made.tree, context.step.id)
    return Outcome(outputs, tuple(facts))


def machine_of(context: StepContext, architecture: str) -> Machine:
    """What a root of an architecture (Debian's name) is made with in this step."""
    sandbox = sandbox_for(context.needs, architecture, context.ports)
    ports = context.ports
    # A build root is made once for each release; what is in an image, whenever a package changes.
    kept = None if context.step.kind in ONLY_TREES else Decompressed.of(ports.blobs, ports.derived)
    return Machine(ports.blobs, sandbox, context.log.write, context.jobs, kept)

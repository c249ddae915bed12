# SPDX-License-Identifier: Apache-2.0
"""The ``runtime`` step: the packages that the interpreter's ELF files need, added to the base root."""

from __future__ import annotations

import os

from imagewright.archives.cpython.contents import MAXIMUM_BILL, bundled_bill
from imagewright.attest import spdx
from imagewright.attest.interpreter import interpreter_bill
from imagewright.engine import elf
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.dpkg import make_directory
from imagewright.engine.materialise import part_tree, tree_of
from imagewright.engine.needs import RuntimePackages, choose
from imagewright.engine.packing import LayerBlob, pack
from imagewright.engine.parts import needs_of, parts_left
from imagewright.engine.roots import ExtendedRoot
from imagewright.engine.steps.root import machine_of
from imagewright.engine.systems import Extension, system_of
from imagewright.engine.unpack import disk
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedSource
from imagewright.model.plan import RuntimeWork
from imagewright.model.ports import Ports
from imagewright.recipes.authorities import LOCAL_AUTHORITIES, authority_name
from imagewright.recipes.embedded import document_path
from imagewright.recipes.pathrules import PathRules


def run_runtime(context: StepContext) -> Outcome:
    """Choose, install and pack; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, RuntimeWork)
    ports = context.ports
    chosen = _choose(work, context)
    context.phase("install")
    root = _extend(work, chosen, context)
    _tell_of_interpreter(work, root, ports)
    context.phase("pack")
    # What lies below is in the state as well, with its times.
    below = max(root.epoch, LayerBlob.of(context.needs["base"], "layer").epoch)
    layers = [
        pack(
            name,
            entries,
            ports.blobs,
            epoch=root.epoch if name == "layer" else below,
            jobs=context.jobs,
            known=ports.pieces,
        )
        for name, entries in system_of(work.system, work.kind).layers(root)
    ]
    ports.trees.adopt(root.upper, context.step.id)
    facts = [fact for layer in layers for fact in layer.facts()]
    names = " ".join(package.name for package in chosen.packages)
    return Outcome(tuple(layer.output() for layer in layers), (*facts, ("packages", names)))


def _choose(work: RuntimeWork, context: StepContext) -> RuntimePackages:
    ports = context.ports
    python = context.needs["python"]
    parts = parts_left(python, work.parts)
    files = [file for part in parts for file in _elf_files(python.output(needs_of(part)), ports)]
    needs = elf.unmet(files, work.optional_modules)
    system = system_of(work.system, work.kind)
    there = system.there(tree_of(context.needs["base"], ports), work.base, ports.blobs)
    return choose(needs, there, system.sonames(work.candidates, ports.blobs), work.wanted)


def _extend(work: RuntimeWork, chosen: RuntimePackages, context: StepContext) -> ExtendedRoot:
    ports = context.ports
    python = context.needs["python"]
    wanted = Extension(
        packages=chosen,
        base=tree_of(context.needs["base"], ports),
        parts=tuple(part_tree(python, part, ports) for part in reversed(parts_left(python, work.parts))),
        architecture=work.architecture,
        rules=PathRules(work.exclude, work.include),
        epoch=LayerBlob.of(context.needs["base"], "layer").epoch,
        files=_certificates(work, ports),
    )
    machine = machine_of(context, work.architecture)
    return system_of(work.system, work.kind).extend(wanted, machine, context.workspace)


def _tell_of_interpreter(work: RuntimeWork, root: ExtendedRoot, ports: Ports) -> None:
    """Write down for scanners what no package database knows. Its form may change without compiling again."""
    source = work.interpreter
    if source is None:
        return
    place = root.upper / document_path(source.release)
    with disk("cannot write the document about the interpreter"):
        make_directory(place.parent)
        place.write_bytes(interpreter_document(source, work.release_epoch, ports))
        place.chmod(0o644)
        for path in (place, place.parent):
            os.utime(path, (root.epoch, root.epoch))


def interpreter_document(source: LockedSource, epoch: int, ports: Ports) -> bytes:
    """The document that tells scanners of the interpreter, from the source archive; ``epoch`` in seconds."""
    own = _bundled(source, ports)
    return spdx.encode(interpreter_bill(source.release, source.filename, source.sha256, own, epoch))


def _bundled(source: LockedSource, ports: Ports) -> bytes | None:
    """The bill in a source archive, which is read through for it once; every image of the release wants it."""
    if ports.derived is None:
        return bundled_bill(ports.blobs.path(source.sha256), source.filename)
    known = ports.derived("bill of bundled libraries", "1")
    found = known.get(source.sha256.hex)
    if found is None:
        own = bundled_bill(ports.blobs.path(source.sha256), source.filename)
        found = ports.blobs.put([own or b""])
        known.put(source.sha256.hex, found)
    with ports.blobs.open(found) as file:
        return file.read(MAXIMUM_BILL) or None


def _certificates(work: RuntimeWork, ports: Ports) -> dict[str, str]:
    """Authorities of one's own, where ca-certificates looks for them when it makes its one bundle."""
    found = {}
    for certificate in work.certificates:
        with ports.blobs.open(certificate.sha256) as file:
            found[f"{LOCAL_AUTHORITIES}/{authority_name(certificate)}"] = file.read().decode("utf-8")
    return found


def _elf_files(needs: Digest, ports: Ports) -> tuple[elf.ElfFile, ...]:
    with ports.blobs.open(needs) as file:
        return elf.load(file.read())

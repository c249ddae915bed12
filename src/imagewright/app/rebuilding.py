# SPDX-License-Identifier: Apache-2.0
"""``rebuild``: an image built again from what its own provenance says, and compared by digest."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from imagewright.app.building import Builder
from imagewright.app.bundling import attached_bundles, opened_bundles
from imagewright.app.choices import selection_of
from imagewright.app.registries import client, registry_reference
from imagewright.app.signing import said_of, unsigned_statements
from imagewright.app.transferring import images_of
from imagewright.app.verifying import witness_of
from imagewright.app.world import World, own_platform
from imagewright.attest.provenance import PREDICATE, Recipe, read_recipe
from imagewright.errors import NotReproducibleError, VerificationError
from imagewright.events import Sink
from imagewright.model.attestations import RebuildOptions, Rebuilt
from imagewright.model.options import BuildOptions, CacheOptions, Selection
from imagewright.model.platforms import Platform, parse_platform
from imagewright.model.references import with_tag
from imagewright.model.results import BuildReport
from imagewright.oci.descriptor import Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.source import Document
from imagewright.planning.inputs import step_inputs
from imagewright.registry.client import RepositoryClient
from imagewright.store.store import Store

_LOCK = "imagewright.lock"
_PIECE = 1 << 20


def rebuild(world: World, text: str, options: RebuildOptions, sink: Sink) -> Rebuilt:
    """Build an image of a registry again, with the lock in its provenance, and compare digests.

    Every step is done anew, in a store that is gone afterwards and begins with nothing but packages and sources,
    each verified by its digest; unless steps that are in this store may count (``cached``). Raises
    :class:`NotReproducibleError` where nobody who is believed says how the image was made.
    """
    reference = with_tag(registry_reference(text))
    there = client(world, reference.repository, options.access)
    root = there.get(reference.target)
    platform = options.platform or own_platform()
    image = _image_for(root, platform)
    recipe = _recipe(world, there, root, image, options)
    if parse_platform(recipe.platform) != platform:
        raise VerificationError(f"the provenance of {reference} is of {recipe.platform}, not of {platform}")
    selection = selection_of(platform, recipe.profile, recipe.choices)
    with tempfile.TemporaryDirectory(prefix="imagewright-rebuild-") as directory:
        lock = Path(directory) / _LOCK
        lock.write_text(recipe.lock, encoding="utf-8")
        again = replace(world, options=replace(world.options, lock=lock))
        with again.open_store() as store:
            if options.cached:
                report = _built(again, store, recipe.spec, selection, sink)
            else:
                with store.session.workspace("rebuild") as place:
                    report = _built_apart(again, store, place, recipe.spec, selection, sink)
    (built,) = report.built
    return Rebuilt(
        ref=str(reference),
        platform=str(platform),
        digest=image.digest,
        rebuilt_digest=built.digest,
        identical=built.digest == image.digest,
        ran=sum(not step.cached for step in built.steps),
        steps=len(built.steps),
    )


def _built(world: World, store: Store, spec: str, selection: Selection, sink: Sink) -> BuildReport:
    return Builder(world, store, sink, CacheOptions(off=True)).build((spec,), BuildOptions(selection=selection))


def _built_apart(
    world: World, store: Store, place: Path, spec: str, selection: Selection, sink: Sink
) -> BuildReport:
    """In a store of its own, which begins with those inputs that this one has."""
    alone = replace(world, options=replace(world.options, store=place / "store"))
    with alone.open_store() as empty:
        plan, _, _ = Builder(alone, empty, sink, CacheOptions(off=True)).laid_out((spec,), selection)
        known = {one.digest: one.size for step in plan.steps for one in step_inputs(step.work)}
        for digest, size in known.items():
            if store.blobs.has(digest):
                with store.blobs.open(digest) as file:
                    pieces = iter(lambda: file.read(_PIECE), b"")
                    empty.blobs.put(pieces, expected=digest, size=size or None)
        return _built(alone, empty, spec, selection, sink)


def _image_for(root: Document, platform: Platform) -> Descriptor:
    """The image for a platform. Raises :class:`NotReproducibleError`."""
    images = images_of(root)
    if images == (root.descriptor,):
        return root.descriptor
    found = Index.parse(root.content).find(Target.of(platform))
    if found is None:
        there = ", ".join(str(image.platform) for image in images)
        raise NotReproducibleError(f"there is no image for {platform}", why=f"its platforms are {there}")
    return found


def _recipe(
    world: World, there: RepositoryClient, root: Document, image: Descriptor, options: RebuildOptions
) -> Recipe:
    """How the image was made, by those who are believed. Raises :class:`NotReproducibleError`."""
    statements = tuple(unsigned_statements(there, root, image))
    if not options.trust.anybody:
        witness = witness_of(world, options.trust)
        statements = opened_bundles(witness, attached_bundles(there, image.digest, root.digest)).statements
        kept = (witness.layer_opened(layer) for layer in said_of(there, image.digest, root.digest))
        statements = (*(one for one in kept if one is not None), *statements)
    for statement in statements:
        if statement.predicate_type == PREDICATE and statement.is_about(image.digest):
            return read_recipe(statement.predicate)
    raise NotReproducibleError(
        f"nobody says how {there.repository}@{image.digest} was made",
        why="it has no provenance" if options.trust.anybody else "it has no provenance that those named signed",
        hint="only an image that was pushed with its attestations can be built again",
    )

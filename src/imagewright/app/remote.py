# SPDX-License-Identifier: Apache-2.0
"""``retag``, ``untag``, ``gc-remote``: tags of a repository, moved and deleted, or only shown."""

from __future__ import annotations

from imagewright.app.registries import client, registry_reference, repository
from imagewright.app.world import World
from imagewright.errors import UsageError
from imagewright.model.digest import Digest
from imagewright.model.references import check_tag, with_tag
from imagewright.model.remote import RemoteChanges, TagChange
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import INDEXES
from imagewright.oci.index import Index
from imagewright.registry.client import RepositoryClient
from imagewright.registry.housekeeping import superfluous
from imagewright.registry.publish import Move, move_together
from imagewright.registry.untagging import delete_tag


def retag(
    world: World, text: str, tags: tuple[str, ...], access: RegistryAccess, *, dry_run: bool
) -> RemoteChanges:
    """Let ``tags`` name what ``text`` names; together, or none of them."""
    reference = with_tag(registry_reference(text))
    there = client(world, reference.repository, access)
    document = there.get(reference.target)
    moves = [Move(_tag(tag), document, there.find(tag)) for tag in dict.fromkeys(tags)]
    wanted = [move for move in moves if move.before is None or move.before.digest != document.digest]
    if not dry_run:
        move_together(there, wanted)
    changes = tuple(
        TagChange(move.tag, "" if move.before is None else str(move.before.digest), str(document.digest))
        for move in wanted
    )
    return RemoteChanges(str(reference), changes, (), dry_run)


def untag(world: World, texts: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
    """Delete tags; what they name stays, and other tags of it too."""
    references = [registry_reference(text) for text in texts]
    if len({reference.repository for reference in references}) != 1:
        raise UsageError("the tags are of several repositories", hint="name tags of one at a time")
    if wrong := next((one for one in references if not one.tag or one.digest), None):
        raise UsageError(f"{wrong} names no tag", hint="for example registry.example/team/python:3.13-old")
    there = client(world, references[0].repository, access)
    changes = []
    for reference in references:
        found = there.find(reference.tag)
        changes.append(TagChange(reference.tag, "" if found is None else str(found.digest), ""))
        if found is not None and not dry_run:
            delete_tag(there, reference.tag)
    return RemoteChanges(str(references[0].repository), tuple(changes), (), dry_run)


def gc_remote(
    world: World, text: str, access: RegistryAccess, *, only: tuple[str, ...], keep: int, dry_run: bool
) -> RemoteChanges:
    """Delete dated tags beyond the newest ``keep`` of their kind, and manifests that nothing else names."""
    there = client(world, repository(text), access)
    tags = {tag: found.digest for tag in there.tags() if (found := there.find(tag)) is not None}
    reach = {digest: _reach(there, digest) for digest in set(tags.values())}
    plan = superfluous(tags, reach, only=only, keep=keep)
    if not dry_run:
        for tag in plan.tags:
            delete_tag(there, tag)
        for digest in plan.manifests:
            there.delete_manifest(str(digest))
    changes = tuple(TagChange(tag, str(tags[tag]), "") for tag in plan.tags)
    return RemoteChanges(text, changes, plan.manifests, dry_run)


def _reach(there: RepositoryClient, digest: Digest) -> tuple[Digest, ...]:
    document = there.get(str(digest))
    if document.media_type not in INDEXES:
        return ()
    return tuple(entry.digest for entry in Index.parse(document.content).manifests)


def _tag(text: str) -> str:
    try:
        return check_tag(text)
    except ValueError as error:
        raise UsageError(str(error)) from None

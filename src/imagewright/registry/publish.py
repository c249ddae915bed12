# SPDX-License-Identifier: Apache-2.0
"""Publishing in an order that cannot mislead.

1. every blob, then every platform's manifest by its digest;
2. what is attached to them (attestations);
3. one index for each image, by its digest, joined from these platforms and those that other machines published of
   the same image; a platform that is required and missing ends the work here, before any tag has moved; and one
   for each tag that several images share, from theirs;
4. all tags, last. A tag that is immutable and names something else ends the work before the first moves; one that
   cannot be moved brings those that were moved back to where they were.

Nothing here is lost by an interruption: a second run finds what is there by digest and sends what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from imagewright.errors import RegistryError
from imagewright.model.digest import Digest
from imagewright.model.references import Repository
from imagewright.oci.descriptor import INDEX, INDEXES, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.merging import IMAGE_ANNOTATION, is_attestation, joined, platform_of
from imagewright.registry.refusals import NotFoundError
from imagewright.registry.untagging import delete_tag
from imagewright.registry.upload import Blob, Uploader, Way


@dataclass(frozen=True, slots=True)
class Attachment:
    """A manifest that describes another one, its ``subject``: an attestation, a signature."""

    document: Document
    described: Descriptor
    subject: Digest
    blobs: tuple[Blob, ...]
    in_index: bool = False


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """One platform of an image: its manifest, the blobs it consists of, and what is attached to it."""

    platform: Target
    manifest: Document
    blobs: tuple[Blob, ...]
    attachments: tuple[Attachment, ...] = ()

    def entry(self, name: str) -> Descriptor:
        """What the index of the image ``name`` says of it."""
        return replace(self.manifest.descriptor, platform=self.platform, annotations=((IMAGE_ANNOTATION, name),))


@dataclass(frozen=True, slots=True)
class Publication:
    """One image with all its tags, the most special first. ``name`` is its canonical tag.

    ``immutable`` are those of its tags that may never name anything else.
    """

    name: str
    tags: tuple[str, ...]
    platforms: tuple[PlatformImage, ...]
    immutable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shared:
    """A tag that several images may share, each on platforms of its own: Linux, and versions of Windows.

    ``images`` are those of this push, ``family`` all that may have it: what others of these were published under
    the tag stays there.
    """

    tag: str
    images: tuple[str, ...]
    family: frozenset[str]


@dataclass(frozen=True, slots=True)
class Published:
    """What came of one publication. ``moved`` are tags that named something else before, or nothing."""

    name: str
    digest: Digest
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    moved: tuple[str, ...]


Progress = Callable[[Digest, int, int, Way | None], None]
"""Told of each blob: digest, bytes that are there, its size, and how it came there once it is."""


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """``require`` are platforms (``linux/arm64``) that every index must hold; ``sources`` repositories to mount
    from; ``replace`` gives up platforms that others published instead of joining them."""

    require: tuple[str, ...] = ()
    sources: tuple[Repository, ...] = ()
    replace: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Tally:
    """What was done with blobs: counts by way, and the bytes that were sent."""

    ways: dict[Way, int] = field(default_factory=dict)
    sent: int = 0


_ROUNDS = 5
"""How often tags are moved that others move at the same time."""


@dataclass(frozen=True, slots=True)
class _Led:
    """Where tags shall lead: each image's index by its name, and the joint index of each shared tag."""

    publications: Sequence[Publication]
    shared: Sequence[Shared]
    indexes: Mapping[str, Document]
    joint: Mapping[str, Document]

    def wanted(self) -> Iterator[tuple[str, Document, bool]]:
        """Every tag, what it shall name, and whether it must never move."""
        for each in self.publications:
            yield from ((tag, self.indexes[each.name], tag in each.immutable) for tag in each.tags)
        yield from ((tag, document, False) for tag, document in self.joint.items())


class Publisher:
    """Publishes images to one repository."""

    def __init__(self, client: RepositoryClient, options: PublishOptions, progress: Progress) -> None:
        self._client = client
        self._options = options
        self._progress = progress
        self.tally = Tally()

    def publish(self, publications: Sequence[Publication], shared: Sequence[Shared] = ()) -> tuple[Published, ...]:
        """Publish all of them; their tags move together, after everything else is there.

        A dry run writes nothing, and says what it would. Raises :class:`RegistryError`; then no tag has moved, or
        those that had were moved back.
        """
        self._send_blobs(publications)
        for publication in publications:
            for image in publication.platforms:
                self._put_missing(image.manifest)
                self.attach(image.attachments)
        led = self._led(publications, shared)
        moves = self._moves(led.wanted())
        moved = {move.tag for move in moves}
        if not self._options.dry_run:
            led, more = self._settle(led, moves)
            moved |= more
        indexes = led.indexes
        return tuple(_published(each, indexes[each.name], shared, moved) for each in publications)

    def _led(self, publications: Sequence[Publication], shared: Sequence[Shared]) -> _Led:
        """What the tags shall name, joined with what others published under them until now."""
        indexes = {publication.name: self._index(publication) for publication in publications}
        joint = {each.tag: self._joined(each, indexes) for each in shared}
        return _Led(publications, shared, indexes, joint)

    def _settle(self, led: _Led, moves: Sequence[Move]) -> tuple[_Led, set[str]]:
        """Move the tags, and look whether they still name all that was joined; what they name in the end.

        A push of other platforms at the same moment may have read the tags before they moved here, and moved
        them afterwards: then both are joined and the tags moved once more. A registry has no way to move a tag
        only if it names what one believes (OCI distribution 1.1), so what is left is the moment between reading a
        tag and moving it. Raises :class:`RegistryError` where this does not come to rest.
        """
        moved: set[str] = set()
        for _ in range(_ROUNDS):
            move_together(self._client, moves)
            moved |= {move.tag for move in moves}
            if not moves or not self._overtaken(led):
                return led, moved
            led = self._led(led.publications, led.shared)
            moves = self._moves(one for one in led.wanted() if not one[-1])
        raise RegistryError(
            f"the tags of {self._client.repository} do not come to rest",
            why="others publish the same images at the same time, again and again",
            hint="run it again: what was sent is there, and only tags are left to move",
        )

    def _overtaken(self, led: _Led) -> bool:
        """Whether a tag that tells what is joined names something else than was moved there."""
        own = [(each.name, led.indexes[each.name]) for each in led.publications if each.name in each.tags]
        found = ((self._client.find(tag), document) for tag, document in (*own, *led.joint.items()))
        return any(now is None or now.digest != document.digest for now, document in found)

    def attach(self, attachments: Iterable[Attachment]) -> None:
        """Put manifests about others. One for an index has no subject: that index is what leads to it."""
        for attachment in () if self._options.dry_run else attachments:
            if attachment.in_index:
                self._put_missing(attachment.document)
            else:
                self._client.attach(attachment.document, attachment.described, attachment.subject)

    def send_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Bring manifests about what is there already, with their blobs."""
        for attachment in attachments:
            for blob in attachment.blobs:
                self._send(blob)
        self.attach(attachments)

    def copy(self, images: Sequence[PlatformImage], root: Document, tag: str, digest: str = "") -> Digest:
        """Bring an index or manifest there as it is, with all it leads to; the tag comes last.

        Raises :class:`RegistryError`, also where ``digest`` was asked for and is another.
        """
        if digest and digest != str(root.digest):
            raise RegistryError(f"what is copied is {root.digest}, not {digest}")
        self._send_blobs([Publication("", (), tuple(images))])
        for image in images:
            self._put_missing(image.manifest)
        self._put_missing(root)
        before = self._client.find(tag) if tag else None
        if tag and (before is None or before.digest != root.digest):
            self._client.put(tag, root)
        return root.digest

    def _send_blobs(self, publications: Iterable[Publication]) -> None:
        """Every blob once, several at a time. The first failure stops what has not begun."""
        wanted: dict[Digest, Blob] = {}
        for publication in publications:
            for image in publication.platforms:
                for blob in (*image.blobs, *(blob for each in image.attachments for blob in each.blobs)):
                    wanted.setdefault(blob.digest, blob)
        # The largest first: then no long transfer is left alone at the end.
        ordered = sorted(wanted.values(), key=lambda blob: (-blob.size, blob.digest.hex))
        with ThreadPoolExecutor(self._client.transport.options.parallel, thread_name_prefix="blob") as pool:
            futures = [pool.submit(self._send, blob) for blob in ordered]
            try:
                for blob, future in zip(ordered, futures, strict=True):
                    way = future.result()
                    self.tally.ways[way] = self.tally.ways.get(way, 0) + 1
                    self.tally.sent += blob.size if way is Way.UPLOADED else 0
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _send(self, blob: Blob) -> Way:
        def told(there: int) -> None:
            self._progress(blob.digest, there, blob.size, None)

        if self._options.dry_run:
            return Way.SKIPPED if self._client.has_blob(blob.digest, blob.size) else Way.UPLOADED
        way = Uploader(self._client).send(blob, self._options.sources, told)
        self._progress(blob.digest, blob.size, blob.size, way)
        return way

    def _put_missing(self, document: Document) -> None:
        if not self._options.dry_run and not self._client.has_manifest(document.digest):
            self._client.put(str(document.digest), document)

    def _index(self, publication: Publication) -> Document:
        """The index of an image, in the registry by its digest. Raises :class:`RegistryError` if it lacks one."""
        entries = [image.entry(publication.name) for image in publication.platforms]
        attached = [
            attachment.described
            for image in publication.platforms
            for attachment in image.attachments
            if attachment.in_index
        ]
        known = () if self._options.replace else self._same_image(publication)
        index = joined(known, entries, attached)
        missing = sorted(set(self._options.require) - set(platforms_of_index(index)))
        if missing:
            raise RegistryError(
                f"{publication.name} lacks {', '.join(missing)} in {self._client.repository}",
                why="these platforms are required, and neither this push nor an earlier one brought them",
                hint="build and push them first, or leave them out of --require; no tag was moved",
                details={"missing": missing},
            )
        document = Document(index.encode(), INDEX)
        self._put_missing(document)
        return document

    def _same_image(self, publication: Publication) -> tuple[Descriptor, ...]:
        """What the canonical tag's index holds of this very image now, whoever published it."""
        try:
            document = self._client.get(publication.name)
        except NotFoundError:
            return ()
        if document.media_type not in INDEXES:
            return ()
        return tuple(
            entry
            for entry in Index.parse(document.content).manifests
            if entry.annotation(IMAGE_ANNOTATION) in {"", publication.name}
        )

    def _joined(self, shared: Shared, indexes: Mapping[str, Document]) -> Document:
        """The index of a tag that images share, in the registry by its digest."""
        entries = [entry for name in shared.images for entry in Index.parse(indexes[name].content).manifests]
        others = shared.family - set(shared.images)
        known = () if self._options.replace else self._known(shared.tag, others)
        images = [entry for entry in entries if not is_attestation(entry)]
        if len({platform_of(entry) for entry in images}) < len(images):
            raise RegistryError(
                f"two images want the tag {shared.tag} for one platform", hint="publish them one at a time"
            )
        index = joined(known, images, [entry for entry in entries if is_attestation(entry)])
        document = Document(index.encode(), INDEX)
        self._put_missing(document)
        return document

    def _known(self, tag: str, images: AbstractSet[str]) -> tuple[Descriptor, ...]:
        """What a tag's index holds of these images now, with what is attached to anything."""
        try:
            document = self._client.get(tag) if images else None
        except NotFoundError:
            document = None
        if document is None or document.media_type not in INDEXES:
            return ()
        return tuple(
            entry
            for entry in Index.parse(document.content).manifests
            if is_attestation(entry) or entry.annotation(IMAGE_ANNOTATION) in images
        )

    def _moves(self, tags: Iterable[tuple[str, Document, bool]]) -> tuple[Move, ...]:
        """Tags that do not name what they should, each with what it should and whether it must never move.

        Raises :class:`RegistryError` for one that must not.
        """
        wanted: dict[str, tuple[Document, bool]] = {}
        for tag, index, immutable in tags:
            if tag in wanted and wanted[tag][0].digest != index.digest:
                raise RegistryError(f"two images want the tag {tag}", hint="publish them one at a time")
            wanted[tag] = (index, immutable)
        moves = []
        for tag, (index, immutable) in wanted.items():
            before = self._client.find(tag)
            if before is not None and before.digest == index.digest:
                continue
            if before is not None and immutable:
                raise RegistryError(
                    f"the tag {tag} of {self._client.repository} names {before.digest} and must not move",
                    hint="immutable tags stay; no tag was moved",
                    details={"tag": tag, "have": str(before.digest), "want": str(index.digest)},
                )
            moves.append(Move(tag, index, before))
        return tuple(moves)


def _published(
    publication: Publication, index: Document, shared: Iterable[Shared], moved: AbstractSet[str]
) -> Published:
    """``digest`` is the image's own index, whatever shared tags lead to."""
    tags = (*publication.tags, *(each.tag for each in shared if publication.name in each.images))
    return Published(
        name=publication.name,
        digest=index.digest,
        platforms=platforms_of(index),
        tags=tags,
        moved=tuple(tag for tag in tags if tag in moved),
    )


@dataclass(frozen=True, slots=True)
class Move:
    """A tag that is to name ``document``, and what it named before."""

    tag: str
    document: Document
    before: Descriptor | None


def move_together(client: RepositoryClient, moves: Sequence[Move]) -> None:
    """Move all tags, or none: those that moved before a failure are put back. Raises :class:`RegistryError`."""
    before = {move.tag: client.get(str(move.before.digest)) for move in moves if move.before is not None}
    done: list[Move] = []
    try:
        for move in moves:
            done.append(move)  # a lost answer may have moved it
            client.put(move.tag, move.document)
    except BaseException as error:
        lost = [move.tag for move in reversed(done) if not _put_back(client, move, before.get(move.tag))]
        if lost and isinstance(error, RegistryError):
            error.hint = f"run it again: these tags may name the new images: {', '.join(sorted(lost))}"
        raise


_STUBBORN = 3
"""Tags half moved are worse than a long wait."""


def _put_back(client: RepositoryClient, move: Move, before: Document | None) -> bool:
    """Undo one move; whether that worked. A tag that was new is deleted where the registry allows it."""
    try:
        if before is not None:
            client.put(move.tag, before, persistence=_STUBBORN)
            return True
        now = client.find(move.tag)
        return now is None or delete_tag(client, move.tag)
    except RegistryError:
        return False


def platforms_of(index: Document) -> tuple[str, ...]:
    """The platforms of an index document, sorted."""
    return platforms_of_index(Index.parse(index.content))


def platforms_of_index(index: Index) -> tuple[str, ...]:
    """The platforms of an index, sorted; attestations have none."""
    found = {str(entry.platform) for entry in index.manifests if entry.platform is not None}
    return tuple(sorted(found - {"unknown/unknown"}))

# SPDX-License-Identifier: Apache-2.0
"""Finished steps in a repository, for other machines: found, brought here verified, and kept there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.plan import Step, StepRecord
from imagewright.model.ports import BlobStore
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, StoredSource
from imagewright.registry.client import RepositoryClient
from imagewright.registry.refusals import NotFoundError
from imagewright.registry.step_entries import (
    StepEntry,
    check_manifest,
    manifest_of,
    profile_manifest,
    profile_tag,
    read_entry,
    record_bytes,
    tag_of,
)
from imagewright.registry.upload import Blob, Uploader, Way

Progress = Callable[[Descriptor, int], None]
"""Told of each blob, and how many of its bytes are there."""

Trust = Callable[[Digest], None]
"""Raises ``VerificationError`` for a manifest that nobody vouches for who is believed."""

_SLOWEST = 16 << 10
_GRACE = 60.0


class StepCache:
    """One repository of finished steps. Methods raise :class:`RegistryError` and ``VerificationError``."""

    def __init__(self, client: RepositoryClient, trust: Trust, monotonic: Callable[[], float]) -> None:
        self.client = client
        self._trust = trust
        self._monotonic = monotonic

    def look(self, step: Step) -> StepEntry | None:
        """The result of a step, if there is one that may be believed; its blobs are not looked at yet."""
        try:
            document = self.client.get(tag_of(step.kind, step.id))
        except NotFoundError:
            return None
        manifest = check_manifest(document.content)
        self._trust(document.digest)
        return read_entry(manifest, b"".join(self.client.blob(manifest.config)), step)

    def bring(self, entry: StepEntry, blobs: BlobStore, progress: Progress) -> None:
        """Every blob of an entry into the store, compared with its digest and its size."""
        wanted = [blob for blob in entry.blobs if not blobs.has(blob.digest)]

        def fetch(blob: Descriptor) -> None:
            blobs.put(self._told(blob, progress), expected=blob.digest, size=blob.size)

        with ThreadPoolExecutor(self.client.transport.options.parallel, thread_name_prefix="blob") as pool:
            futures = [pool.submit(fetch, blob) for blob in wanted]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def bring_profile(self, profile: Digest, size: int, blobs: BlobStore) -> bool:
        """A trained profile, which the lock names by its digest; whether it is there."""
        blob = Descriptor("", profile, size)
        if not self.client.has_blob(profile, size):
            return False
        blobs.put(self.client.pieces(blob), expected=profile, size=size)
        return True

    def find(self, record: StepRecord) -> Digest | None:
        """The manifest that is kept for a step now."""
        found = self.client.find(tag_of(record.kind, record.id))
        return None if found is None else found.digest

    def described(self, record: StepRecord, blobs: BlobStore) -> Descriptor:
        """The manifest that this result has; its blobs are in the store."""
        return Descriptor.of(MANIFEST, _manifest(record, blobs).encode())

    def keep(self, record: StepRecord, blobs: BlobStore, progress: Progress) -> None:
        """A finished step with all its blobs, under its tag, which comes last."""
        tag = tag_of(record.kind, record.id)
        self._keep(_manifest(record, blobs), record_bytes(record), tag, blobs, progress)

    def keep_profile(self, profile: Digest, blobs: BlobStore, progress: Progress) -> None:
        """A trained profile, unless it is there."""
        manifest = profile_manifest(profile, blobs.size(profile))
        if self.client.find(profile_tag(profile)) is None:
            self._keep(manifest, b"{}", profile_tag(profile), blobs, progress)

    def _keep(self, manifest: Manifest, config: bytes, tag: str, blobs: BlobStore, progress: Progress) -> None:
        document = Document(manifest.encode(), MANIFEST)
        source = StoredSource(blobs, document)
        uploader = Uploader(self.client)
        uploader.send(Blob(manifest.config.digest, len(config), lambda offset: [config[offset:]]))

        def send(blob: Descriptor) -> Way:
            pieces = Blob(blob.digest, blob.size, lambda offset: source.pieces(blob, offset))
            return uploader.send(pieces, progress=lambda there: progress(blob, there))

        with ThreadPoolExecutor(self.client.transport.options.parallel, thread_name_prefix="blob") as pool:
            for future in [pool.submit(send, blob) for blob in manifest.layers]:
                future.result()
        self.client.put(tag, document)

    def _told(self, blob: Descriptor, progress: Progress) -> Iterator[bytes]:
        """A blob's bytes; one that hardly moves is given up, for then building is quicker."""
        begun, here = self._monotonic(), 0
        for piece in self.client.pieces(blob):
            yield piece
            here += len(piece)
            seconds = self._monotonic() - begun
            if seconds > _GRACE and here < _SLOWEST * seconds:
                raise RegistryError(f"{self.client.repository} sends less than {_SLOWEST} bytes per second")
            progress(blob, here)


def _manifest(record: StepRecord, blobs: BlobStore) -> Manifest:
    return manifest_of(record, {digest: blobs.size(digest) for _, digest in record.outputs})


def looked_up(
    cache: StepCache, steps: list[Step], at_once: int
) -> Mapping[Digest, StepEntry | RegistryError | VerificationError]:
    """Ask for many steps, several at once: what there is, and why it cannot be had where that is known.

    After the first failure of the registry itself nothing more is asked.
    """
    found: dict[Digest, StepEntry | RegistryError | VerificationError] = {}
    failed: list[RegistryError] = []

    def ask(step: Step) -> StepEntry | RegistryError | VerificationError | None:
        if failed:
            return None
        try:
            return cache.look(step)
        except RegistryError as error:
            failed.append(error)
            return error
        except VerificationError as error:
            return error

    with ThreadPoolExecutor(at_once, thread_name_prefix="cache") as pool:
        for step, answer in zip(steps, pool.map(ask, steps), strict=True):
            if answer is not None:
                found[step.id] = answer
    return found

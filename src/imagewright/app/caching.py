# SPDX-License-Identifier: Apache-2.0
"""Finished steps shared with other machines through a repository of a registry.

Whatever goes wrong there is said, and never breaks a build: what cannot be had, or not believed, is built here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from imagewright.app.registries import client, repository
from imagewright.app.signing import is_signed_by, key_password, read_key, sign_manifest
from imagewright.app.transfers import Transfers
from imagewright.app.world import World
from imagewright.attest.keys import PrivateKey, PublicKey, read_private, read_public
from imagewright.catalog.settings import CacheChoices
from imagewright.errors import ConfigurationError, RegistryError, VerificationError
from imagewright.events import Note, Sink, Warned
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedProfile
from imagewright.model.plan import Plan, PythonWork, Step, StepKind, StepRecord
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import Descriptor
from imagewright.registry.step_cache import StepCache, looked_up
from imagewright.registry.step_entries import KINDS, StepEntry
from imagewright.registry.transport import RegistryOptions
from imagewright.store.store import Store

_AT_ONCE = 8
_PATIENCE = RegistryOptions(connect_timeout=5.0, read_timeout=30.0, attempts=3, longest_pause=10.0)
"""Building is always another way."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Whom to believe, and who signs: files beside the configuration. ``anyone`` believes unsigned ones too."""

    trusted: tuple[PublicKey, ...]
    signing: PrivateKey | None
    anyone: bool

    @property
    def believed(self) -> tuple[PublicKey, ...]:
        """One's own signature is believed too."""
        return (*self.trusted, *((self.signing.public_key(),) if self.signing else ()))


class SharedSteps:
    """The cache as a build sees it; see :class:`imagewright.engine.caching.RemoteSteps`."""

    kinds: Collection[StepKind] = KINDS

    def __init__(self, cache: StepCache, keys: Keys, store: Store, sink: Sink, shown: Transfers) -> None:
        self._cache = cache
        self._keys = keys
        self._store = store
        self._sink = sink
        self._shown = shown
        self._failed = False
        self._found: dict[Digest, StepEntry] = {}

    @property
    def where(self) -> str:
        """The repository."""
        return str(self._cache.client.repository)

    def look(self, steps: Sequence[Step]) -> Collection[Digest]:
        """Which of these steps can be had, and believed."""
        by_id = {step.id: step for step in steps}
        for step_id, answer in looked_up(self._cache, list(steps), _AT_ONCE).items():
            if isinstance(answer, StepEntry):
                self._found[step_id] = answer
            else:
                self._warn(by_id[step_id].name, answer)
        return self._found.keys() & by_id.keys()

    def bring(self, steps: Sequence[Step]) -> Collection[Digest]:
        """Bring results into the store; which came whole."""
        return [step.id for step in steps if not self._failed and self._bring(step)]

    def _bring(self, step: Step) -> bool:
        entry = self._found[step.id]
        try:
            self._cache.bring(entry, self._store.blobs, self._progress)
        except (RegistryError, VerificationError) as error:
            self._warn(step.name, error)
            self._failed = isinstance(error, RegistryError)  # what failed so often will fail again
            return False
        self._store.steps.put(entry.record)
        return True

    def bring_profiles(self, steps: Iterable[Step]) -> None:
        """Trained profiles of compiles that are to come, where the store lacks them."""
        for step in steps:
            profile = _trained(step)
            if profile is None or self._store.blobs.has(profile.sha256):
                continue
            try:
                self._cache.bring_profile(profile.sha256, profile.size, self._store.blobs)
            except (RegistryError, VerificationError) as error:
                self._warn(f"the profile of {step.name}", error)

    def keep(self, plan: Plan, records: Iterable[StepRecord]) -> int:
        """Leave finished steps there, signed, and the profiles that they were compiled with; how many are new."""
        new = 0
        try:
            for record in records:
                if record.kind in KINDS and record.outputs:
                    new += self._keep(record)
            for profile in filter(None, map(_trained, plan.steps)):
                if self._store.blobs.has(profile.sha256):
                    self._cache.keep_profile(profile.sha256, self._store.blobs, self._progress)
        except (RegistryError, VerificationError) as error:
            self._sink(Warned(f"{self.where} does not keep every result: {_reason(error)}"))
        if new:
            self._sink(Note(f"{new} results are in {self.where} now"))
        return new

    def _keep(self, record: StepRecord) -> bool:
        there = self._cache.find(record)
        ours = self._cache.described(record, self._store.blobs)
        if there == ours.digest:
            return self._sign(ours)
        if there is not None and self._is_believed(there):
            self._sink(Warned(f"{self.where} has another result of {record.name}, which is left as it is"))
            return False
        self._cache.keep(record, self._store.blobs, self._progress)
        self._sign(ours)
        return True

    def _sign(self, ours: Descriptor) -> bool:
        """Sign what is there, unless that was done; whether it was done now."""
        key = self._keys.signing
        return key is not None and sign_manifest(self._cache.client, key, ours)

    def _is_believed(self, digest: Digest) -> bool:
        return self._keys.anyone or is_signed_by(self._cache.client, digest, self._keys.believed)

    def _progress(self, blob: Descriptor, there: int) -> None:
        self._shown.note(blob.digest, there, blob.size, "shared" if there == blob.size else "")

    def _warn(self, name: str, error: RegistryError | VerificationError) -> None:
        self._sink(Warned(f"{name} is built here: {_reason(error)}"))


_SHIPPED = "catalog:"
"""How the origin of a profile begins that comes with the program."""


def shared_steps(world: World, store: Store, where: str, sink: Sink, *, read: bool, write: bool) -> SharedSteps:
    """The cache that this build uses. Raises :class:`ConfigurationError`."""
    chosen = world.settings().cache
    keys = read_keys(world, chosen, read=read, write=write)
    access = RegistryAccess(plain=chosen.plain)
    there = client(world, repository(where), access, patience=_PATIENCE)

    def trust(digest: Digest) -> None:
        if not keys.anyone and not is_signed_by(there, digest, keys.believed):
            raise VerificationError(
                f"refused {there.repository}@{digest}", why="no key that is believed here signed it"
            )

    cache = StepCache(there, trust, world.clock.monotonic)
    shown = Transfers(sink, {}, world.clock)
    return SharedSteps(cache, keys, store, sink, shown)


def _trained(step: Step) -> LockedProfile | None:
    """The profile of a compile, if it did not come with the program."""
    profile = step.work.profile if isinstance(step.work, PythonWork) else None
    return None if profile is None or profile.origin.startswith(_SHIPPED) else profile


def read_keys(world: World, chosen: CacheChoices, *, read: bool, write: bool) -> Keys:
    """The keys that the configuration names. Raises :class:`ConfigurationError`."""
    keys = Keys(
        trusted=tuple(read_public(read_key(world.directory / name), name) for name in chosen.keys),
        signing=None
        if chosen.sign is None or not write
        else read_private(read_key(world.directory / chosen.sign), key_password() or b"", chosen.sign),
        anyone=chosen.anyone,
    )
    if read and not keys.anyone and not keys.believed:
        raise ConfigurationError(
            "nobody is believed who leaves results in the cache",
            why="the configuration names no key",
            hint='name public keys in [cache] keys, or say trust = "anyone"',
        )
    if write and not keys.anyone and keys.signing is None:
        raise ConfigurationError(
            "what this machine leaves in the cache would be believed by nobody",
            why="no key signs it",
            hint='name a private key in [cache] sign, or say trust = "anyone"',
        )
    return keys


def _reason(error: RegistryError | VerificationError) -> str:
    return f"{error.message} ({error.why})" if error.why else error.message

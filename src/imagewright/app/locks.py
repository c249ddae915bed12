# SPDX-License-Identifier: Apache-2.0
"""The lock file: read, made or refreshed from archives that were verified, and written whole."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from imagewright.app.world import World
from imagewright.errors import (
    ConfigurationError,
    FetchError,
    ImagewrightError,
    LockChangedError,
    MachineError,
    VerificationError,
)
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.ports import Ports
from imagewright.model.results import LockChanges
from imagewright.planning.lockfile import MAXIMUM_LOCK, read_lock, write_lock
from imagewright.planning.targets import check_fresh, is_locked
from imagewright.store.store import Store

_ATTEMPTS = 3
"""How often a change of the lock is made anew because another command wrote it meanwhile."""

_ISOLATED = (ConfigurationError, FetchError, VerificationError)
"""What may be wrong with some of many images."""


def load_lock(path: Path) -> Lock | None:
    """The lock at ``path``, if there is one. Raises :class:`ConfigurationError` for one that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_LOCK + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}", why=error.strerror or str(error)) from error
    try:
        return read_lock(data.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text", why=str(error)) from error


@contextmanager
def lock_unchanged(path: Path, before: Lock | None) -> Iterator[None]:
    """What writes the lock at ``path`` does so inside of this, and only if it is still ``before``.

    Keeps all others that write a lock of that directory waiting, so no more than the writing belongs inside.
    Raises :class:`LockChangedError` and :class:`MachineError`.
    """
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error), hint="see --lock") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if load_lock(path) != before:
            raise LockChangedError(
                f"{path} was changed by another command meanwhile", hint="nothing was written; run this again"
            )
        yield
    finally:
        os.close(descriptor)


def save_lock(world: World, lock: Lock, *, before: Lock | None) -> None:
    """Write the lock whole or not at all, in the place of ``before``, which it was made of.

    Raises :class:`LockChangedError` where another command was faster.
    """
    path = world.lock_path
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        temporary.write_text(write_lock(lock), encoding="utf-8")
        temporary.chmod(0o666 & ~world.umask)
        with lock_unchanged(path, before):
            temporary.replace(path)
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error), hint="see --lock") from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def change_lock(world: World, change: Callable[[Lock | None], Lock]) -> Lock:
    """Write what ``change`` makes of the lock as it is; made anew where another command was faster.

    Raises :class:`LockChangedError` where that happens again and again.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(LockChangedError):
            return _changed(world, change)
    return _changed(world, change)


def _changed(world: World, change: Callable[[Lock | None], Lock]) -> Lock:
    before = load_lock(world.lock_path)
    after = change(before)
    if after != before:
        save_lock(world, after, before=before)
    return after


def ensure_locked(
    world: World, store: Store, ports: Ports, definitions: Iterable[ImageDefinition], sink: Sink
) -> Lock:
    """The lock for a build: as it is where it knows the images, made where it does not know them yet.

    Raises :class:`StaleLockError` where it knows them from another configuration.
    """
    wanted = tuple(definitions)

    def completed(lock: Lock | None) -> Lock:
        missing = tuple(item for item in wanted if lock is None or not is_locked(lock, item, world.catalog))
        if lock is not None and not missing:
            return lock
        names = ", ".join(sorted({str(item.name) for item in missing}))
        sink(Note(f"{world.lock_path} does not know {names} yet"))
        return refresh(world, store, ports, missing, lock, sink, keep=True)

    lock = change_lock(world, completed)
    known = dict(lock.configuration)
    for item in wanted:
        check_fresh(known, item, world.catalog)
    return lock


def ensure_each(
    world: World, store: Store, ports: Ports, definitions: Sequence[ImageDefinition], sink: Sink
) -> tuple[Lock, dict[int, ImagewrightError]]:
    """As :func:`ensure_locked`, but what cannot be locked does not keep the others from it.

    The lock, and errors by the definitions' places. Where nothing can be locked, or only one was asked for, the
    error is raised.
    """

    def ensure(some: Sequence[ImageDefinition]) -> Lock:
        return ensure_locked(world, store, ports, some, sink)

    load_lock(world.lock_path)  # a lock that is wrong is wrong for all
    return _each(definitions, ensure)


def refresh_each(
    world: World,
    store: Store,
    ports: Ports,
    definitions: Sequence[ImageDefinition],
    previous: Lock | None,
    sink: Sink,
    *,
    toolchain: bool,
) -> tuple[Lock, dict[int, ImagewrightError]]:
    """As :func:`refresh`, but what cannot be locked does not keep the others from it; see :func:`ensure_each`."""
    held = previous

    def take(some: Sequence[ImageDefinition]) -> Lock:
        nonlocal held
        held = refresh(world, store, ports, tuple(some), held, sink, toolchain=toolchain)
        return held

    return _each(definitions, take)


def _each(
    definitions: Sequence[ImageDefinition], attempt: Callable[[Sequence[ImageDefinition]], Lock]
) -> tuple[Lock, dict[int, ImagewrightError]]:
    """Try all together; else archive by archive; else one by one where an archive is there, but an image does
    not go together. What the last attempt that went well gave, and errors by place."""
    try:
        return attempt(definitions), {}
    except _ISOLATED as error:
        if len(definitions) == 1:
            raise
        first = error
    groups: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(definitions):
        groups.setdefault((item.name.suite, item.platform.debian), []).append(place)
    lock: Lock | None = None
    failures: dict[int, ImagewrightError] = {}
    for places in groups.values():
        parts = [places]
        while parts:
            part = parts.pop(0)
            try:
                lock = attempt([definitions[place] for place in part])
            except _ISOLATED as error:
                if isinstance(error, ConfigurationError) and len(part) > 1:
                    parts = [[place] for place in part]
                else:
                    failures.update(dict.fromkeys(part, error))
    if lock is None:
        raise first
    return lock, failures


def refresh(
    world: World,
    store: Store,
    ports: Ports,
    definitions: tuple[ImageDefinition, ...],
    previous: Lock | None,
    sink: Sink,
    *,
    keep: bool = False,
    toolchain: bool = False,
) -> Lock:
    """Lock the definitions from the archives as they are now; with ``keep``, shared sets stay as they are."""
    from imagewright.app.archives import lock_inputs
    from imagewright.planning.locking import make_lock

    inputs = lock_inputs(world, store, ports, definitions, sink)
    lock = make_lock(definitions, world.catalog, inputs, previous=previous, keep=keep, refresh_toolchain=toolchain)
    del inputs
    release_memory()
    return lock


def release_memory() -> None:
    """Give back what tens of thousands of packages took: a build that follows would carry it to its end.

    The C library keeps freed memory for later otherwise (malloc_trim(3)); other C libraries do without.
    """
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def changes(path: Path, before: Lock | None, after: Lock) -> LockChanges:
    """What locking changed."""
    from imagewright.planning.differences import diff_locks

    packages = {package for found in after.sets for package in found.packages}
    return LockChanges(diff_locks(before or Lock(), after), path, len({package.sha256 for package in packages}))


def inputs_of(lock: Lock) -> Iterator[Digest]:
    """Every file that a lock names: what must outlive the archives it came from."""
    for found in lock.sets:
        yield from (package.sha256 for package in found.packages)
    yield from (source.sha256 for source in lock.sources)
    yield from (wheel.sha256 for source in lock.sources for wheel in source.wheels)
    yield from (profile.sha256 for profile in lock.profiles)
    yield from (wheel.sha256 for site in lock.wheels for wheel in site.wheels)
    yield from (found.sha256 for found in lock.distributions)
    yield from (found.pip.sha256 for found in lock.distributions)
    yield from (base.digest for base in lock.bases)

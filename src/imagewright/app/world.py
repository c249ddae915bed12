# SPDX-License-Identifier: Apache-2.0
"""What this run stands on: catalog, choices, paths, clock and store."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright.errors import ConfigurationError, MachineError, Problems

if TYPE_CHECKING:
    from imagewright.catalog.model import Catalog
    from imagewright.catalog.publication import Publication
    from imagewright.catalog.settings import Choices, Settings
    from imagewright.model.general import GlobalOptions
    from imagewright.model.options import Selection
    from imagewright.model.platforms import Platform
    from imagewright.store.store import Store

CONFIGURATION = "imagewright.toml"
LOCK = "imagewright.lock"
_LARGEST_CONFIGURATION = 1 << 20


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from some fixed moment."""
        return time.monotonic()


@dataclass(frozen=True)
class World:
    """Everything that holds for one run; made once, opened as far as it is needed. ``umask`` is the person's.

    ``found`` stands for the content of the file of found releases, where an update looks ahead.
    """

    options: GlobalOptions
    clock: SystemClock
    umask: int
    found: str | None = None

    @cached_property
    def _text(self) -> str | None:
        """The configuration's text, if there is one."""
        path = self.options.config or Path(CONFIGURATION)
        return read_text(path) if self.options.config is not None or path.is_file() else None

    @property
    def configured(self) -> bool:
        """Whether there is a configuration; where there is none, much need not be looked at."""
        return self._text is not None

    @cached_property
    def _read(self) -> tuple[Catalog, Choices]:
        from imagewright.catalog.configuration import apply_configuration
        from imagewright.catalog.shipped import shipped_documents

        found = self.found
        if found is None and self.found_path.is_file():
            found = read_text(self.found_path)
        path = self.options.config or Path(CONFIGURATION)
        catalog, choices = apply_configuration(
            shipped_documents(), self._text, str(path), found=found, found_name=str(self.found_path)
        )
        return catalog, replace(choices, files=_files_of(choices, path))

    @cached_property
    def found_path(self) -> Path:
        """Where ``imagewright update`` keeps the releases it found: beside the lock, under its name."""
        from imagewright.catalog.configuration import lock_named
        from imagewright.catalog.found import SUFFIX

        lock = self.options.lock or Path(lock_named(self._text or "") or LOCK)
        return lock.with_name(f"{lock.name.removesuffix('.lock')}{SUFFIX}")

    @property
    def directory(self) -> Path:
        """Where the configuration is, or would be: what its paths are relative to."""
        return (self.options.config or Path(CONFIGURATION)).absolute().parent

    @property
    def catalog(self) -> Catalog:
        """What may be built."""
        return self._read[0]

    @property
    def keyrings(self) -> tuple[Path, ...]:
        """Files with further OpenPGP certificates, named relative to the configuration that names them."""
        directory = (self.options.config or Path(CONFIGURATION)).parent
        return tuple(directory / name for name in self._read[1].keyrings)

    @property
    def publication(self) -> Publication:
        """Who publishes the images and where."""
        return self._read[1].publication

    def settings(self, selection: Selection | None = None, *, machine: Choices | None = None) -> Settings:
        """What was chosen: defaults < file < environment < flags. ``machine`` holds its apt sources' mirrors."""
        from imagewright.catalog.configuration import flag_choices, read_environment
        from imagewright.catalog.settings import resolve_settings
        from imagewright.model.options import Selection

        return resolve_settings(
            machine=machine,
            file=self._read[1],
            environment=read_environment(os.environ),
            flags=flag_choices(self.options, selection or Selection()),
        )

    @cached_property
    def jobs(self) -> int:
        """How many processes may run at once."""
        return self.options.jobs or self.settings().jobs or len(os.sched_getaffinity(0))

    @cached_property
    def lock_path(self) -> Path:
        """Where the lock is, or will be."""
        return self.options.lock or Path(self.settings().lock or LOCK)

    @cached_property
    def store_path(self) -> Path:
        """Where the store is, or will be: the user's cache directory unless said otherwise."""
        chosen = self.options.store or Path((self.settings().store if self.configured else "") or "")
        if chosen != Path():
            return chosen.absolute()
        import platformdirs

        return platformdirs.user_cache_path("imagewright") / "store"

    def open_store(self, *, exclusive: bool = False) -> Store:
        """Open the store for work, as root at least of a user namespace: what lies in roots has many owners.

        May begin the program anew; see :meth:`become_root`.
        """
        self.become_root()
        return self.read_store(exclusive=exclusive)

    def become_root(self) -> None:
        """As an ordinary user, begin the program anew as root of a user namespace, before anything was done.

        Raises :class:`MachineError` naming what is missing.
        """
        from imagewright.sandbox.becoming import become_root

        own = os.umask(self.umask)  # the program that begins anew is to find the person's own
        try:
            become_root()
        finally:
            os.umask(own)

    def read_store(self, *, exclusive: bool = False) -> Store:
        """Open the store for records and documents alone, making it if there is none. This needs no privileges."""
        from imagewright.store.store import Store

        return Store.open(self.store_path, clock=self.clock, exclusive=exclusive)

    def platforms(self, selection: Selection) -> tuple[Platform, ...]:
        """The platforms asked for, or this machine's own."""
        return selection.platforms or (own_platform(),)


def make_world(options: GlobalOptions) -> World:
    """The world of this process.

    Roots are made with the umask that packages expect, whatever the person's is; ``umask`` remembers theirs, for
    the files that are written for them.
    """
    return World(options, SystemClock(), os.umask(0o022))


def own_platform() -> Platform:
    """This machine's platform. Raises :class:`MachineError` for one that no image can be built for."""
    from imagewright.model.platforms import parse_platform

    name = platform.machine()
    try:
        return parse_platform({"i686": "i386", "armv7l": "arm32v7"}.get(name, name))
    except ValueError as error:
        raise MachineError(f"no images are built for {name}", hint="choose another one with --platform") from error


def _files_of(choices: Choices, configuration: Path) -> tuple[tuple[str, bytes], ...]:
    """The files that a configuration names. Raises :class:`ConfigurationError` with all that is wrong."""
    from imagewright.catalog.sites import MAXIMUM_FILE, read_files

    directory = configuration.absolute().parent

    def read(path: str) -> bytes:
        with (directory / path).open("rb") as file:
            return file.read(MAXIMUM_FILE + 1)

    problems = Problems()
    layers = [("defaults", choices.image.site)]
    layers += [(f"overrides[{number}]", each.choices.site) for number, each in enumerate(choices.overrides)]
    found = read_files(layers, read, problems)
    problems.raise_if_any(f"{configuration} names files that are wrong")
    return found


def read_text(path: Path) -> str:
    """The text of a document of the person's. Raises :class:`ConfigurationError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_CONFIGURATION + 1)
        if len(data) > _LARGEST_CONFIGURATION:
            raise ConfigurationError(f"{path} is larger than {_LARGEST_CONFIGURATION} bytes")
        return data.decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}", why=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text", why=str(error)) from error

# SPDX-License-Identifier: Apache-2.0
"""Where archives are: addresses by mirror role. Who said them (a flag, a file, the machine) is decided before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from imagewright.errors import ConfigurationError

SNAPSHOT = "snapshot"
"""The role of archives of the past; tried after the mirrors. ``{role}`` in its address stands for the mirror's."""

STANDS_IN = {"ubuntu-security": "ubuntu"}
"""Whose mirrors also have what another role asks for: each of Ubuntu's carries the security pocket."""

PYTHON = "python"
"""The role of python.org: its release data, and its download server. It has a default, unlike the others."""

PYTHON_ADDRESS = "https://www.python.org"

_TEMPLATE = re.compile(r"\{([a-z][a-z0-9-]{0,40})\}/(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Addresses by role, each in the order to try. ``notes`` say what of the machine's sources is not used."""

    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def addresses(self, role: str) -> tuple[str, ...]:
        """The addresses of a role or its stand-in. Raises ``ConfigurationError`` if none is known."""
        if found := self._known(role):
            return found
        known = ", ".join(sorted(self.roles)) or "none"
        raise ConfigurationError(
            f"no mirror is known for {role}",
            why="; ".join((f"mirrors are known for: {known}", *self.notes[:2])),
            hint=f"give one with --mirror {role}=URL, or under [mirrors] in imagewright.toml",
        )

    def snapshots(self, role: str) -> tuple[str, ...]:
        """Addresses that may still have what left the mirrors of ``role``."""
        if role == PYTHON:  # nothing ever leaves it
            return ()
        name = STANDS_IN.get(role, role)
        return tuple(address.replace("{role}", name) for address in self.roles.get(SNAPSHOT, ()))

    def urls(self, role: str, path: str, *, last: Iterable[str] = ()) -> tuple[str, ...]:
        """Every URL of a file below an archive's address: mirrors, snapshots, then the addresses ``last``.

        Empty where no mirror is known at all; ``path`` is already quoted for a URL.
        """
        addresses = (*self._known(role), *self.snapshots(role), *last)
        return tuple(dict.fromkeys(f"{address.rstrip('/')}/{path}" for address in addresses))

    def resolve(self, url: str) -> tuple[str, ...]:
        """What a URL of the lock stands for: ``{debian}/pool/…`` becomes one for each address, others stay.

        Raises ``ConfigurationError`` for a template that is malformed; a role without a mirror gives nothing.
        """
        if not url.startswith("{"):
            return (url,)
        match = _TEMPLATE.fullmatch(url)
        if not match:
            raise ConfigurationError(f"not an address: {url[:100]!r}", hint="{role}/path, or a whole URL")
        return self.urls(match[1], match[2])

    def _known(self, role: str) -> tuple[str, ...]:
        return self.roles.get(role) or self.roles.get(STANDS_IN.get(role, ""), ())

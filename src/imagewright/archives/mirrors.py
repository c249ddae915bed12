# SPDX-License-Identifier: Apache-2.0
"""Where archives are: addresses by mirror role, from a flag, the configuration, or the machine's apt sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from imagewright.errors import ConfigurationError, UsageError

SNAPSHOT = "snapshot"
"""The role of archives of the past; tried after the mirrors. ``{role}`` in its address stands for the mirror's."""

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
_TEMPLATE = re.compile(r"\{([a-z][a-z0-9-]{0,40})\}(/.*)", re.ASCII)
_SCHEMES = ("http", "https", "file")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Addresses by role, each in the order to try. ``notes`` say what of the machine's sources is not used."""

    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def addresses(self, role: str) -> tuple[str, ...]:
        """The addresses of a role. Raises ``ConfigurationError`` if none is known."""
        if found := self.roles.get(role):
            return found
        known = ", ".join(sorted(self.roles)) or "none"
        raise ConfigurationError(
            f"no mirror is known for {role}",
            why=f"mirrors are known for: {known}",
            hint=f"give one with --mirror {role}=URL, or under [mirrors] in imagewright.toml",
        )

    def snapshots(self, role: str) -> tuple[str, ...]:
        """Addresses that may still have what left the mirrors of ``role``."""
        return tuple(address.replace("{role}", role) for address in self.roles.get(SNAPSHOT, ()))

    def urls(self, role: str, path: str, *, last: Iterable[str] = ()) -> tuple[str, ...]:
        """Every URL of a file below an archive's address: mirrors, snapshots, then the addresses ``last``.

        Empty where no mirror is known at all; ``path`` is already quoted for a URL.
        """
        addresses = (*self.roles.get(role, ()), *self.snapshots(role), *last)
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
        return self.urls(match[1], match[2].lstrip("/"))

    @property
    def uses_files(self) -> bool:
        """Whether any address is on this machine's own disk."""
        return any(urlsplit(address).scheme == "file" for found in self.roles.values() for address in found)


def parse_flags(flags: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Read ``--mirror NAME=URL`` flags; a name given twice has two addresses. Raises ``UsageError``."""
    found: dict[str, list[str]] = {}
    for flag in flags:
        role, equals, address = flag.partition("=")
        if not equals or not _ROLE.fullmatch(role):
            raise UsageError(
                f"--mirror {flag}: expected NAME=URL", hint="for one: --mirror debian=https://…/debian"
            )
        problem = address_problem(address)
        if problem:
            raise UsageError(f"--mirror {flag}: {problem}")
        found.setdefault(role, []).append(address.rstrip("/"))
    return {role: tuple(addresses) for role, addresses in found.items()}


def address_problem(address: str) -> str:
    """What is wrong with an archive's address, empty if nothing."""
    try:
        parts = urlsplit(address)
        complete = parts.hostname or (parts.scheme == "file" and parts.path)
    except ValueError as error:
        return str(error)
    if parts.scheme not in _SCHEMES or not complete:
        return "only http, https and file addresses can be used"
    if parts.query or parts.fragment or not address.isprintable() or " " in address:
        return "it has a query, a fragment or blanks"
    return ""


def choose_mirrors(
    *,
    flags: Mapping[str, tuple[str, ...]],
    configured: Mapping[str, Sequence[str]],
    machine: Mapping[str, tuple[str, ...]],
    notes: tuple[str, ...] = (),
) -> Mirrors:
    """Put together what is known: for each role a flag beats the configuration, which beats the machine's sources.

    Whoever names a role names all its addresses: a mirror given by hand is not mixed with others. Raises
    ``ConfigurationError`` for a configured address that cannot be used.
    """
    for role, addresses in configured.items():
        for address in addresses:
            if not _ROLE.fullmatch(role) or (problem := address_problem(address)):
                raise ConfigurationError(
                    f"mirrors.{role}: {address!r} cannot be used", why=problem or "no such name"
                )
    own = {role: tuple(address.rstrip("/") for address in addresses) for role, addresses in configured.items()}
    return Mirrors({**machine, **{role: found for role, found in own.items() if found}, **flags}, notes)

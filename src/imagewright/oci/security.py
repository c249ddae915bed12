# SPDX-License-Identifier: Apache-2.0
"""Security descriptors of Windows: who owns a file and who may do what with it, in self-relative form.

Sources: [MS-DTYP] 2.4.2 (SID), 2.4.3 (ACCESS_MASK), 2.4.4.1 and 2.4.4.2 (ACE_HEADER, ACCESS_ALLOWED_ACE), 2.4.5
(ACL), 2.4.6 (SECURITY_DESCRIPTOR). Everything is little-endian but a SID's authority. Pure.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

from imagewright.errors import VerificationError

ADMINISTRATORS = "S-1-5-32-544"
SYSTEM = "S-1-5-18"
USERS = "S-1-5-32-545"
CREATOR_OWNER = "S-1-3-0"
"""Well-known SIDs, the same on every Windows ([MS-DTYP] 2.4.2.4); SDDL calls them BA, SY, BU and CO."""

FULL = 0x001F01FF
"""FILE_ALL_ACCESS (FA)."""

GENERIC_ALL = 0x10000000
READ_AND_EXECUTE = 0x001200A9
"""FILE_GENERIC_READ | FILE_GENERIC_EXECUTE."""

ADD_FILE = 0x2
ADD_DIRECTORY = 0x4

MAXIMUM = 1 << 16
"""Bytes of a descriptor; an ACL cannot be larger."""

_REVISION = 1
_ACL_REVISION = 2
_ALLOWED = 0
_SELF_RELATIVE = 0x8000
_DACL_PRESENT = 0x0004
_HEAD = struct.Struct("<BBHIIII")
_ACL = struct.Struct("<BBHHH")
_ACE = struct.Struct("<BBHI")
_SID = re.compile(r"S-1-(\d{1,15})((?:-\d{1,10}){1,15})", re.ASCII)


class Inherit(IntFlag):
    """How an entry is passed on to what is made in a directory (AceFlags)."""

    NONE = 0
    OBJECTS = 1
    CONTAINERS = 2
    ONLY = 8


BELOW = Inherit.OBJECTS | Inherit.CONTAINERS


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry that allows ``mask`` to ``sid`` (``S-1-…``)."""

    sid: str
    mask: int
    inherit: Inherit = Inherit.NONE


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Owner, group, and who may do what; without a list ``allowed`` everybody may do everything."""

    owner: str
    group: str
    allowed: tuple[Allowed, ...] | None = None

    def encode(self) -> bytes:
        """Self-relative: head, owner, group, list. Raises ``ValueError`` for what is no SID."""
        owner, group = sid_bytes(self.owner), sid_bytes(self.group)
        dacl = b"" if self.allowed is None else _acl(self.allowed)
        at = _HEAD.size
        places = (at, at + len(owner), 0, at + len(owner) + len(group) if dacl else 0)
        control = _SELF_RELATIVE | (_DACL_PRESENT if dacl else 0)
        return _HEAD.pack(_REVISION, 0, control, *places) + owner + group + dacl

    @classmethod
    def parse(cls, data: bytes) -> Descriptor:
        """Read one that has an owner, a group and no list but one that allows. Raises ``VerificationError``."""
        try:
            revision, _, control, owner, group, sacl, dacl = _HEAD.unpack_from(data)
            if revision != _REVISION or not control & _SELF_RELATIVE or sacl or len(data) > MAXIMUM:
                raise ValueError("it is not self-relative, or has an audit list")
            if bool(control & _DACL_PRESENT) != bool(dacl):
                raise ValueError("it does not say whether it has an access list")
            allowed = _read_acl(data, dacl) if dacl else None
            return cls(_read_sid(data, owner), _read_sid(data, group), allowed)
        except (struct.error, ValueError, IndexError) as error:
            raise VerificationError("refused a security descriptor of Windows", why=str(error)) from None


DIRECTORY = Descriptor(
    ADMINISTRATORS,
    SYSTEM,
    (
        Allowed(ADMINISTRATORS, FULL, BELOW),
        Allowed(SYSTEM, FULL, BELOW),
        Allowed(ADMINISTRATORS, FULL),
        Allowed(CREATOR_OWNER, GENERIC_ALL, BELOW | Inherit.ONLY),
        Allowed(USERS, READ_AND_EXECUTE, BELOW),
        Allowed(USERS, ADD_DIRECTORY, Inherit.CONTAINERS),
        Allowed(USERS, ADD_FILE, Inherit.CONTAINERS),
    ),
)
FILE = Descriptor(
    ADMINISTRATORS,
    SYSTEM,
    (Allowed(ADMINISTRATORS, FULL), Allowed(SYSTEM, FULL), Allowed(USERS, READ_AND_EXECUTE)),
)
"""What BuildKit gives directories and files of layers that it makes on Linux (moby/buildkit, util/winlayers): as
below ``C:\\``, where users read, run and add, and administrators do everything."""


def sid_bytes(text: str) -> bytes:
    """A SID in binary form. Raises ``ValueError``."""
    match = _SID.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is no security identifier")
    parts = [int(part) for part in match[2].split("-")[1:]]
    if int(match[1]) >= 1 << 48 or any(part >= 1 << 32 for part in parts):
        raise ValueError(f"{text!r} has a number that is too large")
    return bytes((1, len(parts))) + int(match[1]).to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)


def _acl(entries: Sequence[Allowed]) -> bytes:
    body = b""
    for entry in entries:
        sid = sid_bytes(entry.sid)
        body += _ACE.pack(_ALLOWED, entry.inherit, _ACE.size + len(sid), entry.mask) + sid
    return _ACL.pack(_ACL_REVISION, 0, _ACL.size + len(body), len(entries), 0) + body


def _read_acl(data: bytes, at: int) -> tuple[Allowed, ...]:
    revision, _, size, count, _ = _ACL.unpack_from(data, at)
    end = at + size
    if revision != _ACL_REVISION or end > len(data):
        raise ValueError("its access list is of another revision, or cut off")
    at += _ACL.size
    found = []
    for _ in range(count):
        kind, flags, length, mask = _ACE.unpack_from(data, at)
        sid = _read_sid(data, at + _ACE.size)
        if kind != _ALLOWED or length != _ACE.size + len(sid_bytes(sid)) or at + length > end:
            raise ValueError("an entry of its access list is not one that allows")
        found.append(Allowed(sid, mask, Inherit(flags)))
        at += length
    if at != end:
        raise ValueError("its access list is longer than its entries")
    return tuple(found)


def _read_sid(data: bytes, at: int) -> str:
    revision, count = data[at], data[at + 1]
    if revision != 1 or not 1 <= count <= 15:  # noqa: PLR2004 - SID_MAX_SUB_AUTHORITIES
        raise ValueError("a security identifier in it is of another revision, or too long")
    authority = int.from_bytes(data[at + 2 : at + 8], "big")
    parts = struct.unpack_from(f"<{count}I", data, at + 8)
    return "-".join(map(str, ("S", 1, authority, *parts)))

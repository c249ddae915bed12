# SPDX-License-Identifier: Apache-2.0
"""A user in the user database: the texts of passwd(5), group(5), shadow(5) and gshadow(5) with one more. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from imagewright.model.site import Account

FILES = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
"""What is read and written; those that are not there stay away, but for the first two."""

_SECONDS_A_DAY = 86_400


def with_account(files: Mapping[str, str], account: Account, epoch: int) -> dict[str, str]:
    """The texts of :data:`FILES` with a user who has no password, and a group of the same name.

    ``epoch`` (seconds) is when the password was last changed. A user or group that is there just so already is
    left as it is. Raises ``ValueError`` for a name or number that somebody else has.
    """
    found = dict(files)
    name, uid, gid = account.name, str(account.uid), str(account.gid)
    known = _known(found.get("etc/group", ""), name, (gid,))
    if not known:
        _add(found, "etc/group", f"{name}:x:{gid}:")
        _add(found, "etc/gshadow", f"{name}:!::")
    if not _known(found.get("etc/passwd", ""), name, (uid, gid)):
        _add(found, "etc/passwd", f"{name}:x:{uid}:{gid}::{account.home}:{account.shell}")
        _add(found, "etc/shadow", f"{name}:!:{epoch // _SECONDS_A_DAY}:0:99999:7:::")
    return found


def _known(text: str, name: str, ids: tuple[str, ...]) -> bool:
    """Whether a line has the name with these numbers. Raises ``ValueError`` if only one of them fits."""
    for line in text.splitlines():
        fields = line.split(":")
        same = tuple(fields[2 : 2 + len(ids)]) == ids
        if fields[0] == name and not same:
            raise ValueError(f"{name} is there already, with the number {':'.join(fields[2 : 2 + len(ids)])}")
        if fields[0] == name:
            return True
        if len(fields) > 2 and fields[2] == ids[0]:  # noqa: PLR2004 - name, password, number
            raise ValueError(f"the number {ids[0]} is that of {fields[0]}")
    return False


def _add(files: dict[str, str], path: str, line: str) -> None:
    text = files.get(path)
    if text is None and path in FILES[2:]:
        return
    text = text or ""
    files[path] = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}{chr(10)}"

# SPDX-License-Identifier: Apache-2.0
"""User namespaces: the same ids for root, subordinate ids for an ordinary user. Standard library only."""

# Importing pathlib would take a tenth of a whole run.
# ruff: noqa: PTH123
from __future__ import annotations

import os
from collections.abc import Callable

from imagewright.sandbox.system import NEW_USER, JailError, checked, doing, libc

MAP_IDS = "map user and group ids"
IDS = 65536
"""Ids that a distribution's root directory needs: 0 to 65535 (65534 is nobody)."""


def enter_user_namespace(flags: int, write_maps: Callable[[int], str]) -> None:
    """Unshare what ``flags`` say; a helper that stays outside writes the id maps.

    ``write_maps`` is called in the helper with our process id and gives "" or what went wrong.
    Raises :class:`JailError`. The process must have one thread only (unshare(2)).
    """
    start, started = os.pipe()
    answer, answered = os.pipe()
    monitor = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(started)
        if os.read(start, 1):  # nothing comes where unshare failed
            try:
                os.write(answered, write_maps(monitor).encode())
            except BaseException as error:  # noqa: BLE001 - a forked child must never return into its parent's code
                os.write(answered, (str(error) or type(error).__name__).encode())
        os._exit(0)
    os.close(answered)
    try:
        with doing("enter new namespaces"):
            checked(libc.unshare(flags))
        os.write(started, b"x")
    finally:
        os.close(started)
        os.close(start)
        problem = b"".join(iter(lambda: os.read(answer, 4096), b"")).decode(errors="replace")
        os.close(answer)
        os.waitpid(helper, 0)
    if problem:
        raise JailError(MAP_IDS, 0, problem.strip())


def same_ids(pid: int) -> str:
    """Map every id that we have to itself: the same owners on disk, yet no power outside."""
    for kind in ("uid", "gid"):
        with open(f"/proc/self/{kind}_map") as table:
            rows = [line.split() for line in table]
        with open(f"/proc/{pid}/{kind}_map", "w") as table:
            table.write("".join(f"{inside} {inside} {count}\n" for inside, _, count in rows))
    return ""


def subordinate_ranges(table: str, name: str, number: int) -> tuple[tuple[int, int], ...]:
    """The ranges ``(first, count)`` that subuid(5) text gives a user, by name or number, in file order."""
    ranges = []
    for line in table.splitlines():
        owner, _, rest = line.strip().partition(":")
        first, _, count = rest.partition(":")
        if owner in {name, str(number)} and first.isdecimal() and count.isdecimal() and int(count):
            ranges.append((int(first), int(count)))
    return tuple(ranges)


def id_map(own: int, ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int, int], ...]:
    """Rows ``(inside, outside, count)``: our own id is 0 inside, subordinate ones follow, 65536 in all.

    Raises :class:`JailError` where there are not enough.
    """
    rows = [(0, own, 1)]
    inside = 1
    for first, count in ranges:
        taken = min(count, IDS - inside)
        if taken:
            rows.append((inside, first, taken))
            inside += taken
    if inside < IDS:
        raise JailError(
            "map user and group ids", 0, f"{IDS - 1} subordinate ids are needed, {inside - 1} are there"
        )
    return tuple(rows)


def enter_subordinate_ids() -> None:
    """Become root of a user namespace that holds an ordinary user's subordinate ids.

    Raises :class:`JailError`. The process must have one thread only (unshare(2)).
    """
    import pwd  # noqa: PLC0415 - only here

    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = str(user)
    maps = {}
    for program, path, own in (("newuidmap", "/etc/subuid", user), ("newgidmap", "/etc/subgid", os.getgid())):
        try:
            with open(path) as table:
                ranges = subordinate_ranges(table.read(), name, user)
        except FileNotFoundError:
            ranges = ()
        if not ranges:
            raise JailError(MAP_IDS, 0, f"{path} has no line for {name}")
        maps[program] = id_map(own, ranges)
    enter_user_namespace(NEW_USER, lambda pid: run_mappers(pid, maps))


def run_mappers(pid: int, maps: dict[str, tuple[tuple[int, int, int], ...]]) -> str:
    """Have the set-user-ID programs of the package uidmap write the maps."""
    import subprocess  # noqa: PLC0415 - only here

    for program, rows in maps.items():
        words = [str(number) for row in rows for number in row]
        try:
            done = subprocess.run([program, str(pid), *words], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return f"the program {program} is missing"
        if done.returncode:
            return done.stderr or f"{program} failed with status {done.returncode}"
    return ""

# SPDX-License-Identifier: Apache-2.0
"""Programs of another processor: an emulator of our own in our own user namespace. Standard library only.

Since Linux 6.7 every user namespace may have a binfmt_misc of its own. Ours is never attached anywhere: it lives
as long as somebody holds its handle, and nothing of the machine is changed. The flag F has the kernel open the
emulator at registration, so that it needs no place in the root. Older kernels know the machine's registrations
only, which do as well where they have that flag.
"""

# Importing pathlib would take a tenth of a whole run.
# ruff: noqa: PTH118, PTH123, PTH208
from __future__ import annotations

import errno
import os
import re

from imagewright.sandbox.request import EmulatorRequest
from imagewright.sandbox.system import JailError, new_filesystem

REGISTER = "register the emulator"
FLAGS = "OCPF"
"""Open the program for the emulator, credentials by the program, keep argv[0], open the emulator now."""

MACHINE = "/proc/sys/fs/binfmt_misc"


def register(emulator: EmulatorRequest) -> int:
    """Have the kernel run an architecture's programs with the emulator; a handle to hold, or -1 for none.

    To be called as root of new user and mount namespaces while the machine's files are in view.
    Raises :class:`JailError`.
    """
    try:
        handle = new_filesystem("binfmt_misc", 0)
    except OSError as error:
        if is_registered(emulator, machine_entries()):
            return -1
        raise JailError(REGISTER, error.errno or 0, error.strerror or str(error)) from error
    program = -1
    try:
        program = os.open(emulator.program, os.O_RDONLY | os.O_CLOEXEC)
        target = os.open("register", os.O_WRONLY | os.O_CLOEXEC, dir_fd=handle)
        try:
            os.write(target, line(emulator, f"/proc/self/fd/{program}"))
        finally:
            os.close(target)
    except OSError as error:
        os.close(handle)
        number = errno.ENOEXEC if program >= 0 else error.errno or 0  # not a lack of namespaces
        raise JailError(REGISTER, number, f"{emulator.program}: {error.strerror or error}") from error
    finally:
        if program >= 0:
            os.close(program)
    return handle


def line(emulator: EmulatorRequest, program: str) -> bytes:
    """What is written to ``register``."""
    return f":imagewright:M::{escaped(emulator.magic)}:{escaped(emulator.mask)}:{program}:{FLAGS}".encode()


def escaped(digits: str) -> str:
    r"""``7f45`` as ``\\x7f\\x45``."""
    return "".join(f"\\x{digits[place : place + 2]}" for place in range(0, len(digits), 2))


def machine_entries() -> list[str]:
    """The machine's own registrations, as their files show them; none where they cannot be read."""
    found = []
    try:
        for name in sorted(os.listdir(MACHINE)):
            if name not in {"register", "status"}:
                with open(os.path.join(MACHINE, name), encoding="utf-8", errors="replace") as entry:
                    found.append(entry.read(4096))
    except OSError:
        return []
    return found


def is_registered(emulator: EmulatorRequest, entries: list[str]) -> bool:
    """Whether one of the machine's entries does for us: enabled, for these programs, its emulator held open."""
    for entry in entries:
        fields = dict(re.findall(r"^(flags:|magic|offset|mask) ?(\S*)$", entry, re.MULTILINE))
        enabled = entry.startswith("enabled")
        flags, magic = fields.get("flags:", ""), fields.get("magic", "")
        if enabled and "F" in flags and fields.get("offset") == "0" and magic == emulator.magic:
            return True
    return False

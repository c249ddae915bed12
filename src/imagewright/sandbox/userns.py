# SPDX-License-Identifier: Apache-2.0
"""What the machine must give for namespaces, and what to do where it does not."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from imagewright.errors import MachineError
from imagewright.sandbox.emulation import REGISTER
from imagewright.sandbox.identity import MAP_IDS
from imagewright.sandbox.system import JailError

SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user.max_user_namespaces", "0", "15000"),
    ("user.max_mnt_namespaces", "0", "15000"),
    ("user.max_pid_namespaces", "0", "15000"),
    ("user.max_net_namespaces", "0", "15000"),
)
"""Kernel settings that forbid namespaces: name, the forbidding value, one that allows them."""


NO_EMULATOR = (
    "An emulator of one's own needs Linux 6.7 and its module binfmt_misc; this machine itself has none.",
    "modprobe binfmt_misc; before 6.7 install qemu-user-static (from trixie on: qemu-user-binfmt) on the machine.",
)
"""Reason and remedy where programs of another processor cannot be run."""


def read_setting(name: str) -> str:
    """A kernel setting's value, "" where this kernel does not have it."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def explain(error: JailError, *, setting: Callable[[str], str] = read_setting) -> MachineError:
    """What a person can do about an isolation that was not to be had."""
    why, hint = diagnose(error, setting)
    return MachineError(
        f"The sandbox could not {error.operation}: {error.reason}",
        why=why,
        hint=hint,
        details={"operation": error.operation, "errno": error.errno},
    )


def diagnose(error: JailError, setting: Callable[[str], str]) -> tuple[str, str]:  # noqa: PLR0911 - a table
    """Reason and remedy of a failure, each one line, "" where there is nothing to add."""
    if error.operation == MAP_IDS and ("newuidmap" in error.reason or "newgidmap" in error.reason):
        return (
            "An ordinary user's subordinate ids are mapped by the set-user-ID programs newuidmap and newgidmap.",
            "Install the package uidmap (elsewhere: shadow-utils, shadow), or run as root.",
        )
    if error.operation == MAP_IDS:
        return (
            "An ordinary user needs 65535 subordinate user and group ids, since files in a root have many owners.",
            "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER (or run as root)",
        )
    if error.operation == REGISTER and error.errno in {errno.EPERM, errno.ENODEV, errno.EINVAL}:
        return NO_EMULATOR
    if error.errno in {errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EUSERS}:
        for name, forbidding, allowing in SETTINGS:
            if setting(name) == forbidding:
                return (
                    f"This machine restricts namespaces: {name} is {forbidding}.",
                    f"sudo sysctl {name}={allowing}",
                )
        return (
            "The kernel refused namespaces or a mount: inside another container, a chroot or a seccomp filter?",
            "Run on the machine itself, or allow user namespaces and an unmasked /proc in the outer container.",
        )
    if error.errno in {errno.ENOSYS, errno.EINVAL}:
        return (
            "The kernel lacks something: Linux 5.12 or newer with user namespaces and overlayfs is needed.",
            "",
        )
    return "", ""

# SPDX-License-Identifier: Apache-2.0
"""Which registration of the machine's own does for us, and what ours says."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from imagewright.errors import MachineError
from imagewright.model.processors import PROCESSORS, Way, emulator_for, needs_personality, way_to_run
from imagewright.sandbox.emulation import REGISTER, is_registered, line
from imagewright.sandbox.request import EmulatorRequest
from imagewright.sandbox.system import JailError
from imagewright.sandbox.userns import explain

# Lines of /usr/lib/binfmt.d/qemu-*.conf in Debian: the magic and mask that QEMU itself gives out.
QEMU = {
    "arm64": (
        "7f454c460201010000000000000000000200b700",
        "ffffffffffffff00fffffffffffffffffeffffff",
    ),
    "armhf": ("7f454c4601010100000000000000000002002800", "ffffffffffffff00fffffffffffffffffeffffff"),
    "riscv64": ("7f454c460201010000000000000000000200f300", "ffffffffffffff00fffffffffffffffffeffffff"),
    "s390x": ("7f454c4602020100000000000000000000020016", "ffffffffffffff00fffffffffffffffffffeffff"),
}


def asked(architecture: str) -> EmulatorRequest:
    emulator = emulator_for(architecture, Path("/usr/bin/qemu"))
    return EmulatorRequest(str(emulator.program), emulator.magic.hex(), emulator.mask.hex())


def entry(emulator: EmulatorRequest, *, state: str = "enabled", flags: str = "OCPF") -> str:
    """As /proc/sys/fs/binfmt_misc/qemu-aarch64 shows it."""
    return (
        f"{state}\ninterpreter /usr/libexec/qemu-binfmt/x\nflags: {flags}\n"
        f"offset 0\nmagic {emulator.magic}\nmask {emulator.mask}\n"
    )


@pytest.mark.parametrize("architecture", sorted(QEMU))
def test_programs_are_recognised_as_qemu_itself_recognises_them(architecture: str) -> None:
    emulator = asked(architecture)
    assert (emulator.magic, emulator.mask) == QEMU[architecture]


def test_what_is_registered_is_short_enough_for_the_kernel() -> None:
    text = line(asked("arm64"), "/proc/self/fd/7")
    assert text.startswith(rb":imagewright:M::\x7f\x45\x4c\x46\x02")
    assert text.endswith(b":/proc/self/fd/7:OCPF")
    assert len(text) < 1920


def test_the_machines_own_registration_does_only_if_its_emulator_is_held_open() -> None:
    emulator = asked("arm64")
    assert is_registered(emulator, ["enabled\n", entry(emulator)])
    assert not is_registered(emulator, [entry(emulator, flags="OC")])
    assert not is_registered(emulator, [entry(emulator, state="disabled")])
    assert not is_registered(emulator, [entry(asked("riscv64"))])
    assert not is_registered(emulator, [])


def test_what_runs_without_an_emulator() -> None:
    assert way_to_run("amd64", "amd64") is Way.NATIVE
    assert way_to_run("i386", "amd64") is Way.NATIVE
    assert way_to_run("amd64", "i386") is Way.EMULATED
    assert way_to_run("armhf", "arm64") is Way.EMULATED
    assert {name for name in PROCESSORS if needs_personality(name)} == {"armel", "armhf", "i386"}


def test_an_old_kernel_is_told_about() -> None:
    error = explain(JailError(REGISTER, errno.EPERM, "Operation not permitted"), setting=lambda _: "")
    assert isinstance(error, MachineError)
    assert "6.7" in error.why
    assert "qemu-user-static" in error.hint

# SPDX-License-Identifier: Apache-2.0
"""Processors by Debian's name of the architecture: how their programs are recognised, and what runs them here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal


class Way(Enum):
    """How programs of an architecture run on a machine."""

    NATIVE = "native"
    EMULATED = "emulated"


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor: its qemu-user is called ``qemu-`` + ``qemu``.

    ``bits``, ``big_endian`` and ``number`` (e_machine) are what its ELF files begin with (System V ABI, ch. 4).
    """

    debian: str
    qemu: str
    bits: int
    number: int
    big_endian: bool = False


PROCESSORS: dict[str, Processor] = {
    processor.debian: processor
    for processor in (
        Processor("amd64", "x86_64", 64, 62),
        Processor("arm64", "aarch64", 64, 183),
        Processor("armel", "arm", 32, 40),
        Processor("armhf", "arm", 32, 40),
        Processor("i386", "i386", 32, 3),
        Processor("mips64el", "mips64el", 64, 8),
        Processor("ppc64el", "ppc64le", 64, 21),
        Processor("riscv64", "riscv64", 64, 243),
        Processor("s390x", "s390x", 64, 22, big_endian=True),
    )
}

_ALSO_NATIVE = frozenset({("amd64", "i386")})
"""Machine, architecture: what a kernel runs besides its own. Not every arm64 processor has the 32-bit mode."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A program that runs programs of another processor, and the bytes those begin with.

    ``magic`` is compared where ``mask`` has ones (Documentation/admin-guide/binfmt-misc.rst of Linux).
    """

    program: Path
    magic: bytes
    mask: bytes


def way_to_run(architecture: str, machine: str) -> Way:
    """How programs of an architecture run on a machine; both by Debian's names."""
    same = architecture == machine or (machine, architecture) in _ALSO_NATIVE
    return Way.NATIVE if same else Way.EMULATED


def needs_personality(architecture: str) -> bool:
    """Whether ``uname -m`` must be made to give a 32-bit name, since the kernel may be a 64-bit one."""
    processor = PROCESSORS.get(architecture)
    return processor is not None and processor.bits == 32  # noqa: PLR2004 - bits


def emulator_for(architecture: str, program: Path) -> Emulator:
    """The emulator for an architecture. Raises ``KeyError`` for one that is not known."""
    processor = PROCESSORS[architecture]
    order: Literal["big", "little"] = "big" if processor.big_endian else "little"
    identity = bytes([0x7F, *b"ELF", 2 if processor.bits == 64 else 1, 2 if processor.big_endian else 1, 1])  # noqa: PLR2004 - bits
    magic = identity + bytes(9) + (2).to_bytes(2, order) + processor.number.to_bytes(2, order)
    # The system's name (EI_OSABI) may be any; the type is 2 (program) or 3 (position-independent program).
    mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + 0xFFFE.to_bytes(2, order) + b"\xff\xff"
    return Emulator(program, magic, mask)


def emulator_program(architecture: str) -> tuple[str, ...]:
    """Where Debian's packages have the emulator, relative to a root: since trixie, and before."""
    name = f"usr/bin/qemu-{PROCESSORS[architecture].qemu}"
    return name, f"{name}-static"


def gnu_type(triplet: str) -> str:
    """What GNU tools are named by, where directories have ``triplet``: another for i386 (Debian Policy 11.1)."""
    return triplet.replace("i386-", "i686-", 1) if triplet.startswith("i386-") else triplet

# SPDX-License-Identifier: Apache-2.0
"""How CPython is compiled for a processor that does not run the build.

The build root is the machine's own, with the suite's cross compiler. Below it lies a *sysroot*: headers and
libraries of the other architecture, unpacked where Debian's multiarch layout has them anyway, so that the
cross compiler finds them by itself and no path of the build gets into the result. Above it lies an interpreter
of the same release for the machine, in ``/usr/local``, as CPython's build wants one (``--with-build-python``).

What an installation says about itself must be what a native build says: ``python-record.sh`` gives the variables
that configure sets otherwise their native values again. See docs/explanation/architectures.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import PythonPart
from imagewright.model.processors import gnu_type

REVISION = 1
"""Changed when the engine does something else with the same sysroot, build root and interpreter."""

NATIVE_PARTS = (PythonPart.INTERPRETER, PythonPart.DEVELOPMENT, PythonPart.EXTRAS)
"""What of the machine's own interpreter is there: not its pip, or what is installed already would not be installed
into the new tree; not its debug files."""

SYSROOT_EXCLUDE = (
    "/bin/*",
    "/sbin/*",
    "/etc/*",
    "/opt/*",
    "/var/*",
    "/usr/bin/*",
    "/usr/games/*",
    "/usr/libexec/*",
    "/usr/sbin/*",
    "/usr/share/*",
)
SYSROOT_INCLUDE = ("/usr/share/pkgconfig/*",)

TOOLS = "/cross/bin"
"""Where the cross tools have plain names: what is recorded of them is ``gcc`` and ``ar``, as natively."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a test of configure would find out by running a program there, and why that is so.

    ``only`` and ``never`` narrow it to processors (first word of the triplet).
    """

    name: str
    value: str
    why: str
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


_ARM = ("aarch64", "arm")

ANSWERS = (
    Answer("ac_cv_aligned_required", "no", "all of Debian's ports read unaligned words"),
    Answer("ac_cv_broken_mbstowcs", "no", "the C library counts as the standard says"),
    Answer("ac_cv_broken_nice", "no", "nice() gives the new priority"),
    Answer("ac_cv_broken_poll", "no", "poll() reports a closed descriptor"),
    Answer("ac_cv_computed_gotos", "yes", "gcc has them"),
    Answer("ac_cv_have_chflags", "no", "a call of BSD; the C library only has a stub"),
    Answer("ac_cv_have_lchflags", "no", "the same"),
    Answer(
        "ac_cv_pthread_is_default",
        "yes",
        "no option is needed for threads",
    ),
    Answer("ac_cv_kpthread", "no", "an option of other compilers"),
    Answer("ac_cv_kthread", "no", "the same"),
    Answer("ac_cv_pthread", "no", "not asked natively, as none is needed"),
    Answer("ac_cv_pthread_system_supported", "yes", "Linux knows no other scope"),
    Answer("ac_cv_rshift_extends_sign", "yes", "gcc, all processors"),
    Answer("ac_cv_wchar_t_signed", "yes", "the psABIs", never=_ARM),
    Answer("ac_cv_wchar_t_signed", "no", "the ABI of ARM (AAPCS, AAPCS64) has it unsigned", only=_ARM),
    Answer("ac_cv_working_tzset", "yes", "the C library"),
    Answer("ac_cv_x87_double_rounding", "no", "a trait of the x87", never=("i386", "i686")),
    Answer("ac_cv_x87_double_rounding", "yes", "the x87 computes with 80 bits", only=("i386", "i686")),
)
"""Compared with what Debian's native builds of 3.13 found everywhere (pyconfig.h of libpython3.13-dev)."""

PLAIN_NAMES = (("ac_cv_prog_CC", "gcc"), ("ac_cv_prog_AR", "ar"), ("ac_cv_prog_READELF", "readelf"))
"""configure prefers ``aarch64-linux-gnu-gcc`` and notes that; an image later has ``gcc``."""


def revision() -> str:
    """Changes with anything in this module that the result depends on, texts and environments of scripts excepted.

    The sysroot's step is not among the needs that an interpreter's id holds, only its packages are; so what is
    left out of it counts here.
    """
    data = [SYSROOT_EXCLUDE, SYSROOT_INCLUDE, NATIVE_PARTS]
    return f"{REVISION} {Digest.of(canonical_json(data)).short}"


def answers(triplet: str) -> tuple[tuple[str, str], ...]:
    """Variables that answer configure's questions about a processor, sorted."""
    processor = triplet.partition("-")[0]
    found = [
        (answer.name, answer.value)
        for answer in ANSWERS
        if (not answer.only or processor in answer.only) and processor not in answer.never
    ]
    return tuple(sorted((*found, *PLAIN_NAMES)))


def configure_arguments(build: str, triplet: str) -> tuple[str, ...]:
    """For which processor, and on which; ``python-record.sh`` takes them off the record."""
    return (f"--build={gnu_type(build)}", f"--host={triplet}", "--with-build-python")


def tools_environment(triplet: str) -> dict[str, str]:
    """What ``python-cross.sh`` is told."""
    return {"IW_TRIPLET": triplet, "IW_TOOLS": gnu_type(triplet)}

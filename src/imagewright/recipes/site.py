# SPDX-License-Identifier: Apache-2.0
"""The recipe of what a person adds to an image: where Python packages go, how they and a locale are compiled.

Python packages are unpacked from the outside, by the library ``installer``: an image needs neither pip nor a shell
for it, and no code of a package runs. Only bytecode is made inside, by the image's own interpreter.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from imagewright.model.images import Flavour
from imagewright.model.plan import Script

REVISION = "2 installer 1.1.0"
"""Part of the step's identity: changed when the same inputs give other bytes, as another ``installer`` may."""

INSTALLER = b"imagewright\n"
"""What ``INSTALLER`` says in each package's directory (PEP 376)."""

LARGEST_LOCALE_SOURCES = 256 << 20
"""Bytes that the sources of locales unpack to; they are 17 MB."""

LOCALE_SOURCES = "usr/share/i18n"
"""Where the package ``locales`` has what locales are compiled from."""

_ENVIRONMENT = (
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("TZ", "UTC"),
)


def library(series: str, flavour: Flavour) -> str:
    """The name of an interpreter's library: ``python3.13``, ``python3.14t``. A debug build's has no letter."""
    return f"python{series}t" if flavour is Flavour.FREE_THREADED else f"python{series}"


def scheme(name: str, project: str) -> dict[str, str]:
    """Where the kinds of files of a wheel go (sysconfig's ``posix_prefix`` below /usr/local)."""
    site = f"/usr/local/lib/{name}/site-packages"
    return {
        "purelib": site,
        "platlib": site,
        "scripts": "/usr/local/bin",
        "data": "/usr/local",
        "headers": f"/usr/local/include/{name}/{project}",
    }


def bytecode_script() -> Script:
    """A program for the image's own interpreter; its argument is the directory of packages."""
    return Script("site-bytecode", _text("site-bytecode.py"), _ENVIRONMENT)


def locale_script() -> Script:
    """Run in a build root with the sources in /inputs/i18n; its argument is the locale, its result in /out."""
    return Script("site-locale", _text("site-locale.sh"), (*_ENVIRONMENT, ("I18NPATH", "/inputs/i18n")))


@cache
def _text(name: str) -> str:
    return (resources.files("imagewright.recipes") / "scripts" / name).read_text(encoding="utf-8")

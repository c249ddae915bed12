# SPDX-License-Identifier: Apache-2.0
"""What distributions of Debian's family do differently in their container images. Pure data.

Ubuntu's: the container images that Canonical publishes (package lists and files as recorded in docker-library's
repo-info), ``/etc/dpkg/dpkg.cfg.d/excludes`` as in Ubuntu's minimised images. docs/how-to/ubuntu.md tells more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.recipes.roots import SLIM_EXCLUDE, SLIM_INCLUDE


@dataclass(frozen=True, slots=True)
class AptSource:
    """What an image's own apt asks: one address, the suites there, and the components of each."""

    address: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conventions:
    """Names and rules of one distribution.

    ``keyring`` is what apt believes; ``path_rules`` the name of dpkg's file with the rules of a slim image, which
    are ``exclude`` and ``include``; ``files`` (path → text) are written into every root besides.
    """

    name: str
    keyring: str
    path_rules: str
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()


DEBIAN = Conventions(
    name="debian",
    keyring="/usr/share/keyrings/debian-archive-keyring.gpg",
    path_rules="etc/dpkg/dpkg.cfg.d/docker",
    exclude=SLIM_EXCLUDE,
    include=SLIM_INCLUDE,
)

_PHASED = """\
# An update that Ubuntu hands out to some machines first (Phased-Update-Percentage) is taken at once, as the lock
# takes it: otherwise the machine's id would decide what an image made from this one contains.
APT::Get::Always-Include-Phased-Updates "true";
"""

UBUNTU = Conventions(
    name="ubuntu",
    keyring="/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    path_rules="etc/dpkg/dpkg.cfg.d/excludes",
    exclude=("/usr/share/man/*", "/usr/share/locale/*/LC_MESSAGES/*.mo", "/usr/share/doc/*"),
    include=("/usr/share/doc/*/copyright", "/usr/share/doc/*/changelog.*"),
    files=(("etc/apt/apt.conf.d/imagewright-phased-updates", _PHASED),),
)

_KNOWN = {conventions.name: conventions for conventions in (DEBIAN, UBUNTU)}


def conventions_of(distribution: str) -> Conventions:
    """The conventions of a distribution as the catalog calls it. Raises ``KeyError`` for one without packages."""
    return _KNOWN[distribution]


def apt_sources(sources: Iterable[AptSource], conventions: Conventions, form: str) -> dict[str, str]:
    """Path → text of an image's own apt sources, believed only when the distribution's own keys signed them.

    ``form`` is ``deb822`` or ``list`` (sources.list(5)), whichever the suite's own images use. Empty without any.
    """
    wanted = tuple(sources)
    if not wanted:
        return {}
    if form == "list":
        return {
            "etc/apt/sources.list": "".join(
                _line(each, conventions, suite) for each in wanted for suite in each.suites
            )
        }
    text = "\n".join(_stanza(each, conventions) for each in wanted)
    return {f"etc/apt/sources.list.d/{conventions.name}.sources": text}


def _stanza(source: AptSource, conventions: Conventions) -> str:
    return (
        f"Types: deb\nURIs: {source.address}\nSuites: {' '.join(source.suites)}\n"
        f"Components: {' '.join(source.components)}\nSigned-By: {conventions.keyring}\n"
    )


def _line(source: AptSource, conventions: Conventions, suite: str) -> str:
    return f"deb [signed-by={conventions.keyring}] {source.address} {suite} {' '.join(source.components)}\n"

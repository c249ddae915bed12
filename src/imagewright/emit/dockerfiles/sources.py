# SPDX-License-Identifier: Apache-2.0
"""Where packages and base images come from: build arguments without a host of ours, and references."""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.catalog.model import Suite
from imagewright.emit.dockerfiles.model import Order, Style
from imagewright.emit.dockerfiles.platforms import ANY

PYTHON_ROLE = "python"
PYTHON_MIRROR = "PYTHON_MIRROR"


def base_reference(order: Order, *, slim: bool) -> str:
    """The image that a stage begins with; the style may say which is meant, with its digest."""
    return order.style.base(default_base(order.catalog.by_suite[order.name.suite], slim=slim))


def default_base(suite: Suite, *, slim: bool) -> str:
    """The distribution's own image of a suite. Only Debian has a slim one."""
    if suite.distribution == "alpine":
        return f"alpine:{suite.version}"
    ending = "-slim" if slim and suite.distribution == "debian" else ""
    return f"{suite.distribution}:{suite.name}{ending}"


def variable(role: str) -> str:
    """The build argument of a mirror's role: ``DEBIAN_SECURITY_MIRROR``."""
    return f"{role.upper().replace('-', '_')}_MIRROR"


def argument(role: str, style: Style) -> str:
    """``ARG`` for a mirror: without a default unless somebody said one."""
    address = style.mirrors.get(role, "")
    return f"ARG {variable(role)}={address}\n" if address else f"ARG {variable(role)}\n"


def archive_arguments(order: Order) -> str:
    """The build arguments of all archives that packages come from."""
    roles = dict.fromkeys(role for role, _, _, _ in _archives(order))
    return "".join(argument(role, order.style) for role in roles)


def archives_file(order: Order) -> dict[str, str]:
    """The file that tells ``image-packages.sh`` of the archives, by name."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for role, name, components, architecture in _archives(order):
        found.setdefault((variable(role), name, components), []).append(architecture)
    every = {build.architecture for build in order.builds}
    lines = [
        f"{ANY if set(architectures) == every else ','.join(architectures)} {name} {suite} {components}"
        for (name, suite, components), architectures in found.items()
    ]
    return {"archives": "\n".join(lines) + "\n"} if lines else {}


def _archives(order: Order) -> Iterator[tuple[str, str, str, str]]:
    """Role, suite, components and architecture of each."""
    suite = order.catalog.by_suite[order.name.suite]
    for archive in suite.archives:
        for build in order.builds:
            role = suite.mirror_of(archive, build.architecture)
            yield role, archive.name, " ".join(archive.components), build.architecture

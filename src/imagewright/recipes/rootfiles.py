# SPDX-License-Identifier: Apache-2.0
"""Files written into a root before configuration: apt and dpkg as a container wants them. Pure.

They have the names of the files in Debian's and Ubuntu's container images, because people's Dockerfiles remove
some of them by name (``docker-clean``, to keep downloads in a cache mount). A text that begins with ``#!`` becomes
executable.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.model.packages import LockedPackage
from imagewright.recipes.distributions import DEBIAN, AptSource, Conventions, apt_sources

_POLICY = """\
#!/bin/sh
# No service is started when a package is installed: an image being built is no running system.
# See /usr/share/doc/init-system-helpers/README.policy-rc.d.gz.
exit 101
"""

_SPEEDUP = """\
# A build that loses power starts again, so dpkg need not flush every file it unpacks.
force-unsafe-io
"""

_SUGGESTS = """\
# Without this, "apt-get purge --auto-remove" keeps every package that another one merely suggests, and what was
# installed for a build stays behind.
APT::AutoRemove::SuggestsImportant "false";
"""

_CLEAN = """\
# Nothing downloaded stays in the image: after each run the archives and apt's binary caches are removed.
# Remove this file to keep archives, for instance in a build's cache mount.
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""  # noqa: E501 - apt's configuration has no continuation inside a string

_INDEXES = """\
# Package lists stay compressed on the disk, a quarter of their size.
Acquire::GzipIndexes "true";
"""

_LANGUAGES = """\
# Translated package descriptions are not downloaded: nobody reads them in a container.
Acquire::Languages "none";
"""


def root_files(
    *,
    architecture: str,
    slim: bool,
    automatic: Iterable[LockedPackage],
    sources: Iterable[AptSource] = (),
    conventions: Conventions = DEBIAN,
    form: str = "deb822",
) -> tuple[tuple[str, str], ...]:
    """Path → text, sorted, for :class:`imagewright.model.plan.RootWork`.

    ``sources`` are what the image's own apt will ask, written in ``form`` (nothing is written without any);
    ``automatic`` are the packages apt may remove once nothing needs them: all that nobody asked for.
    """
    files = {
        "etc/apt/apt.conf.d/docker-autoremove-suggests": _SUGGESTS,
        "etc/apt/apt.conf.d/docker-clean": _CLEAN,
        "etc/apt/apt.conf.d/docker-gzip-indexes": _INDEXES,
        "etc/apt/apt.conf.d/docker-no-languages": _LANGUAGES,
        "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": _SPEEDUP,
        "usr/sbin/policy-rc.d": _POLICY,
        "var/lib/apt/extended_states": extended_states(automatic, architecture),
        **dict(conventions.files),
        **apt_sources(sources, conventions, form),
    }
    if slim:
        files[conventions.path_rules] = _slim_configuration(conventions)
    return tuple(sorted(files.items()))


def extended_states(automatic: Iterable[LockedPackage], architecture: str) -> str:
    """apt's list of packages that came along, as ``apt-mark auto`` writes it (apt-mark(8)).

    apt notes packages of architecture ``all`` under the machine's own.
    """
    return "".join(
        f"Package: {package.name}\nArchitecture: "
        f"{architecture if package.architecture == 'all' else package.architecture}\nAuto-Installed: 1\n\n"
        for package in sorted(automatic, key=lambda each: each.name)
    )


def _slim_configuration(conventions: Conventions) -> str:
    lines = [
        "# This is a slim image: documentation and translations are left out, also of packages installed later."
    ]
    lines += [f"path-exclude {pattern}" for pattern in conventions.exclude]
    lines += [f"path-include {pattern}" for pattern in conventions.include]
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""A Dockerfile of an image with everything of a person's own."""

from __future__ import annotations

from dataclasses import replace

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_documents
from imagewright.emit.dockerfiles.gathering import build_of
from imagewright.emit.dockerfiles.model import Order, Style, Written
from imagewright.emit.dockerfiles.printing import write_dockerfile
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedWheel
from imagewright.model.platforms import parse_platform
from imagewright.planning.locking import LockInputs, make_lock
from support.locks import archives, candidates, package

SIX = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
PATCH = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"
FILES = {"company.pem": PEM, "greeting.patch": PATCH}
ALL = f"""\
[defaults]
python_packages = ["six==1.17.0 --hash=sha256:{SIX}"]
user = {{ name = "app", uid = 1234, gid = 1234, home = "/srv/app", shell = "/bin/sh" }}
ca_certificates = ["company.pem"]
patches = ["greeting.patch"]
locale = "de_DE.UTF-8"
bytecode = "stdlib+site"
packages = ["curl"]
configure = ["--with-dtrace"]
environment = {{ GREETING = "a \\"quoted\\" $word" }}
entrypoint = ["python3", "-m", "app"]
working_directory = "/srv/app"
"""


def own_order(spec: str, text: str = ALL, *, style: Style | None = None) -> Order:
    """What a Dockerfile of ``spec`` is made from where ``text`` is the configuration."""
    catalog, choices = apply_configuration(shipped_documents(), text)
    settings = resolve_settings(file=replace(choices, files=tuple(FILES.items())))
    platform = parse_platform("linux/amd64")
    definition = resolve(spec, catalog, settings, platform)
    wheel = LockedWheel("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl", 11050, Digest(SIX))
    more = (package("locales"),)
    inputs = LockInputs(
        lambda suite, architecture: candidates(suite, architecture, more=more),
        archives(definition.name.suite),
        wheels=lambda one, _: (wheel,) if one.site.requirements else (),
    )
    lock = make_lock([definition], catalog, inputs)
    build = build_of(definition.name, catalog, settings, platform, lock)
    return Order(definition.name, (build,), catalog, style or Style(), FILES)


def own_dockerfile(spec: str, text: str = ALL, *, style: Style | None = None) -> Written:
    """The Dockerfile itself."""
    return write_dockerfile(own_order(spec, text, style=style))

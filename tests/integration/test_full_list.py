# SPDX-License-Identifier: Apache-2.0
"""Every package of the full variant is there, by that name, in every suite of Debian that images are built on."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewright.catalog.resolve import wished
from imagewright.catalog.shipped import shipped_catalog
from imagewright.model.lock import Role
from imagewright.planning.lockfile import read_lock
from peers.fixtures import Workshop

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CATALOG = shipped_catalog()
SUITES = [suite.name for suite in CATALOG.suites if suite.distribution == "debian"]
WHOLE = 50
"""The list has more packages than this in every suite."""


def test_every_suite_has_every_package_of_full(workshop: Workshop, tmp_path: Path) -> None:
    place = Workshop(tmp_path, workshop.store, tmp_path / "imagewright.lock")
    place.call("lock", *(f"3.13-{suite}" for suite in SUITES), "--allow-expired=forky")
    sets = read_lock(place.lock.read_text()).sets
    for suite in SUITES:
        ours = [one for one in sets if one.suite == suite and one.role in {Role.BASE, Role.RUNTIME}]
        wanted = set(wished(CATALOG.by_variant["full"].packages, "3.13", suite))
        assert len(wanted) > WHOLE
        assert wanted <= {package.name for one in ours for package in one.packages}, suite

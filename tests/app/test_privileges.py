# SPDX-License-Identifier: Apache-2.0
"""Who must be root: only what works in roots. What reads catalogs and records asks for nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewright.app.application import Imagewright, make_application
from imagewright.errors import ConfigurationError, MachineError
from imagewright.events import discard
from imagewright.model.general import GlobalOptions
from imagewright.model.options import BuildOptions, LockOptions, RunOptions, Selection, TagOptions, UpdateOptions
from imagewright.model.statuses import StatusOptions

SPECS = ("3.13-slim-trixie",)


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The umask that the program would begin anew with, for each time it would; it cannot here."""
    seen: list[int] = []

    def become_root() -> None:
        seen.append(os.umask(0))
        os.umask(seen[-1])
        raise MachineError("there are no subordinate ids")

    monkeypatch.setattr("imagewright.sandbox.becoming.become_root", become_root)
    return seen


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Imagewright:
    monkeypatch.chdir(tmp_path)
    return make_application(GlobalOptions(store=tmp_path / "store"))


READING: dict[str, Callable[[Imagewright], object]] = {
    "tags": lambda app: app.tags((), TagOptions()),
    "status": lambda app: app.statuses(StatusOptions(only=("3.13-slim-trixie",))),
    "store ls": lambda app: app.store_list(),
    "init": lambda app: app.init(),
    "outdated": lambda app: app.outdated((), discard),
    "update": lambda app: app.update(UpdateOptions(releases=False), discard),
}
ASKING: dict[str, Callable[[Imagewright], object]] = {
    "lock": lambda app: app.lock(("3.13-slim-noble",), LockOptions(), discard),
    "plan": lambda app: app.plan(("3.13-slim-noble",), Selection()),
}
"""What also asks an archive: one that no mirror is known of here."""
WORKING: dict[str, Callable[[Imagewright], object]] = {
    "build": lambda app: app.build(SPECS, BuildOptions(), discard),
    "check": lambda app: app.check(SPECS, Selection(), discard),
    "run": lambda app: app.run(SPECS[0], (), RunOptions()),
    "store gc": lambda app: app.store_gc(dry_run=True, keep_days=1.0),
}


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_needs_no_privileges(application: Imagewright, masks: list[int], command: str) -> None:
    assert READING[command](application) is not None
    assert masks == []


@pytest.mark.parametrize("command", ASKING)
def test_what_locks_needs_no_privileges(application: Imagewright, masks: list[int], command: str) -> None:
    with pytest.raises(ConfigurationError, match="ubuntu"):
        ASKING[command](application)
    assert masks == []


@pytest.mark.parametrize("command", WORKING)
def test_what_works_in_roots_becomes_root_before_anything(
    application: Imagewright, masks: list[int], command: str, tmp_path: Path
) -> None:
    before = os.umask(0o027)
    try:
        mine = make_application(GlobalOptions(store=tmp_path / "store"))  # remembers it, and sets that of packages
        with pytest.raises(MachineError, match="no subordinate ids"):
            WORKING[command](mine)
        assert masks == [0o027]
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []

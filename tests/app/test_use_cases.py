# SPDX-License-Identifier: Apache-2.0
"""The small decisions of the composition root: users, failed checks, what training runs, what a lock keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewright.app.checking import refuse_failed
from imagewright.app.locks import inputs_of
from imagewright.app.running import home_of, parse_user
from imagewright.app.starting import start
from imagewright.app.training import training_plan
from imagewright.app.world import make_world
from imagewright.catalog.configuration import read_configuration
from imagewright.catalog.resolve import locked_source, resolve
from imagewright.catalog.settings import ImageChoices, resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import CheckError, UsageError
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.lock import Lock, PackageSet, Role
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import Plan, PythonWork, Step, StepKind
from imagewright.model.platforms import parse_platform
from imagewright.model.results import CheckResult

CATALOG = shipped_catalog()
SOURCE = locked_source(CATALOG.by_release["3.13.15"], CATALOG.by_series["3.13"])
OLD = locked_source(CATALOG.by_release["3.11.2"], CATALOG.by_series["3.11"], CATALOG.wheels)
ROOT = Step(
    Digest("a" * 64),
    StepKind.BUILDROOT,
    "buildroot trixie amd64",
    PythonWork("", SOURCE, None, (), (), 0, "amd64"),
)
OTHER = Step(Digest("b" * 64), StepKind.BASE, "base trixie amd64", ROOT.work)


@pytest.mark.parametrize(
    ("text", "user"), [("", (0, 0)), ("1000", (1000, 1000)), ("1000:50", (1000, 50)), ("0", (0, 0))]
)
def test_users_are_numbers(text: str, user: tuple[int, int]) -> None:
    assert parse_user(text) == user


@pytest.mark.parametrize("text", ["root", "1:", ":1", "-1", "1:2:3", "9999999999"])
def test_other_users_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a user"):
        parse_user(text)


def test_failed_checks_are_all_named() -> None:
    good = CheckResult("imports", passed=True, detail="273 modules", seconds=0.1)
    bad = [CheckResult(name, passed=False, detail=f"{name} is broken", seconds=0.1) for name in ("tls", "pip")]
    refuse_failed([good])
    with pytest.raises(CheckError, match="tls, pip") as caught:
        refuse_failed([good, *bad])
    assert caught.value.why == "tls: tls is broken"
    assert caught.value.details["failed"] == [
        {"check": "tls", "detail": "tls is broken"},
        {"check": "pip", "detail": "pip is broken"},
    ]


def test_training_runs_in_the_build_root_alone_and_is_never_found_done() -> None:
    definition = resolve("3.13-slim-trixie", CATALOG, resolve_settings(), parse_platform("linux/amd64"))
    work = PythonWork("3.13.15", SOURCE, None, (), (), 0, "amd64")
    python = Step(
        Digest("c" * 64), StepKind.PYTHON, "python 3.13.15 trixie amd64", work, (("buildroot", ROOT.id),)
    )
    plan, step = training_plan(Plan((OTHER, ROOT, python), ()), definition, 1)
    assert [each.name for each in plan.steps] == ["buildroot trixie amd64", "train 3.13.15 trixie amd64"]
    assert isinstance(step.work, PythonWork)
    assert [script.name for script in step.work.scripts] == ["python-prepare", "python-builtin", "python-train"]
    assert step.id != training_plan(Plan((OTHER, ROOT, python), ()), definition, 2)[1].id


def test_a_lock_keeps_everything_it_names() -> None:
    package = LockedPackage("libc6", "2.41", "amd64", "glibc", "2.41", 1, Digest("d" * 64), "pool/x.deb", "trixie")
    lock = Lock(sets=(PackageSet(Role.BASE, "trixie", "amd64", "minbase", (), (package,)),), sources=(SOURCE, OLD))
    assert set(inputs_of(lock)) == {package.sha256, SOURCE.sha256, OLD.sha256, OLD.wheels[0].sha256}


def test_a_user_has_the_home_of_the_topmost_passwd(tmp_path: Path) -> None:
    for name, lines in (
        ("top", "app:x:1000:1000::/srv/app:/bin/sh\nodd\n"),
        ("low", "x:x:1001:1001::/x:/bin/sh\n"),
    ):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc/passwd").write_text(f"root:x:0:0:root:/root:/bin/sh\n{lines}")
    trees = (tmp_path / "none", tmp_path / "top", tmp_path / "low")
    assert home_of(1000, trees) == "/srv/app"
    assert home_of(0, trees) == "/root"
    assert home_of(1001, trees) == "/"
    assert home_of(0, ()) == "/root"


def test_the_first_configuration_is_written_once_and_is_right(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    world = make_world(GlobalOptions(config=path))
    assert start(world).path == path
    text = path.read_text(encoding="utf-8")
    assert read_configuration(text).choices.image == ImageChoices()
    path.write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="there already"):
        start(world)
    assert path.read_text(encoding="utf-8") == "# mine\n"

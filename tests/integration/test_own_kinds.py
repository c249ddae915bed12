# SPDX-License-Identifier: Apache-2.0
"""Images of one's own that differ in kind: uv or a newer pip; a user and authorities without a shell."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from peers.fixtures import Built, Workshop
from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

UV, MINIMAL, DEBUG = "3.13-slim-trixie", "3.13-minimal-trixie", "3.13-minimal-debug-trixie"
CONFIGURATION = """\
[defaults]
profile = "quick"
ca_certificates = ["own.pem"]
user = { name = "app", uid = 1234, home = "/srv/app" }
locale = "de_DE.UTF-8"

[[overrides]]
select = ["3.13-slim-trixie"]
installers = "uv"
"""
WHO = (
    "import json, locale, os, pwd, ssl; locale.setlocale(locale.LC_ALL, '');"
    "found = [one['subject'][0][0][1] for one in ssl.create_default_context().get_ca_certs()];"
    "print(json.dumps([list(pwd.getpwuid(os.getuid())), os.getcwd(), os.access('.', os.W_OK), len(found) > 100,"
    " found[-1], locale.format_string('%.1f', 1.5)]))"
)
VENV = (
    "uv venv --quiet --offline /tmp/v && uv pip list --offline --python /tmp/v && /tmp/v/bin/python -c 'print(2)'"
)


@dataclass(frozen=True, slots=True)
class Kinds:
    """Where they were built, and what was answered for each."""

    workshop: Workshop
    answers: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def kinds(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """All of them from one compile, in a project of their own; every check of each has passed then."""
    openssl = program("openssl", "openssl")
    directory = tmp_path_factory.mktemp("kinds")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=Test authority", "-days", "3650", "-keyout", "/dev/null", "-out", "own.pem"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    (directory / "imagewright.toml").write_text(CONFIGURATION)
    here = replace(workshop, directory=directory, lock=directory / "imagewright.lock")
    answers = here.answer("build", UV, MINIMAL, DEBUG)
    return Kinds(here, {answer["spec"]: answer for answer in answers})


@pytest.mark.parametrize("spec", [MINIMAL, DEBUG])
def test_without_a_shell_there_is_a_user_and_an_authority_of_ones_own(kinds: Kinds, spec: str) -> None:
    said = json.loads(kinds.workshop.call("run", spec, "--", "python3", "-c", WHO).stdout.splitlines()[-1])
    user = ["app", "x", 1234, 1234, "", "/srv/app", "/sbin/nologin"]
    assert said == [user, "/srv/app", True, True, "Test authority", "1,5"]


def test_both_without_a_shell_stand_on_one_base_and_one_compile(kinds: Kinds) -> None:
    layers = [
        {layer["step"]: layer["digest"] for layer in kinds.answers[spec]["layers"]} for spec in (MINIMAL, DEBUG)
    ]
    shared = set(layers[0].items()) & set(layers[1].items())
    assert {step.split()[0] for step, _ in shared} == {"base", "python"}


def test_checks_look_at_all_of_it(kinds: Kinds) -> None:
    results = {one["check"]: one for one in kinds.workshop.answer("check", MINIMAL)}
    assert all(one["passed"] for one in results.values())
    assert {"user", "no-shell", "package-files", "site"} <= set(results)
    assert results["site"]["detail"] == "user app, de_DE.UTF-8, 1 authorities"


def test_uv_is_pinned_by_its_hash_and_takes_the_place_of_pip(kinds: Kinds) -> None:
    lock = kinds.workshop.lock.read_text(encoding="utf-8")
    (line,) = (line.strip(' ",') for line in lock.splitlines() if line.startswith('  "uv '))
    project, version, filename, size, digest = line.split()
    assert (project, filename.split("-")[:2]) == ("uv", ["uv", version])
    assert int(size) > 1 << 20
    assert len(digest) == 64
    here = kinds.workshop
    assert here.call("run", UV, "--", "uv", "--version").stdout.startswith(f"uv {version}")
    assert here.call("run", UV, "--", "sh", "-c", VENV).stdout.splitlines()[-1] == "2"
    missing = "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('ensurepip'))"
    assert here.call("run", UV, "--", "python3", "-c", missing).stdout.splitlines()[-1] == "None None"
    results = {one["check"]: one["detail"] for one in here.answer("check", UV) if one["passed"]}
    assert "uv" in results["site"]
    assert "pip" not in results


def test_a_pinned_pip_is_a_newer_one_and_nothing_is_compiled_for_it(quick_image: Built, tmp_path: Path) -> None:
    here = replace(quick_image.workshop, directory=tmp_path, lock=tmp_path / "imagewright.lock")
    (tmp_path / "imagewright.toml").write_text('[defaults]\nprofile = "quick"\ninstallers = "pinned"\n')
    (answer,) = here.answer("build", UV)
    assert not [step for step in answer["steps"] if step["name"].startswith("python ") and not step["cached"]]
    (line,) = (line.strip(' ",') for line in here.lock.read_text().splitlines() if line.startswith('  "pip '))
    version = line.split()[1]
    said = here.call("run", UV, "--", "pip", "--version").stdout
    assert said.startswith(f"pip {version} from /usr/local/")
    results = {one["check"]: one["detail"] for one in here.answer("check", UV) if one["passed"]}
    assert "pip" in results["site"]

# SPDX-License-Identifier: Apache-2.0
"""A person's own image, for real: packages from an index on loopback, a user, authorities, a locale, a patch."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from peers.fixtures import Workshop
from support.loopback import serve
from support.machine import program, unpack_archive
from support.own_wheel import NAME, wheel

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SPEC = "3.13-slim-trixie"
SHOW = (
    "import demo_own, json, locale, os, sys, sysconfig, this, zoneinfo; locale.setlocale(locale.LC_ALL, '');"
    "print(json.dumps([os.getuid(), os.getgid(), os.getcwd(), os.environ['HOME'], sys.argv[1:], demo_own.WORD,"
    " locale.format_string('%.1f', 1.5), this.greeting, demo_own.__cached__,"
    " os.environ['OWN'], zoneinfo.ZoneInfo('US/Pacific').key, len.__doc__,"
    " '--without-doc-strings' in sysconfig.get_config_var('CONFIG_ARGS')]))"
)
PATCH = """\
--- a/Lib/this.py
+++ b/Lib/this.py
@@ -1 +1,2 @@
+greeting = "patched"
 s = \"\"\"Gur Mra bs Clguba, ol Gvz Crgref
"""


@dataclass(frozen=True, slots=True)
class Own:
    """The image, where it was built, and the index it was built from."""

    workshop: Workshop
    archive: Path
    answer: dict[str, Any]
    index: str


@pytest.fixture(scope="module")
def own(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Built in a project of its own, on the store that all tests share."""
    openssl = program("openssl", "openssl")
    directory = tmp_path_factory.mktemp("own")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=Test authority", "-days", "3650", "-keyout", "/dev/null", "-out", "own.pem"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    (directory / "own.patch").write_text(PATCH)
    data = wheel()
    digest = hashlib.sha256(data).hexdigest()
    (directory / "requirements.txt").write_text(f"demo.own==1.0 \\\n    --hash=sha256:{digest}\n")
    (directory / "imagewright.toml").write_text(
        f"""[defaults]
profile = "quick"
bytecode = "stdlib+site"
packages = ["tree"]
configure = ["--without-doc-strings"]
environment = {{ OWN = "said" }}
labels = {{ "org.opencontainers.image.vendor" = "Example" }}
tzdata_legacy = true
requirements = ["requirements.txt"]
installers = "none"
user = {{ name = "app", uid = 1234 }}
ca_certificates = ["own.pem"]
locale = "de_DE.UTF-8"
entrypoint = ["python3", "-c", {json.dumps(SHOW)}]
command = ["hello"]
working_directory = "/home/app"
patches = ["own.patch"]
repository = "registry.example/team/python"
tags = ["{{series}}-own"]
"""
    )
    page = f'<a href="/files/{NAME}#sha256={digest}">{NAME}</a>'.encode()
    with serve({"simple/demo-own/": page, f"files/{NAME}": data}) as server:
        here = replace(workshop, directory=directory, lock=directory / "imagewright.lock")
        (answer,) = here.answer("--mirror", f"pypi={server}/simple", "build", SPEC, "-o", directory / "own.tar")
        yield Own(here, directory / "own.tar", answer, f"{server}/simple")


def test_a_container_runs_what_was_chosen_as_who_was_chosen(own: Own) -> None:
    said = json.loads(own.workshop.call("run", SPEC).stdout.splitlines()[-1])
    cached = "/usr/local/lib/python3.13/site-packages/__pycache__/demo_own.cpython-313.pyc"
    assert said[:9] == [1234, 1234, "/home/app", "/home/app", ["hello"], "own", "1,5", "patched", cached]
    assert said[9:] == ["said", "US/Pacific", None, True]
    assert json.loads(own.workshop.call("run", SPEC, "--", "a", "b").stdout.splitlines()[-1])[4] == ["a", "b"]


def test_checks_pass_and_names_are_ones_own(own: Own) -> None:
    assert own.answer["repository"] == "registry.example/team/python"
    assert own.answer["tags"] == ["3.13-own"]
    command = ["tar", "-xOf", own.archive, "manifest.json"]
    (entry,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert entry["RepoTags"] == ["registry.example/team/python:3.13-own"]
    command[-1] = entry["Config"]
    config = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["config"]
    assert config["Labels"]["org.opencontainers.image.vendor"] == "Example"


def test_the_lock_names_the_wheel_and_no_address(own: Own) -> None:
    text = own.workshop.lock.read_text(encoding="utf-8")
    assert f"demo-own 1.0 {NAME}" in text
    assert own.index not in text


def test_no_layer_hides_another_ones_file(own: Own, tmp_path: Path) -> None:
    root = unpack_archive(own.archive, tmp_path / "root")
    assert not (root / "usr/local/bin/pip").exists()
    assert (root / "usr/local/bin/demo-own").stat().st_mode & 0o111
    assert "app:x:1234:1234::/home/app:/bin/sh" in (root / "etc/passwd").read_text()
    assert not (root / "usr/share/i18n").exists()
    assert (root / "usr/bin/tree").stat().st_mode & 0o111
    steps = [layer["step"].split()[0] for layer in own.answer["layers"]]
    assert steps.count("site") == 1


def test_made_again_with_one_thread_it_is_the_same(own: Own) -> None:
    """Everything but the interpreter, which has a test of its own."""
    for kind in ("runtime", "site", "image", "check"):
        forget(own.workshop, kind)
    (again,) = own.workshop.answer("--mirror", f"pypi={own.index}", "--jobs", "1", "build", SPEC)
    assert again["digest"] == own.answer["digest"]
    assert {step["name"].split()[0] for step in again["steps"] if not step["cached"]} >= {"site", "image"}


def forget(workshop: Workshop, kind: str) -> None:
    """Take the records of a kind of step out of a store."""
    from imagewright.app.world import SystemClock
    from imagewright.store.store import Store

    with Store.open(workshop.store, clock=SystemClock()) as store:
        store.steps.remove([record.id for record, _ in store.steps.all() if record.kind.value == kind])

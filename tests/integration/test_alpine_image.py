# SPDX-License-Identifier: Apache-2.0
"""CPython on Alpine Linux, from nothing to a container: a real Alpine's packages, signed by the tests.

musl, busybox, apk, OpenSSL and all else that the image has but the time zones are Alpine 3.23's own
(``support/alpine_real.py``). It takes minutes, so it runs with IMAGEWRIGHT_LONG_TESTS=1.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from imagewright.archives.alpine.database import read_installed
from peers.apk import Apk, real_apk
from peers.fixtures import Workshop
from peers.programs import DockerEngine, peers_directory
from support.alpine_real import BRANCH, HEADERS, SPEC, configuration, real_world
from support.alpine_world import COMPILER, fetch_debs, write_key
from support.loopback import serve
from support.machine import need_root, unpack_archive

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("IMAGEWRIGHT_LONG_TESTS"), reason="compiles: IMAGEWRIGHT_LONG_TESTS=1"),
]

QUICK = ("--profile", "quick")
DEEP = """
import json, ssl, sysconfig, threading, zlib
nested = []
for _ in range(100_000):
    nested = [nested]
found = {"libc": "musl" if "musl" in sysconfig.get_config_var("MULTIARCH") else "another"}
def recurse():
    try:
        repr(nested)
    except RecursionError:
        found["recursion"] = "caught"
thread = threading.Thread(target=recurse)
thread.start(); thread.join()
found["tls"] = ssl.OPENSSL_VERSION.split()[1]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Made:
    """An image that was built, checked and written; its files in ``tree``."""

    workshop: Workshop
    answer: dict[str, Any]
    archive: Path
    tree: Path


@pytest.fixture(scope="module")
def apk() -> Apk:
    return real_apk()


@pytest.fixture(scope="module")
def made(apk: Apk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    need_root()
    debs = fetch_debs(peers_directory() / "alpine-debs", *COMPILER, *HEADERS.values())
    place = tmp_path_factory.mktemp("image")
    workshop = Workshop(place, place / "store", place / "imagewright.lock")
    write_key(place)
    with serve(real_world(apk.root, debs).files) as url:
        (place / "imagewright.toml").write_text(configuration(str(url)))
        archive = place / "image.tar"
        (answer,) = workshop.answer("build", SPEC, *QUICK, "--format", "docker-archive", "-o", archive)
        (place / "tree").mkdir()
        yield Made(workshop, answer, archive, unpack_archive(archive, place / "tree"))


def test_it_passes_every_check(made: Made) -> None:
    results = {one["check"]: one for one in made.workshop.answer("check", SPEC, *QUICK)}
    assert [name for name, one in results.items() if not one["passed"]] == []
    assert {"imports", "tls", "hashes", "time-zones", "processes", "pip", "venv", "apk-files"} <= set(results)
    assert "overflow caught in threads" in results["processes"]["detail"]


def test_its_tags(made: Made) -> None:
    tags = made.answer["tags"]
    assert tags[0] == f"{made.answer['image'].split('-')[0]}-alpine3.23"
    assert {"3.13-alpine3.23", "3.13-alpine"} <= set(tags)


def test_stacks_of_threads(made: Made) -> None:
    """Also of those that libraries start: musl reads the program's PT_GNU_STACK."""
    said = made.workshop.call("run", SPEC, *QUICK, "--", "python3", "-c", DEEP).stdout
    assert json.loads(said) == {"libc": "musl", "recursion": "caught", "tls": "3.5.8"}
    program = ELFFile(io.BytesIO((made.tree / "usr/local/bin/python3.13").read_bytes()))
    (stack,) = (one for one in program.iter_segments() if one["p_type"] == "PT_GNU_STACK")
    assert stack["p_memsz"] == 8 << 20


def test_run_time_packages_follow_from_the_interpreters_libraries(made: Made) -> None:
    """By soname, from the files' own NEEDED, and nothing that only compiled is left."""
    installed = read_installed((made.tree / "lib/apk/db/installed").read_bytes(), "the image")
    names = {fields["P"] for fields in installed}
    assert {"libssl3", "libcrypto3", "xz-libs", "zlib", "libuuid", "tzdata", "ca-certificates"} <= names
    assert not names & {"gcc", "make", "musl-dev", "openssl-dev", "glibc", "dash"}
    assert not list((made.tree / "usr/local").rglob("test/regrtest.py"))


def test_apk_finds_nothing_amiss(apk: Apk, made: Made) -> None:
    """The real apk, on the image's files: what we wrote is what is there, and its database is apk's."""
    assert apk("--root", made.tree, "--no-network", "audit", "--full", "--packages") == ""
    told = apk("--root", made.tree, "--no-network", "info", "--verbose").split()
    data = (made.tree / "lib/apk/db/installed").read_bytes()
    assert told == [f"{one['P']}-{one['V']}" for one in read_installed(data, "it")]


def test_documents(made: Made) -> None:
    report = json.dumps(made.workshop.answer("report", f"store:{SPEC}"))
    assert "libcrypto3" in report
    assert "3.13-alpine" in made.workshop.call("readme", "python").stdout
    for kind in ("spdx", "cyclonedx"):
        bill = made.workshop.call("attest", f"store:{SPEC}", "--show", kind).stdout
        assert "pkg:apk/alpine/musl@1.2.5-r23?arch=x86_64" in bill
        assert "pkg:apk/alpine/openssl" not in bill  # libcrypto3 is of that source, and a package of its own


def test_in_a_real_docker_engine(docker: DockerEngine, made: Made) -> None:
    """It starts, compiles nothing, and its own apk works there."""
    name = f"python:{made.answer['tags'][0]}"
    assert name in docker("load", stdin=made.archive)
    run = ("run", "--rm", "--network=none", name)
    assert json.loads(docker(*run, "python3", "-c", DEEP))["recursion"] == "caught"
    assert docker(*run, "apk", "--version").startswith("apk-tools 3.0.8")
    assert docker(*run, "cat", "/etc/alpine-release").strip() == "3.23.6"
    assert BRANCH in docker(*run, "cat", "/etc/apk/repositories")
    removed = docker(*run, "sh", "-c", "apk del --no-network tzdata && apk info")
    assert "tzdata" not in removed.splitlines()

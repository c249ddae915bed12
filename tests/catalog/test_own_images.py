# SPDX-License-Identifier: Apache-2.0
"""A person's own images: what the configuration may say, and what an image's definition makes of it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.catalog.configuration import apply_configuration, read_configuration
from imagewright.catalog.reference import KEYS
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import NetworkChoices, resolve_settings
from imagewright.catalog.shipped import shipped_documents
from imagewright.catalog.sites import SiteChoices, over, read_files
from imagewright.errors import ConfigurationError, Problems, UsageError
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.platforms import parse_platform
from imagewright.model.site import Account, Installers, LocalFile, Requirement, Site

AMD64 = parse_platform("linux/amd64")
HASH = "1" * 64
SIX = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PATCH = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"


def define(text: str, spec: str = "3.13-slim-trixie", **files: bytes) -> ImageDefinition:
    catalog, choices = apply_configuration(shipped_documents(), text)
    named = {name.replace("_", "."): data for name, data in files.items()}
    settings = resolve_settings(file=replace(choices, files=tuple(named.items())))
    return resolve(spec, catalog, settings, AMD64)


def test_nothing_said_leaves_an_image_as_it_is() -> None:
    plain = define("")
    assert plain.site == Site()
    assert plain.repository == "python"
    assert plain.configuration.command == ("python3",)
    assert (plain.configuration.user, plain.configuration.entrypoint, plain.configuration.working_directory) == (
        "",
        (),
        "",
    )


def test_what_a_container_runs() -> None:
    chosen = define(
        """[defaults]
entrypoint = ["app", "-v", "-v"]
working_directory = "/srv/app"
user = { name = "app", uid = 1234 }
locale = "de_DE.UTF-8"
"""
    )
    configuration = chosen.configuration
    assert configuration.entrypoint == ("app", "-v", "-v")
    assert configuration.command == ()
    assert configuration.working_directory == "/srv/app"
    assert configuration.user == "1234:1234"
    assert dict(configuration.environment)["LANG"] == "de_DE.UTF-8"
    assert chosen.site.account == Account("app", 1234, 1234, "/home/app", "/bin/sh")
    assert define('[defaults]\nentrypoint = ["app"]\ncommand = ["x"]').configuration.command == ("x",)
    assert define("[defaults]\ncommand = []").configuration.command == ()


def test_names_of_ones_own() -> None:
    text = '[defaults]\nrepository = "registry.example:5000/team/python"\n'
    text += 'tags = ["{series}{flavour}-{variant}", "{release}-{suite}-app", "latest"]'
    chosen = define(text)
    assert chosen.tags == ("3.13-slim", f"{chosen.name.release}-trixie-app", "latest")
    assert chosen.shared_tags == ()
    assert chosen.repository == "registry.example:5000/team/python"
    with pytest.raises(UsageError):
        define('[defaults]\ntags = ["{flavour}"]')


def test_packages_that_choices_come_to() -> None:
    text = '[defaults]\ntzdata_legacy = true\nca_certificates = ["a.pem"]'
    chosen = define(text, a_pem=PEM)
    assert {"tzdata-legacy", "ca-certificates"} <= set(chosen.runtime_packages)
    assert chosen.site.certificates == (LocalFile("a.pem", len(PEM), Digest.of(PEM)),)
    assert "tzdata-legacy" not in define(text, "3.13-slim-bookworm", a_pem=PEM).runtime_packages


def test_requirements_come_from_files_and_lines_and_installers() -> None:
    chosen = define(
        f"""[defaults]
requirements = ["r.txt"]
python_packages = ["six==1.17.0 --hash=sha256:{HASH}"]
installers = "pinned"
pip = "26.2.1"
uv = "1.0"
""",
        r_txt=f"abc==1 --hash=sha256:{HASH}\n".encode(),
    )
    assert chosen.site.installers is Installers.PINNED
    assert chosen.site.requirements == (
        Requirement("abc", "1", (Digest(HASH),), "r.txt:1"),
        Requirement("pip", "26.2.1", (), "installers = pinned"),
        Requirement("six", "1.17.0", (Digest(HASH),), "python_packages[0]:1"),
    )
    assert define('[defaults]\ninstallers = "uv"').site.requirements[0].project == "uv"
    assert define('[defaults]\ninstallers = "none"').site == Site(installers=Installers.NONE)


def test_wrong_requirements_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        define('[defaults]\npython_packages = ["six>=1", "abc"]\nrequirements = ["r.txt"]', r_txt=b"-e .\n")
    assert [problem.path for problem in caught.value.problems] == ["r.txt:1"] + [
        f"python_packages[{number}]:1" for number in (0, 0, 1, 1)
    ]


def test_overrides_grow_lists_and_replace_the_rest() -> None:
    low = SiteChoices(patches=("a",), entrypoint=("x",), locale="de_DE.UTF-8", installers=Installers.NONE)
    high = SiteChoices(patches=("b", "a"), entrypoint=("y",), installers=Installers.UV)
    assert over(low, high) == SiteChoices(
        patches=("a", "b"), entrypoint=("y",), locale="de_DE.UTF-8", installers=Installers.UV
    )
    text = '[defaults]\ncommand = ["a"]\n[[overrides]]\nselect = ["*-trixie"]\ncommand = ["b"]\n'
    assert define(text).configuration.command == ("b",)
    assert define(text, "3.13-slim-bookworm").configuration.command == ("a",)


def test_everything_wrong_is_told_at_once_with_its_place() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(
            """
[network]
proxy = "socks5://x"
prxy = 1
[defaults]
installers = "pined"
locale = "german"
tags = ["{seris}"]
user = { uid = 0, home = "/a/../b", nme = "x" }
working_directory = "app"
entrypoint = "app"
repository = "Upper/Case"
"""
        )
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [
        "network.proxy",
        "network.prxy",
        "defaults.installers",
        "defaults.user.name",
        "defaults.user.uid",
        "defaults.user.home",
        "defaults.user.nme",
        "defaults.locale",
        "defaults.entrypoint",
        "defaults.working_directory",
        "defaults.repository",
        "defaults.tags[0]",
    ]
    hints = {problem.path: problem.hint for problem in caught.value.problems}
    assert hints["defaults.installers"] == "did you mean pinned?"
    assert hints["defaults.user.nme"] == "did you mean name?"


def test_the_network_is_read() -> None:
    text = '[network]\nproxy = "http://p.example:3128"\nno_proxy = ["a.example"]\nca_file = "ca.pem"'
    assert read_configuration(text).choices.network == NetworkChoices(
        "http://p.example:3128", ("a.example",), "ca.pem"
    )


def test_files_are_read_once_looked_at_and_blamed_by_place() -> None:
    content = {
        "good.pem": PEM,
        "two.pem": PEM * 2,
        "good.patch": PATCH,
        "bad.patch": b"hello",
        "r.txt": b"\xff",
        "with space.pem": PEM,
    }

    def read(path: str) -> bytes:
        if path not in content:
            raise FileNotFoundError(2, "No such file or directory")
        return content[path]

    problems = Problems()
    layers = [
        ("defaults", SiteChoices(certificates=("good.pem", "two.pem", "with space.pem"), requirements=("r.txt",))),
        ("overrides[0]", SiteChoices(patches=("good.patch", "bad.patch", "gone.patch"))),
    ]
    files = dict(read_files(layers, read, problems))
    assert files["good.pem"] == PEM
    assert [str(problem) for problem in problems.found] == [
        "defaults.requirements[0]: r.txt is not UTF-8 text",
        "defaults.ca_certificates[1]: two.pem does not hold one certificate in PEM",
        "defaults.ca_certificates[2]: with space.pem needs a plain name: letters, digits, dots, hyphens",
        "overrides[0].patches[1]: bad.patch is not a unified diff",
        "overrides[0].patches[2]: cannot read gone.patch: No such file or directory",
    ]


def test_a_user_of_an_image_without_a_shell_has_none_and_begins_at_home() -> None:
    minimal = define('[defaults]\nuser = { name = "app" }', "3.13-minimal-trixie")
    assert minimal.site.account == Account("app", 1000, 1000, "/home/app", "/sbin/nologin")
    assert (minimal.configuration.user, minimal.configuration.working_directory) == ("1000:1000", "/home/app")
    chosen = '[defaults]\nworking_directory = "/srv"\nuser = { name = "app", shell = "/busybox/sh" }'
    debug = define(chosen, "3.13-minimal-debug-trixie")
    assert debug.site.account is not None
    assert (debug.site.account.shell, debug.configuration.working_directory) == ("/busybox/sh", "/srv")
    assert define('[defaults]\nuser = { name = "app" }').configuration.working_directory == ""
    assert define('[defaults]\nlocale = "de_DE.UTF-8"', "3.13-minimal-trixie").site.locale == "de_DE.UTF-8"


def test_the_complete_example_uses_every_key_and_defines_an_image() -> None:
    text = (Path(__file__).parent.parent.parent / "docs/how-to/imagewright.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    for table in ("defaults", "network", "cache", "publication", "windows", "tags"):
        assert set(written[table]) == {key.name for key in KEYS if key.table == table}
    simple = {key.name for key in KEYS if not key.table} | {key.table for key in KEYS if key.table}
    assert set(written) == simple
    catalog, choices = apply_configuration(shipped_documents(), text)
    content = {
        "requirements": f"six==1.17.0 --hash=sha256:{SIX}\n".encode(),
        "certificates": PEM,
        "patches": PATCH,
    }
    problems = Problems()
    read = {"requirements.txt": content["requirements"]}
    files = read_files(
        [("defaults", choices.image.site)],
        lambda path: read.get(path) or content[path.partition("/")[0]],
        problems,
    )
    assert not problems.found
    found = resolve("3.13-slim-trixie", catalog, resolve_settings(file=replace(choices, files=files)), AMD64)
    assert [each.project for each in found.site.requirements] == ["pip", "six"]
    assert found.tags[0] == "3.13-app"

# SPDX-License-Identifier: Apache-2.0
"""The compile recipe: what each script is told, and that the scripts are sound."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import tomllib
from importlib import resources

import pytest

from imagewright.model.images import Bytecode, Flavour, Profile
from imagewright.model.plan import Script
from imagewright.recipes.python import (
    Compilation,
    compile_scripts,
    compiler_flags,
    required_modules,
    training_scripts,
)

WANTED = Compilation(
    release="3.13.15", source="python.tar.xz", triplet="x86_64-linux-gnu", epoch=1_786_060_800, trained=True
)
QUICK = dataclasses.replace(WANTED, profile=Profile.QUICK, trained=False)
PROFILES = resources.files("imagewright.catalog") / "data" / "profiles"


def environment(scripts: tuple[Script, ...], name: str) -> dict[str, str]:
    return dict(next(script for script in scripts if script.name == f"python-{name}").environment)


def test_a_release_build_freezes_first_and_uses_the_profile() -> None:
    scripts = compile_scripts(WANTED)
    assert [script.name for script in scripts] == [
        "python-prepare",
        "python-bootstrap",
        "python-builtin",
        "python-compile",
        "python-install",
        "python-finish",
    ]
    compiling = environment(scripts, "compile")
    assert (compiling["IW_PGO"], compiling["IW_LTO"]) == ("use", "yes")
    assert "-fprofile-use" in compiling["IW_CFLAGS"].split()


def test_a_quick_build_has_neither_profile_nor_link_time_optimisation() -> None:
    scripts = compile_scripts(QUICK)
    assert "python-bootstrap" not in [script.name for script in scripts]
    compiling = environment(scripts, "compile")
    assert (compiling["IW_PGO"], compiling["IW_LTO"]) == ("none", "no")
    assert not re.search("flto|fprofile", compiling["IW_CFLAGS"] + compiling["IW_LDFLAGS"])


def test_an_untrained_release_build_reads_no_profile() -> None:
    scripts = compile_scripts(dataclasses.replace(WANTED, trained=False))
    assert environment(scripts, "compile")["IW_PGO"] == "none"
    assert "-fprofile-use" not in environment(scripts, "compile")["IW_CFLAGS"]


def test_training_and_use_differ_only_in_what_comes_after_the_counters() -> None:
    training = set(environment(training_scripts(WANTED), "train")["IW_CFLAGS"].split())
    using = set(compiler_flags(WANTED))
    assert training - using == {"-fprofile-generate"}
    assert using - training == {"-flto", "-fprofile-use", "-fprofile-correction"}


@pytest.mark.parametrize("frame_pointers", [False, True])
def test_frame_pointers_are_a_switch(*, frame_pointers: bool) -> None:
    flags = compiler_flags(dataclasses.replace(WANTED, frame_pointers=frame_pointers))
    assert ("-fno-omit-frame-pointer" in flags) == frame_pointers
    assert ("-mno-omit-leaf-frame-pointer" in flags) == frame_pointers


def test_nothing_lowers_the_optimisation_of_a_release_build() -> None:
    assert not [flag for flag in compiler_flags(WANTED) if flag.startswith("-O")]


@pytest.mark.parametrize(
    ("triplet", "flag"),
    [
        ("x86_64-linux-gnu", "-fcf-protection"),
        ("aarch64-linux-gnu", "-mbranch-protection=standard"),
        ("riscv64-linux-gnu", ""),
    ],
)
def test_branch_protection_follows_the_processor(triplet: str, flag: str) -> None:
    flags = compiler_flags(dataclasses.replace(WANTED, triplet=triplet))
    assert [word for word in flags if "protection=" in word or "cf-protection" in word] == ([flag] if flag else [])


def test_configure_never_hears_of_optimisation() -> None:
    """Configure's arguments and variables are recorded and reach extension modules."""
    for scripts in (compile_scripts(WANTED), training_scripts(WANTED), compile_scripts(QUICK)):
        preparing = environment(scripts, "prepare")
        assert not {"CFLAGS", "LDFLAGS", "CPPFLAGS", "CC", "OPT"} & set(preparing)
        assert not re.search("-f[a-z]|-O|-W", preparing["IW_CONFIGURE"])


def test_python_2_trains_with_tests_of_its_own_and_nothing_that_came_later() -> None:
    two = dataclasses.replace(WANTED, release="2.7.18")
    tests = environment(training_scripts(two), "train")["IW_TESTS"].split()
    assert {"test_dict", "test_cpickle", "test_xml_etree"} <= set(tests)
    assert not {"test_asyncgen", "test_coroutines", "test_enum", "test_typing"} & set(tests)
    assert len(tests) == len(set(tests))


def test_test_modules_are_built_for_training_only() -> None:
    assert "--disable-test-modules" in environment(compile_scripts(WANTED), "prepare")["IW_CONFIGURE"]
    assert "--disable-test-modules" not in environment(training_scripts(WANTED), "prepare")["IW_CONFIGURE"]


def test_old_releases_get_no_argument_they_do_not_know() -> None:
    old = dataclasses.replace(WANTED, release="3.9.2")
    assert environment(compile_scripts(old), "prepare")["IW_CONFIGURE"] == (
        "--with-dbmliborder=bdb:gdbm --with-ensurepip --enable-loadable-sqlite-extensions"
    )
    oldest = dataclasses.replace(WANTED, release="2.7.18")
    assert environment(compile_scripts(oldest), "prepare")["IW_CONFIGURE"] == (
        "--with-dbmliborder=bdb:gdbm --with-ensurepip --enable-unicode=ucs4"
    )


@pytest.mark.parametrize(("release", "there"), [("3.11.2", True), ("3.12.1", False)])
def test_absolute_paths_are_cut_where_distutils_compiles(release: str, *, there: bool) -> None:
    flags = compiler_flags(dataclasses.replace(WANTED, release=release))
    assert any(flag.startswith("-fmacro-prefix-map=") for flag in flags) == there


def test_extra_configure_arguments_come_last() -> None:
    wanted = dataclasses.replace(WANTED, extra_configure=("--with-system-expat",))
    assert environment(compile_scripts(wanted), "prepare")["IW_CONFIGURE"].endswith(" --with-system-expat")


def test_patches_come_between_source_and_configure() -> None:
    patched = compile_scripts(dataclasses.replace(WANTED, patches=2))
    assert environment(patched, "prepare")["IW_PATCHES"] == "1 2"
    text = patched[0].text
    assert text.index("tar -xf") < text.index("patch -p1") < text.index("./configure")
    assert patched[1:] == compile_scripts(WANTED)[1:]
    assert "IW_PATCHES" not in environment(compile_scripts(WANTED), "prepare")
    assert "patch -p1" not in compile_scripts(WANTED)[0].text


def test_free_threading_has_its_own_directory() -> None:
    wanted = dataclasses.replace(WANTED, release="3.14.2", flavour=Flavour.FREE_THREADED)
    assert "--disable-gil" in environment(compile_scripts(wanted), "prepare")["IW_CONFIGURE"]
    assert environment(compile_scripts(wanted), "install")["IW_SERIES"] == "3.14t"


@pytest.mark.parametrize(
    ("release", "module", "there"),
    [
        ("3.13.15", "_zstd", False),
        ("3.14.2", "_zstd", True),
        ("3.9.2", "_zoneinfo", True),
        ("3.13.15", "_tkinter", True),
        ("3.13.15", "_uuid", True),
        ("2.7.18", "bz2", True),
        ("2.7.18", "_lzma", False),
    ],
)
def test_modules_that_must_be_there(release: str, module: str, *, there: bool) -> None:
    assert (module in required_modules(dataclasses.replace(WANTED, release=release))) == there


def test_the_environment_is_pinned_and_sorted() -> None:
    for script in (*compile_scripts(WANTED), *training_scripts(WANTED)):
        given = dict(script.environment)
        assert list(script.environment) == sorted(script.environment)
        assert given["SOURCE_DATE_EPOCH"] == "1786060800"
        assert (given["TZ"], given["LC_ALL"], given["PYTHONHASHSEED"]) == ("UTC", "C.UTF-8", "0")
        assert "IW_JOBS" not in given


def test_each_script_gets_every_variable_it_reads_and_none_besides() -> None:
    for script in (*compile_scripts(WANTED), *training_scripts(WANTED), *compile_scripts(QUICK)):
        text = "\n".join(line for line in script.text.splitlines() if not line.startswith("#"))
        read = set(re.findall(r"\$\{?(IW_[A-Z0-9]+)", text)) - {"IW_JOBS"}
        given = {name for name, _ in script.environment if name.startswith("IW_")}
        assert read == given, script.name


def test_bytecode_can_be_left_out() -> None:
    wanted = dataclasses.replace(WANTED, bytecode=Bytecode.NONE)
    assert environment(compile_scripts(wanted), "install")["IW_BYTECODE"] == "none"


def test_scripts_are_marked_and_stop_at_errors() -> None:
    for script in (*compile_scripts(WANTED), *training_scripts(WANTED)):
        lines = script.text.splitlines()
        assert lines[:2] == ["#!/bin/sh", "# SPDX-License-Identifier: Apache-2.0"]
        assert "set -eu" in lines


@pytest.mark.integration
def test_scripts_pass_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        if os.environ.get("CI"):
            pytest.fail("shellcheck is not installed")
        pytest.skip("shellcheck is not installed")
    for script in (*compile_scripts(WANTED), *training_scripts(WANTED)):
        result = subprocess.run(
            ["shellcheck", "--shell=sh", "-"], input=script.text, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{script.name}\n{result.stdout}"


@pytest.mark.parametrize("name", sorted(item.name for item in PROFILES.iterdir() if item.name.endswith(".toml")))
def test_shipped_profiles_are_what_their_description_says(name: str) -> None:
    described = tomllib.loads((PROFILES / name).read_text(encoding="utf-8"))
    data = (PROFILES / f"{name.removesuffix('.toml')}.tar.xz").read_bytes()
    assert (described["size"], described["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert len(data) < 1 << 20
    assert name == f"cpython-{described['release']}-{described['suite']}-{described['architecture']}.toml"


@pytest.mark.parametrize("name", sorted(item.name for item in PROFILES.iterdir() if item.name.endswith(".toml")))
def test_shipped_profiles_were_trained_with_todays_flags(name: str) -> None:
    """Flags that differ make gcc ignore counts; a change of flags needs new profiles."""
    described = tomllib.loads((PROFILES / name).read_text(encoding="utf-8"))
    wanted = dataclasses.replace(WANTED, release=described["release"], triplet=described["triplet"])
    assert described["flags"] == environment(training_scripts(wanted), "train")["IW_CFLAGS"]


def test_gcc_10_keeps_the_end_of_a_python_2_program() -> None:
    for profile in Profile:
        old = dataclasses.replace(WANTED, release="2.7.18", profile=profile)
        assert "-fno-ipa-pure-const" in compiler_flags(old)
        assert "-fno-ipa-pure-const" not in compiler_flags(dataclasses.replace(old, release="3.9.2"))


def test_modules_without_libraries_are_built_in_where_the_release_has_a_list_of_modules() -> None:
    for release, there in (("3.13.15", True), ("3.11.2", True), ("3.10.1", False), ("2.7.18", False)):
        given = environment(compile_scripts(dataclasses.replace(WANTED, release=release)), "builtin")["IW_BUILTIN"]
        assert ("_json" in given.split()) is there, release
        assert not {"binascii", "zlib", "_ssl", "_sqlite3"} & set(given.split()), "these bring libraries"


def test_a_profile_is_trained_with_what_is_built() -> None:
    training, using = training_scripts(WANTED), compile_scripts(WANTED)
    assert environment(training, "builtin")["IW_BUILTIN"] == environment(using, "builtin")["IW_BUILTIN"]


@pytest.mark.parametrize(
    ("release", "programs"),
    [
        ("3.13.15", ("arithmetic", "concurrency", "matching", "objects", "text")),
        ("3.9.2", ("arithmetic", "concurrency", "objects", "text")),
        ("2.7.18", ()),
    ],
)
def test_training_runs_the_programs_that_a_release_understands(release: str, programs: tuple[str, ...]) -> None:
    *_, train = training_scripts(dataclasses.replace(WANTED, release=release))
    assert dict(train.environment)["IW_PROGRAMS"].split() == list(programs)
    assert tuple(re.findall(r"> /tmp/training/([a-z]+)[.]py << 'IW_PROGRAM'", train.text)) == programs
    for name in programs:
        text = (resources.files("imagewright.recipes") / "training" / f"{name}.py").read_text(encoding="utf-8")
        assert text in train.text
        minor = int(release.split(".")[1])
        ast.parse(text, name, feature_version=(3, minor))


@pytest.mark.parametrize(
    "name",
    ["arithmetic", "matching", "objects", "text", pytest.param("concurrency", marks=pytest.mark.integration)],
)
def test_programs_to_train_with_run_and_run_again(name: str) -> None:
    program = importlib.import_module(f"imagewright.recipes.training.{name}")
    program.main()
    program.main()


@pytest.mark.parametrize(("release", "answer"), [("3.13.15", "no"), ("3.9.2", "no"), ("2.7.18", "yes")])
def test_what_only_python_2_needs_is_for_python_2(release: str, answer: str) -> None:
    wanted = dataclasses.replace(WANTED, release=release)
    compiling, training = compile_scripts(wanted), training_scripts(wanted)
    for scripts, name in (
        (compiling, "prepare"),
        (compiling, "compile"),
        (training, "prepare"),
        (training, "train"),
    ):
        assert environment(scripts, name)["IW_PYTHON2"] == answer

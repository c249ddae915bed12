# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import imagewright.checks
from imagewright.checks import windows
from imagewright.checks.selection import check_names, told
from imagewright.checks.suite import SUITE, TWO, Need, find, programs, revision
from imagewright.model.images import (
    Bytecode,
    Compression,
    Flavour,
    ImageConfiguration,
    ImageDefinition,
    ImageName,
    Profile,
    PythonPart,
    RootKind,
)
from imagewright.model.platforms import parse_platform
from imagewright.model.site import Installers
from imagewright.recipes.parts import WITHOUT_BYTECODE

FOLDER = Path(imagewright.checks.__path__[0]) / "programs"
HELPERS = {"verdict.py", "wheels.py", "test-authority.pem", "test-server.pem"}


PARTS = {
    "slim": tuple(part for part in PythonPart if part is not PythonPart.DEBUG),
    "minimal": (PythonPart.INTERPRETER,),
    "minimal-debug": (PythonPart.INTERPRETER,),
}


def definition(
    variant: str, *, bytecode: Bytecode = Bytecode.STDLIB, platform: str = "linux/amd64"
) -> ImageDefinition:
    return ImageDefinition(
        name=ImageName("3.13.15", Flavour.DEFAULT, variant, "trixie"),
        series="3.13",
        platform=parse_platform(platform),
        profile=Profile.QUICK,
        tags=(),
        shared_tags=(),
        base_packages=(),
        runtime_packages=("busybox-static",) if variant == "minimal-debug" else (),
        build_packages=(),
        optional_modules=(),
        slim=variant == "slim",
        root=RootKind.BARE if variant.startswith("minimal") else RootKind.CONFIGURED,
        parts=PARTS[variant] if variant in PARTS else tuple(PythonPart),
        bytecode=bytecode,
        frame_pointers=False,
        extra_configure=(),
        compression=Compression.GZIP,
        configuration=ImageConfiguration((), ()),
        release_epoch=0,
    )


def test_every_check_has_a_program_and_every_program_a_check() -> None:
    names = {name for name, _ in programs() if not name.startswith(f"{TWO}/")}
    assert names == {check.program for check in SUITE} | HELPERS
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == names


def test_python_2_has_programs_of_its_own() -> None:
    names = {name.removeprefix(f"{TWO}/") for name, _ in programs() if name.startswith(f"{TWO}/")}
    only_3 = {Need.PYTHON_3, Need.FREE_THREADED, Need.DEBUG}
    assert names == {check.program for check in SUITE if not check.needs & only_3} | {"verdict.py"}
    two = replace(definition("slim"), series="2.7", name=ImageName("2.7.18", Flavour.DEFAULT, "slim", "bullseye"))
    assert "venv" not in check_names(two)
    assert {"version", "imports", "tls", "pip", "apt"} <= set(check_names(two))


@pytest.mark.parametrize("name", sorted(path.name for path in (FOLDER / TWO).glob("*.py")))
def test_programs_for_python_2_are_not_written_for_3(name: str) -> None:
    tree = ast.parse((FOLDER / TWO / name).read_text())
    assert ast.get_docstring(tree), "says nothing about what it checks"
    newer = (ast.JoinedStr, ast.AnnAssign, ast.AsyncFunctionDef, ast.Nonlocal, ast.NamedExpr, ast.YieldFrom)
    assert not any(isinstance(node, newer) for node in ast.walk(tree))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not any(node.returns or node.args.kwonlyargs for node in functions)


def test_flavours_have_checks_of_their_own() -> None:
    def names(flavour: Flavour) -> set[str]:
        image = definition("slim")
        return set(check_names(replace(image, name=replace(image.name, flavour=flavour))))

    assert names(Flavour.FREE_THREADED) - names(Flavour.DEFAULT) == {"free-threading"}
    assert names(Flavour.DEBUG) - names(Flavour.DEFAULT) == {"debug-build"}


def test_names_are_unique_and_found() -> None:
    assert len({check.name for check in SUITE}) == len(SUITE)
    assert all(find(check.name) is check for check in SUITE)
    with pytest.raises(KeyError):
        find("colour")


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.py")))
def test_programs_are_for_python_3_9_with_nothing_installed(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(), feature_version=(3, 9))
    assert ast.get_docstring(tree), "says nothing about what it checks"
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
    future = False
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        future |= "__future__" in modules
        for module in modules:
            assert module in {"verdict", "wheels"} or module.split(".")[0] in sys.stdlib_module_names | {"crypt"}
    assert future, "annotations would be evaluated by older versions"


def test_program_names_hide_no_module_of_the_standard_library() -> None:
    assert not {path.stem for path in FOLDER.glob("*.py")} & sys.stdlib_module_names


def test_the_revision_follows_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = revision()
    assert before == revision()
    monkeypatch.setattr("imagewright.checks.suite.programs", lambda: (*programs(), ("more.py", b"")))
    assert revision() != before


def test_variants_get_the_checks_they_can_pass() -> None:
    slim, full, minimal = (set(check_names(definition(name))) for name in ("slim", "full", "minimal"))
    assert full - slim == {"extension", "debug-files"}
    assert slim - minimal == {"packages", "apt", "pip", "venv", "embedding"}
    assert minimal - slim == {"user", "no-shell", "package-files"}
    assert {"version", "imports", "tls", "bytecode", "commands"} <= minimal
    assert set(check_names(definition("minimal-debug"))) == minimal - {"no-shell"}
    assert "no-bytecode" not in full


def test_checks_know_what_need_not_be_there() -> None:
    alpine = replace(definition("alpine"), absent_modules=("_bz2", "_dbm"))
    assert dict(told(alpine))["IW_ABSENT_MODULES"] == "_bz2 _dbm"
    assert not {"site", "compression"} & set(check_names(alpine))
    assert "embedding" in check_names(alpine)
    assert "embedding" not in check_names(replace(alpine, absent_modules=("_ctypes",)))
    assert "IW_ABSENT_MODULES" not in dict(told(definition("slim")))


def test_the_check_of_bytecode_is_told_what_is_left_as_source() -> None:
    assert dict(told(definition("slim")))["IW_PLAIN"].split() == list(WITHOUT_BYTECODE)
    assert "IW_PLAIN" not in dict(told(definition("slim", bytecode=Bytecode.NONE)))


def test_the_check_of_bytecode_asks_only_for_that_of_cpython_s_own_pip() -> None:
    pinned = replace(definition("slim"), site=replace(definition("slim").site, installers=Installers.PINNED))
    assert dict(told(definition("slim")))["IW_PIP_COMPILED"] == "yes"
    assert "IW_PIP_COMPILED" not in dict(told(pinned))
    assert "IW_PIP_COMPILED" not in dict(told(definition("slim", bytecode=Bytecode.NONE)))


def test_bytecode_is_asked_for_or_forbidden() -> None:
    names = check_names(definition("slim", bytecode=Bytecode.NONE))
    assert "no-bytecode" in names
    assert "bytecode" not in names


def test_the_order_is_the_suite_s() -> None:
    names = check_names(definition("full"))
    assert list(names) == [check.name for check in SUITE if check.name in names]
    assert names[0] == "version"  # what everything else rests on comes first


def test_windows_has_checks_of_its_own_that_run_nothing() -> None:
    image = definition("windowsservercore", platform="windows/amd64")
    assert check_names(image) == windows.NAMES
    assert not {check.name for check in SUITE} & set(windows.NAMES)
    assert check_names(replace(image, platform=parse_platform("linux/arm64"))) != ()

# SPDX-License-Identifier: Apache-2.0
"""The rules of the house, held by a test: imports go one way, modules stay small, only cli prints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "imagewright"

# Floors from the ground up. A room may import from floors below its own, and from itself.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "events"}),
    frozenset({"model"}),
    frozenset({"catalog", "archives", "recipes", "oci", "store", "sandbox"}),
    frozenset({"inventory"}),
    frozenset({"planning", "registry", "attest", "describe"}),
    frozenset({"engine", "checks", "emit"}),
    frozenset({"app"}),
    frozenset({"cli"}),
)
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def floor_of(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def imports_of(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names = [node.module or ""]
            if node.module == "imagewright":
                names = [f"imagewright.{alias.name}" for alias in node.names]
        found.update(name.split(".")[1] for name in names if name.startswith("imagewright."))
    return found - {"__version__"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(module: Path) -> None:
    room = room_of(module)
    if room in {"__init__", "__main__"}:
        return
    for imported in imports_of(module) - {room}:
        assert floor_of(imported) < floor_of(room), f"{room} must not import {imported}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_stay_small(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 500


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_cli_prints_or_exits(module: Path) -> None:
    if room_of(module) in {"cli", "__main__"} or module.name == "jail.py":  # jail.py is a program by itself
        return
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit"}, f"{module}:{node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("sys", "exit"), f"{module}:{node.lineno}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_file_names_its_licence(module: Path) -> None:
    assert module.read_text().startswith("# SPDX-License-Identifier: Apache-2.0\n")

# SPDX-License-Identifier: Apache-2.0
"""Which part of an interpreter's tree a path is in."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from imagewright.model.images import PythonPart
from imagewright.recipes.parts import PART_RULES, part_of

EXAMPLES = {
    "usr/local/bin/python3.13": PythonPart.INTERPRETER,
    "usr/local/bin/python": PythonPart.INTERPRETER,
    "usr/local/bin/pydoc3.13": PythonPart.INTERPRETER,
    "usr/local/bin/python3.13-config": PythonPart.DEVELOPMENT,
    "usr/local/bin/python-config": PythonPart.DEVELOPMENT,
    "usr/local/bin/pip3": PythonPart.INSTALLERS,
    "usr/local/bin/idle": PythonPart.EXTRAS,
    "usr/local/bin/2to3-3.11": PythonPart.EXTRAS,
    "usr/local/include/python3.13t/Python.h": PythonPart.DEVELOPMENT,
    "usr/local/lib/libpython3.13.so.1.0": PythonPart.DEVELOPMENT,
    "usr/local/lib/libpython3.so": PythonPart.DEVELOPMENT,
    "usr/local/lib/pkgconfig/python3.pc": PythonPart.DEVELOPMENT,
    "usr/local/lib/python3.13/config-3.13-x86_64-linux-gnu/Makefile": PythonPart.DEVELOPMENT,
    "usr/local/lib/python2.7/config/Makefile": PythonPart.DEVELOPMENT,
    "usr/local/lib/python3.13/configparser.py": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/site-packages": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/site-packages/README.txt": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/site-packages/pip/__init__.py": PythonPart.INSTALLERS,
    "usr/local/lib/python3.13/ensurepip/_bundled/pip-26.0-py3-none-any.whl": PythonPart.INSTALLERS,
    "usr/local/lib/python3.13/venv/__init__.py": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/idlelib/idle.py": PythonPart.EXTRAS,
    "usr/local/lib/python3.13/__pycache__/turtle.cpython-313.pyc": PythonPart.EXTRAS,
    "usr/local/lib/python3.13/pydoc.py": PythonPart.INTERPRETER,
    "usr/local/lib/python3.13/pydoc_data/topics.py": PythonPart.EXTRAS,
    "usr/local/lib/python3.13/lib-dynload/_tkinter.cpython-313-x86_64-linux-gnu.so": PythonPart.EXTRAS,
    "usr/local/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so": PythonPart.INTERPRETER,
    "usr/local/share/man/man1/python3.13.1": PythonPart.EXTRAS,
    "usr/lib/debug/.build-id/0a/1b.debug": PythonPart.DEBUG,
    "usr/share/gdb/auto-load/usr/local/bin/python3.13-gdb.py": PythonPart.DEBUG,
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_path_is_in_one_part(path: str) -> None:
    assert part_of(path) is EXAMPLES[path]


def test_the_first_rule_that_matches_decides() -> None:
    for path in EXAMPLES:
        found = next((rule.part for rule in PART_RULES if fnmatchcase(path, rule.pattern)), PythonPart.INTERPRETER)
        assert part_of(path) is found


def test_every_rule_has_a_reason() -> None:
    assert all(rule.why for rule in PART_RULES)
    assert {rule.part for rule in PART_RULES} == set(PythonPart)

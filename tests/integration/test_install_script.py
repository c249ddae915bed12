# SPDX-License-Identifier: Apache-2.0
"""Parts of the script that installs CPython, run by a real shell and interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

SCRIPT = resources.files("imagewright.recipes") / "scripts" / "python-install.sh"


def test_bytecode_is_for_all_that_pip_reads_even_what_it_gives_up(tmp_path: Path) -> None:
    found = re.search(r"^pip_start\(\) \{\n.*?^\}$", SCRIPT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    package = tmp_path / "tree/lib/site-packages/pip"
    (package / "parts").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "__main__.py": "import pip.parts, sys\nsys.exit(sys.argv[1:] != ['--version'])",
        "parts/__init__.py": "try:\n    import pip.parts.socks\nexcept ImportError:\n    pass",
        "parts/socks.py": "import a_package_that_is_not_there",
        "other.py": "",
    }
    for name, text in files.items():
        (package / name).write_text(text + "\n")
    done = subprocess.run(
        ["sh", "-euc", f"{found[0]}\npip_start"],
        cwd=tmp_path,
        env={"IW_PYTHON": sys.executable, "tree": f"{tmp_path}/tree", "lib": "/lib", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (tmp_path / "pip.log").read_text()
    assert done.stdout.split() == [
        "pip/__init__.py",
        "pip/__main__.py",
        "pip/parts/__init__.py",
        "pip/parts/socks.py",
    ]

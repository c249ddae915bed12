# SPDX-License-Identifier: Apache-2.0
"""Makes a wheel out of nothing (PyPA binary distribution format), for the checks of pip and venv."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile

NAME = "imagewright_check"
FILES = {
    f"{NAME}/__init__.py": "def main():\n    print('it works')\n",
    f"{NAME}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
    f"{NAME}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{NAME}-1.0.dist-info/entry_points.txt": f"[console_scripts]\nimagewright-check = {NAME}:main\n",
}


def make(directory: str) -> str:
    """Write the wheel; its path."""
    path = os.path.join(directory, f"{NAME}-1.0-py3-none-any.whl")
    record = ""
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in FILES.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text)}\n"
            wheel.writestr(name, text)
        record += f"{NAME}-1.0.dist-info/RECORD,,\n"
        wheel.writestr(f"{NAME}-1.0.dist-info/RECORD", record)
    return path

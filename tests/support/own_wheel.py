# SPDX-License-Identifier: Apache-2.0
"""A wheel for tests of images of one's own."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

NAME = "demo_own-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A wheel out of nothing, the same each time."""
    info = "demo_own-1.0.dist-info"
    files = {
        "demo_own.py": "WORD = 'own'\n\n\ndef main():\n    print(WORD)\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: demo-own\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ndemo-own = demo_own:main\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()

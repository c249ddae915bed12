# SPDX-License-Identifier: Apache-2.0
"""The document inside an image that tells scanners of the interpreter, which no package database knows.

Where scanners look, and what each makes of it, is in ``docs/explanation/attestations.md``.
"""

from __future__ import annotations

REVISION = 1
"""Goes into the id of the step that writes the document; raised when the same source gives other bytes."""

DIRECTORY = "usr/local/share/sbom"


def document_path(release: str) -> str:
    """Relative to the root. Trivy and Syft go by the end of the name."""
    return f"{DIRECTORY}/python-{release}.spdx.json"

# SPDX-License-Identifier: Apache-2.0
"""Golden files: what a writer wrote, compared with what is kept; ``pytest --regen`` keeps what it writes now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Golden:
    """Compares with the files of one directory; JSON is kept indented, so that changes can be read."""

    directory: Path
    regenerate: bool

    def __call__(self, name: str, content: bytes) -> None:
        text = content.decode()
        if name.endswith(".json"):
            text = json.dumps(json.loads(content), indent=1, ensure_ascii=False) + "\n"
        path = self.directory / name
        if self.regenerate:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} differs; run pytest --regen if it is meant to"

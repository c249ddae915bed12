# SPDX-License-Identifier: Apache-2.0
"""Assembles a root in a process of its own: ``root_worker.py PACKAGES SUITE JOBS WORKSPACE``, for tests.

``PACKAGES`` is a directory of .debs. Prints the digests of layer and state. As an ordinary user it becomes root of
a user namespace first, as the product does.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from imagewright.engine.roots import AssembledRoot, Machine, assemble_root
from imagewright.model.plan import RootWork
from imagewright.recipes.distributions import AptSource
from imagewright.recipes.rootfiles import root_files
from imagewright.recipes.roots import SLIM_EXCLUDE, SLIM_INCLUDE
from imagewright.sandbox.becoming import become_root
from imagewright.sandbox.runner import NamespaceSandbox
from support.real_debs import FileBlobs, digest_of, lock


def build(debs: list[Path], suite: str, jobs: int, workspace: Path) -> AssembledRoot:
    """A slim root of these packages; its log is ``log`` in the workspace."""
    address = "http://deb.example/debian"
    blobs = FileBlobs()
    packages = lock(sorted(debs), blobs)
    files = root_files(
        architecture="amd64", slim=True, automatic=(),
        sources=(
            AptSource(address, (suite, f"{suite}-updates"), ("main",)),
            AptSource(f"{address}-security", (f"{suite}-security",), ("main",)),
        ),
    )  # fmt: skip
    work = RootWork(suite, "amd64", packages, files, SLIM_EXCLUDE, SLIM_INCLUDE, layered=True)
    workspace.mkdir(parents=True)
    with (workspace / "log").open("wb") as log:
        return assemble_root(work, Machine(blobs, NamespaceSandbox(), log.write, jobs), workspace)


def main() -> None:
    debs, suite, jobs, workspace = sys.argv[1:]
    become_root()
    root = build(list(Path(debs).glob("*.deb")), suite, int(jobs), Path(workspace))
    print(digest_of(root.layer()), digest_of(root.state()))


if __name__ == "__main__":
    main()

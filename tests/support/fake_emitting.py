# SPDX-License-Identifier: Apache-2.0
"""The part of the fake application that writes for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imagewright.events import Sink
from imagewright.model.catalogues import CatalogueOptions, NotShown, WrittenSite
from imagewright.model.dockerfiles import BakeFile, BakeOptions, Dockerfile, DockerfileOptions, DockerfileTree
from imagewright.model.emitted import (
    LibraryEntry,
    LibraryManifest,
    LibraryOptions,
    LibrarySource,
    Readme,
    ReadmeOptions,
    TakenOver,
)
from imagewright.model.statuses import ImageStatus, Status, StatusColumn, StatusOptions, StatusRow
from imagewright.model.takeovers import Imported, Kind, Remark
from imagewright.model.workflows import CiFile, CiOptions, Service

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = LibrarySource(
    "amd64",
    "https://git.example/python.git",
    "refs/heads/main",
    _COMMIT,
    "3.13/slim-trixie",
    "Dockerfile",
    "buildkit",
)
MANIFEST = LibraryManifest(
    maintainers=("Ada Example (@ada)",),
    entries=(LibraryEntry(4, ("3.13.15-slim-trixie", "3.13-slim-trixie"), ("3.13-slim",), (), (SOURCE,)),),
    text="Maintainers: Ada Example (@ada)\nGitRepo: https://git.example/python.git\n\nTags: 3.13.15-slim-trixie\n",
    missing=("3.13.15-trixie (3.13/trixie/Dockerfile)",),
)
README = Readme("python", "official", "# Python\n\ntext\n", 15, ("no empty lines between tags",))
DOCKERFILE = Dockerfile("3.13.15-slim-trixie", "3.13/slim-trixie", ("linux/amd64",), True, "FROM scratch\n")
TAKEN = TakenOver('[[series]]\nname = "3.13"\n', ("3.13.15-slim-trixie would lose the tags slim",))

STATUS = Status(
    (StatusColumn("3.13", "3.13.15"), StatusColumn("3.12", "3.12.12")),
    (StatusRow("trixie", "Debian (trixie)", unstable=False), StatusRow("forky", "Debian (forky)", unstable=True)),
    (
        ImageStatus(
            "3.13.15-slim-trixie",
            "3.13",
            "trixie",
            "slim",
            "linux/amd64",
            "checked",
            "sha256:1",
            1,
            ("r.example/p",),
            "",
        ),
        ImageStatus(
            "3.12.12-slim-forky", "3.12", "forky", "slim", "linux/amd64", "failed", "", 2, (), "python: no"
        ),
    ),
)


class FakeEmitting:
    """Answers that never change."""

    asked: list[tuple[object, ...]]

    def library(self, options: LibraryOptions) -> LibraryManifest:
        self.asked.append(("library", options))
        return MANIFEST

    def read_library(self, path: Path) -> LibraryManifest:
        self.asked.append(("read_library", path))
        return MANIFEST

    def take_over(self, path: Path) -> TakenOver:
        self.asked.append(("take_over", path))
        return TAKEN

    def readme(self, name: str, options: ReadmeOptions) -> Readme:
        self.asked.append(("readme", name, options))
        return README

    def dockerfile(self, spec: str, options: DockerfileOptions) -> Dockerfile:
        self.asked.append(("dockerfile", spec, options))
        return DOCKERFILE

    def dockerfiles(self, root: Path, options: DockerfileOptions) -> DockerfileTree:
        self.asked.append(("dockerfiles", root, options))
        return DockerfileTree(root, ("3.13/slim-trixie/Dockerfile",), (), (), (), ())

    def bake(self, specs: tuple[str, ...], options: BakeOptions, sink: Sink) -> BakeFile:
        self.asked.append(("bake", specs, options))
        return BakeFile("{}\n", ("3-13-15-slim-trixie",), ())

    def import_repository(self, root: Path) -> Imported:
        self.asked.append(("import", root))
        remark = Remark("versions.json", 3, "buster of 3.14: our catalog does not know it")
        return Imported(Kind.DOCKER_LIBRARY, "[catalog]\n", ("3.13.15-slim-trixie",), (remark,))

    def ci(self, service: Service, specs: tuple[str, ...], options: CiOptions) -> CiFile:
        self.asked.append(("ci", service, specs, options))
        return CiFile(service, "workflow.yml", "jobs: {}\n", 1, 2)

    def statuses(self, options: StatusOptions) -> Status:
        self.asked.append(("status", options))
        return STATUS

    def site(self, directory: Path, options: CatalogueOptions, sink: Sink) -> WrittenSite:
        self.asked.append(("site", directory, options))
        missing = NotShown("3.12.7-bookworm", "linux/amd64", "its manifest is not in the store")
        return WrittenSite(directory, 2, 19, 354_100, 3, 16, 5, 1, (missing,))

    def serve_site(self, directory: Path, address: str, ready: Callable[[str], None]) -> None:
        self.asked.append(("serve_site", directory, address))
        ready(f"http://{address}/")
        raise KeyboardInterrupt

# SPDX-License-Identifier: Apache-2.0
"""The facts of an image's content, from a scan of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagewright.describe.interpreters import interpreters
from imagewright.describe.owners import owners
from imagewright.describe.scan import FoundFile, Scan, ScannedLayer, regular
from imagewright.describe.sources import source_packages
from imagewright.inventory.stock import Inventory, PythonPackage, take_stock
from imagewright.model.contents import (
    ContentFile,
    Contents,
    DirectoryNode,
    DirectorySize,
    InstalledPython,
    LayerContent,
    OwnedFiles,
)
from imagewright.model.digest import Digest
from imagewright.model.tree import Kind
from imagewright.oci.config import Config
from imagewright.oci.manifest import Manifest

_MOST = 20
"""How many of the largest files and directories are named."""

_OTHERS = "(files)"
"""What lies in a directory itself, and in directories too small to be drawn."""
_DEPTH = 5
_SMALL = 250
"""A directory of less than this part of its layer is not drawn by itself."""

_PRIVILEGED = 0o6000


@dataclass(frozen=True, slots=True)
class Described:
    """What :func:`contents` begins with: one platform's documents and what a scan found in its layers."""

    platform: str
    digest: Digest
    manifest: Manifest
    config: Config
    scan: Scan


def contents(image: Described) -> Contents:
    """The facts. Raises ``VerificationError`` for a package database that is damaged."""
    found, stock = image.scan, take_stock(image.scan.gathered)
    owned = owners(found)
    files = dict(regular(found))
    return Contents(
        platform=image.platform,
        digest=image.digest,
        distribution=_distribution(stock),
        files=len(files),
        directories=sum(file.kind is Kind.DIRECTORY for file in found.files.values()),
        links=sum(file.kind is Kind.SYMLINK for file in found.files.values()),
        size=sum(file.size for file in files.values()),
        sources=source_packages(stock, found),
        python_packages=tuple(_python(package) for package in stock.python_packages),
        interpreters=interpreters(found, image.config.execution.environment),
        privileged=tuple(
            content_file(path, file, owned)
            for path, file in files.items()
            if file.mode & _PRIVILEGED or file.capable
        ),
        largest_files=tuple(
            content_file(path, files[path], owned)
            for path in sorted(files, key=lambda path: (-files[path].size, path))[:_MOST]
        ),
        largest_directories=_directories(files),
        owners=_shares((owned.get(path, ""), file.size) for path, file in files.items()),
        users=_shares((f"{file.uid}:{file.gid}", file.size) for file in files.values()),
        layers=tuple(_layers(image)),
    )


def content_file(path: str, file: FoundFile, owned: Mapping[str, str]) -> ContentFile:
    """A file as reports name it."""
    kind = "file with capabilities" if file.capable else file.kind.value
    return ContentFile(
        f"/{path}", kind, f"{file.mode:04o}", file.uid, file.gid, file.size, file.layer + 1, owned.get(path, "")
    )


def _distribution(stock: Inventory) -> str:
    return stock.distribution.name or stock.distribution.qualifier


def _python(package: PythonPackage) -> InstalledPython:
    return InstalledPython(
        package.name,
        package.version,
        package.licence,
        package.homepage,
        f"/{package.path}",
        tuple(f"{name}=={version}" for name, version in package.vendored),
    )


def _directories(files: Mapping[str, FoundFile]) -> tuple[DirectorySize, ...]:
    """The largest, each with all that is below it."""
    sizes: dict[str, list[int]] = {}
    for path, file in files.items():
        parent = path.rpartition("/")[0]
        while parent:
            total = sizes.setdefault(parent, [0, 0])
            total[0] += 1
            total[1] += file.size
            parent = parent.rpartition("/")[0]
    order = sorted(sizes, key=lambda path: (-sizes[path][1], path))
    return tuple(DirectorySize(f"/{path}", *sizes[path]) for path in order[:_MOST])


def _shares(sizes: Iterable[tuple[str, int]]) -> tuple[OwnedFiles, ...]:
    """Files and bytes by name, the largest first."""
    totals: dict[str, list[int]] = {}
    for name, size in sizes:
        total = totals.setdefault(name, [0, 0])
        total[0] += 1
        total[1] += size
    order = sorted(totals, key=lambda name: (-totals[name][1], name))
    return tuple(OwnedFiles(name, *totals[name]) for name in order)


def _layers(image: Described) -> Iterable[LayerContent]:
    comments = layer_comments(image.config)
    for number, (layer, scanned) in enumerate(zip(image.manifest.layers, image.scan.layers, strict=True)):
        yield LayerContent(
            digest=layer.digest,
            comment=comments[number] if number < len(comments) else "",
            compressed=layer.size,
            unpacked=sum(scanned.files.values()),
            files=len(scanned.files),
            removed=scanned.removed,
            tree=_tree(scanned),
        )


def layer_comments(config: Config) -> Sequence[str]:
    """What the history says of each layer: its comment, or else how it was made."""
    steps = [step for step in config.history if not step.empty_layer]
    return [
        step.comment if step.comment and not step.comment.startswith("buildkit.") else step.created_by
        for step in steps
    ]


class _Node:
    """A directory while its tree grows."""

    __slots__ = ("children", "size")

    def __init__(self) -> None:
        self.size = 0
        self.children: dict[str, _Node] = {}

    def finished(self, name: str, least: int) -> DirectoryNode:
        """Large children by themselves, the largest first; the others together."""
        names = sorted(self.children, key=lambda each: (-self.children[each].size, each))
        drawn = [each for each in names if self.children[each].size >= max(least, 1)]
        children = [self.children[each].finished(each, least) for each in drawn]
        rest = self.size - sum(child.size for child in children)
        if children and rest:
            children.append(DirectoryNode(_OTHERS, rest))
        return DirectoryNode(name, self.size, tuple(children))


def _tree(layer: ScannedLayer) -> DirectoryNode:
    root = _Node()
    for path, size in layer.files.items():
        root.size += size
        node = root
        for name in path.split("/")[:-1][:_DEPTH]:
            node = node.children.setdefault(name, _Node())
            node.size += size
    return root.finished("/", root.size // _SMALL)

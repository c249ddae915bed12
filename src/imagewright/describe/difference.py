# SPDX-License-Identifier: Apache-2.0
"""What makes two images different, from scans of both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from imagewright.describe.changelogs import changelog_of, new_changes
from imagewright.describe.contents import Described, layer_comments
from imagewright.describe.interpreters import interpreters
from imagewright.describe.owners import owners
from imagewright.describe.published import settings
from imagewright.describe.scan import FoundFile, Scan
from imagewright.inventory.stock import Inventory, SystemPackage, take_stock
from imagewright.model.contents import Interpreter
from imagewright.model.differences import (
    ChangedFile,
    ChangedFiles,
    ChangedSetting,
    ChangedVersion,
    ComparedImage,
    ComparedInterpreter,
    ComparedLayer,
    Difference,
    FileState,
)
from imagewright.model.tree import Kind
from imagewright.oci.config import Config


def difference(refs: tuple[str, str], before: Described, after: Described) -> Difference:
    """The facts; both scans must have digests. Raises ``VerificationError`` for a damaged package database."""
    stocks = take_stock(before.scan.gathered), take_stock(after.scan.gathered)
    return Difference(
        before=_compared(refs[0], before),
        after=_compared(refs[1], after),
        identical=before.digest == after.digest,
        packages=tuple(_packages(*stocks, after.scan)),
        python_packages=tuple(_python_packages(*stocks)),
        configuration=tuple(_configuration(before.config, after.config)),
        interpreters=tuple(_interpreters(before, after)),
        layers=tuple(_layers(before, after)),
        files=_files(before.scan, after.scan),
    )


def differs(found: Difference) -> bool:
    """Whether anything at all is different in what the images hold or how they start."""
    return any((found.packages, found.python_packages, found.configuration, found.interpreters, found.files))


def _compared(ref: str, image: Described) -> ComparedImage:
    files = [file for file in image.scan.files.values() if file.kind is Kind.FILE]
    return ComparedImage(
        ref=ref,
        platform=image.platform,
        digest=image.digest,
        layers=len(image.manifest.layers),
        files=len(files),
        size=sum(layer.size for layer in image.manifest.layers),
        unpacked=sum(file.size for file in files),
    )


def _packages(before: Inventory, after: Inventory, scan: Scan) -> Iterator[ChangedVersion]:
    old, new = (_by_name(stock.packages) for stock in (before, after))
    relatives: dict[str, list[str]] = {}
    for package in after.packages:
        relatives.setdefault(package.source, []).append(package.name)
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and was.version == now.version:
            continue
        known = now or was
        assert known is not None
        head = changelog_of(scan, now.name, now.architecture, relatives[now.source]) if was and now else ""
        yield ChangedVersion(
            name=known.name,
            source=known.source,
            before=was.version if was else "",
            after=now.version if now else "",
            changelog=new_changes(head, was.source_version) if was and head else (),
        )


def _by_name(packages: Iterable[SystemPackage]) -> dict[tuple[str, str], SystemPackage]:
    """An architecture tells packages apart only where several are installed."""
    found: dict[tuple[str, str], SystemPackage] = {}
    for package in packages:
        found[package.name, package.architecture if (package.name, "") in found else ""] = package
    return found


def _python_packages(before: Inventory, after: Inventory) -> Iterator[ChangedVersion]:
    old, new = (
        {(_normal(one.name), _place(one.path)): one for one in stock.python_packages} for stock in (before, after)
    )
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if (was.version if was else "") != (now.version if now else ""):
            yield ChangedVersion(key[0], "", was.version if was else "", now.version if now else "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PyPA, "Name normalization"


def _place(path: str) -> str:
    """Where a package lies, whatever the interpreter's series."""
    return re.sub(r"python[0-9.]+t?", "python", path.rpartition("-packages/")[0])


def _configuration(before: Config, after: Config) -> Iterator[ChangedSetting]:
    old, new = (_settings(config) for config in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name, "") != new.get(name, ""):
            yield ChangedSetting(name, old.get(name, ""), new.get(name, ""))


def _settings(config: Config) -> dict[str, str]:
    run = config.execution
    found = {f"ENV {name}": value for name, value in run.environment}
    found |= {f"LABEL {name}": value for name, value in run.labels}
    for name, words in (("ENTRYPOINT", run.entrypoint), ("CMD", run.command), ("SHELL", run.shell)):
        if words:
            found[name] = " ".join(words)
    for name, value in settings(run):
        found[name] = f"{found[name]} {value}" if name in found else value
    platform = config.platform
    found["platform"] = f"{platform} {platform.os_version}".strip()
    return found


def _interpreters(before: Described, after: Described) -> Iterator[ComparedInterpreter]:
    """Those of one place side by side: /usr/local's is not Debian's own."""
    old, new = (
        {
            found.path.rpartition("/")[0]: found
            for found in interpreters(image.scan, image.config.execution.environment)
        }
        for image in (before, after)
    )
    for place in sorted(old.keys() | new.keys()):
        was, now = old.get(place), new.get(place)
        compared = _interpreter(was, now)
        if compared.before != compared.after or compared.variables or compared.added or compared.removed:
            yield compared


def _interpreter(was: Interpreter | None, now: Interpreter | None) -> ComparedInterpreter:
    old, new = (dict(one.variables) if one else {} for one in (was, now))
    modules = tuple(frozenset(one.modules) if one else frozenset[str]() for one in (was, now))
    variables = [
        _setting(name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if was and now and old.get(name, "") != new.get(name, "")
    ]
    return ComparedInterpreter(
        before=was.version if was else "",
        after=now.version if now else "",
        variables=tuple(variables),
        added=tuple(sorted(modules[1] - modules[0])) if was and now else (),
        removed=tuple(sorted(modules[0] - modules[1])) if was and now else (),
    )


def _setting(name: str, before: str, after: str) -> ChangedSetting:
    old, new = before.split(), after.split()
    return ChangedSetting(
        name,
        before,
        after,
        tuple(word for word in dict.fromkeys(old) if word not in new),
        tuple(word for word in dict.fromkeys(new) if word not in old),
    )


def _layers(before: Described, after: Described) -> Iterator[ComparedLayer]:
    """Side by side: where both have the same content, and in their order between such places."""
    old, new = before.manifest.layers, after.manifest.layers
    comments = layer_comments(before.config), layer_comments(after.config)
    matcher = SequenceMatcher(None, _keys(before), _keys(after), autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        for one, other in zip_longest(range(start, end), range(first, last)):
            named = comments[1][other : other + 1] if other is not None else comments[0][one : one + 1]
            yield ComparedLayer(
                comment=named[0] if named else "",
                before=old[one].size if one is not None else None,
                after=new[other].size if other is not None else None,
                same=tag == "equal",
            )


def _keys(image: Described) -> list[str]:
    """What layers are told apart by: their content, however it is compressed."""
    layers, contents = image.manifest.layers, image.config.diff_ids
    return [one.hex for one in (contents if len(contents) == len(layers) else (each.digest for each in layers))]


def _files(before: Scan, after: Scan) -> tuple[ChangedFiles, ...]:
    """Changes by owner; what belongs to nobody comes first."""
    owned = owners(before) | owners(after)
    groups: dict[str, list[ChangedFile]] = {}
    for path in sorted(before.files.keys() | after.files.keys()):
        was, now = before.files.get(path), after.files.get(path)
        if not path or _same(was, now):
            continue
        groups.setdefault(owned.get(path, ""), []).append(ChangedFile(f"/{path}", _state(was), _state(now)))
    return tuple(_group(owner, groups[owner]) for owner in sorted(groups))


def _same(was: FoundFile | None, now: FoundFile | None) -> bool:
    """Whether it is the same to who uses it: times and layers do not count, nor does a directory's presence."""
    if was is None or now is None:
        known = now or was
        return known is None or known.kind is Kind.DIRECTORY
    facts = [
        (file.kind, file.mode, file.uid, file.gid, file.size, file.digest, file.capable) for file in (was, now)
    ]
    links = was.kind is not Kind.SYMLINK or was.link == now.link
    return facts[0] == facts[1] and links


def _state(file: FoundFile | None) -> FileState | None:
    if file is None:
        return None
    return FileState(file.kind.value, f"{file.mode:04o}", f"{file.uid}:{file.gid}", file.size)


def _group(owner: str, files: list[ChangedFile]) -> ChangedFiles:
    return ChangedFiles(
        owner=owner,
        added=sum(file.before is None for file in files),
        removed=sum(file.after is None for file in files),
        changed=sum(file.before is not None and file.after is not None for file in files),
        growth=sum(_size(file.after) - _size(file.before) for file in files),
        files=tuple(files),
    )


def _size(state: FileState | None) -> int:
    return state.size if state else 0

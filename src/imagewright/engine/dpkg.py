# SPDX-License-Identifier: Apache-2.0
"""dpkg's database, written as dpkg would have left it after unpacking, and read after it has configured.

Formats: dpkg(1) "FILES", and dpkg's own documentation of its database (infodb.txt, triggers.txt).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imagewright.archives.debian.deb import SCRIPTS, Control
from imagewright.archives.debian.deb822 import MalformedError, read_stanzas
from imagewright.engine.unpack import Unpacked
from imagewright.errors import BuildError

ADMIN = "var/lib/dpkg"
_INSTALLED = "install ok installed"


def write_database(root: Path, packages: Iterable[Unpacked[Control]], *, status: str, native: str) -> None:
    """Note packages as unpacked: their info files, and ``status`` (that of the packages there before) with them.

    ``native`` is the root's architecture, written where there is no database yet.
    """
    admin = root / ADMIN
    for name in ("alternatives", "info", "parts", "triggers", "updates"):
        make_directory(admin / name)
    if not status:
        _write(admin / "arch", f"{native}\n")
        _write(admin / "info" / "format", "1\n")
    stanzas = [status] if status else []
    for package in packages:
        _info(admin / "info", package)
        stanzas.append(_stanza(package))
    _write(admin / "status", "".join(stanzas))


def _info(directory: Path, package: Unpacked[Control]) -> None:
    stem = package.control.stem
    listed = directory / f"{stem}.list"
    listed.write_text("".join(f"{path}\n" for path in package.listed), encoding="utf-8", errors="surrogateescape")
    listed.chmod(0o644)
    write_control(directory, package.control, f"{stem}.")


def write_control(directory: Path, control: Control, prefix: str = "") -> None:
    """Write a package's control members, scripts executable; dpkg keeps them all but the control file itself."""
    for name, data in control.files.items():
        path = directory / f"{prefix}{name}"
        path.write_bytes(data)
        path.chmod(0o755 if name in SCRIPTS else 0o644)
        os.utime(path, (control.times[name], control.times[name]))


def _stanza(package: Unpacked[Control]) -> str:
    """The control file with Status second, as dpkg writes it, and with the conffiles' digests."""
    first, _, rest = package.control.text.strip("\n").partition("\n")
    digests = dict(package.conffiles)
    lines = []
    for line in package.control.lines("conffiles"):
        path = line.split()[-1]
        if line != path:  # deb-conffiles(5): "remove-on-upgrade /path" names one the package has given up
            lines.append(f" {path} newconffile remove-on-upgrade\n")
        elif path in digests:
            lines.append(f" {path} {digests[path]}\n")
    conffiles = "".join(["Conffiles:\n", *lines]) if lines else ""
    return f"{first}\nStatus: install ok unpacked\n{rest}\n{conffiles}\n"


def write_triggers(root: Path, trees: Sequence[Path], packages: Sequence[Unpacked[Control]]) -> None:
    """Note which packages wait for which triggers, and which triggers the packages' files have set off.

    Those on paths are noted in ``File``, others in a file of their own, those set off in ``Unincorp``.

    ``trees`` are the root and what lies below it, topmost first.
    """
    wanted: dict[str, list[str]] = {}
    for package in packages:
        for trigger in package.control.triggers:
            if trigger.directive.startswith("interest"):
                name = "File" if trigger.name.startswith("/") else trigger.name
                waiting = package.control.stem + ("/noawait" if trigger.directive.endswith("-noawait") else "")
                line = f"{trigger.name} {waiting}\n" if name == "File" else f"{waiting}\n"
                wanted.setdefault(name, []).append(line)
    triggered = file_triggers(trees, packages)
    if triggered:
        _write(root / ADMIN / "triggers" / "Unincorp", triggered)
    for name, lines in wanted.items():
        if "/" in name or name in {".", ".."}:
            raise BuildError(f"{name!r} is no name for a trigger")
        before = read_admin(trees, f"triggers/{name}")
        _write(root / ADMIN / "triggers" / name, before + "".join(lines))


def read_admin(trees: Sequence[Path], name: str) -> str:
    """A file of the database, from the topmost tree that has it; empty where none has."""
    for tree in trees:
        path = tree / ADMIN / name
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="surrogateescape")
    return ""


def read_diversions(trees: Sequence[Path]) -> dict[str, tuple[str, str]]:
    """What dpkg-divert noted in ``diversions``: three lines for each: from, to, package (``:`` for local ones)."""
    lines = read_admin(trees, "diversions").splitlines()
    if len(lines) % 3:
        raise BuildError("dpkg's diversions are damaged", why="the lines do not come in threes")
    return {lines[at][1:]: (lines[at + 1][1:], lines[at + 2]) for at in range(0, len(lines), 3)}


def file_triggers(trees: Sequence[Path], packages: Iterable[Unpacked[Control]]) -> str:
    """Lines for ``triggers/Unincorp``: triggers on paths that the packages' files set off in what is there.

    dpkg does this while it unpacks; awaited by the package that set them off, unless ``noawait``.
    """
    interests = [line.split(" ")[0] for line in read_admin(trees, "triggers/File").splitlines() if " " in line]
    found: dict[str, dict[str, None]] = {}
    for package in packages:
        for interest in dict.fromkeys(interests):
            below = interest + "/"
            if any(listed == interest or listed.startswith(below) for listed in package.listed):
                found.setdefault(interest, {})[package.control.stem] = None
    return "".join(f"{interest} {' '.join(names)}\n" for interest, names in sorted(found.items()))


def states(tree: Path) -> Mapping[str, str]:
    """Package → its Status. Raises :class:`BuildError` for a damaged database."""
    path = tree / ADMIN / "status"
    try:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(1 << 20), b"")
            stanzas = read_stanzas(chunks, wanted=frozenset({"package", "status"}))
            return {stanza.get("package"): stanza.get("status") for stanza in stanzas}
    except (MalformedError, OSError) as error:
        raise BuildError("dpkg left no readable database", why=str(error)) from error


def check_configured(tree: Path, names: Iterable[str]) -> None:
    """Raise :class:`BuildError` unless dpkg calls every package properly installed."""
    found = states(tree)
    wrong = [f"{name} ({found.get(name, 'missing')})" for name in sorted(names) if found.get(name) != _INSTALLED]
    if wrong:
        raise BuildError(f"{len(wrong)} packages are not configured", why=", ".join(wrong[:10]))


def owners(tree: Path, paths: Iterable[str]) -> Mapping[str, str]:
    """Relative path → the package that ships it, for those of ``paths`` that one does."""
    wanted = {f"/{path}" for path in paths}
    found: dict[str, str] = {}
    for listing in sorted((tree / ADMIN / "info").glob("*.list")):
        for line in listing.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line in wanted:
                found.setdefault(line[1:], listing.name.removesuffix(".list"))
    return found


def make_directory(path: Path) -> None:
    """Make a directory and those above it, open to all whatever the umask is; there already is fine."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir()
        path.chmod(0o755)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)

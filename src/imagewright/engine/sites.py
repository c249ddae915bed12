# SPDX-License-Identifier: Apache-2.0
"""Files put into what lies above a root, from the outside: wheels unpacked, a user noted, directories as below."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from imagewright.archives.pypi.metadata import read_metadata
from imagewright.engine.trees import entry_at
from imagewright.engine.unpack import disk
from imagewright.errors import BuildError
from imagewright.model.site import Account
from imagewright.model.tree import Kind
from imagewright.recipes.accounts import FILES, with_account
from imagewright.recipes.site import INSTALLER

_DIRECTORY = 0o755
_PROGRAM = 0o755
_FILE = 0o644


class Place:
    """What lies above a root: ``upper`` to write into, ``lower`` (topmost first) to look at."""

    def __init__(self, upper: Path, lower: Sequence[Path]) -> None:
        self.upper = upper
        self.lower = tuple(lower)

    def directory(self, path: str) -> Path:
        """A directory above, made if need be, as it is below where it is there. Raises :class:`BuildError`."""
        place = self.upper
        name = ""
        for part in path.split("/"):
            name = f"{name}/{part}" if name else part
            place = place / part
            if place.is_symlink() or any((tree / name).is_symlink() for tree in self.lower):
                raise BuildError(f"/{name} is a link, and something is to be put below it")
            if place.is_dir():
                continue
            below = next((found for tree in self.lower if (found := entry_at(tree, name)) is not None), None)
            if below is not None and below.kind is not Kind.DIRECTORY:
                raise BuildError(f"/{name} is there already, and no directory")
            with disk(f"cannot make /{name}"):
                place.mkdir()
                os.chown(place, below.uid if below else 0, below.gid if below else 0)
                place.chmod(below.mode if below else _DIRECTORY)
        return place

    def text(self, path: str) -> str | None:
        """A text as it is seen from above; ``None`` where there is none."""
        for tree in (self.upper, *self.lower):
            file = tree / path
            if file.is_file() and not file.is_symlink():
                with disk(f"cannot read /{path}"):
                    return file.read_text(encoding="utf-8", errors="surrogateescape")
        return None

    def rewrite(self, path: str, text: str) -> None:
        """Write a text in the place of the one below, with the same mode and owner."""
        below = next((found for tree in self.lower if (found := entry_at(tree, path)) is not None), None)
        self.directory(path.rpartition("/")[0])
        file = self.upper / path
        with disk(f"cannot write /{path}"):
            file.write_text(text, encoding="utf-8", errors="surrogateescape")
            os.chown(file, below.uid if below else 0, below.gid if below else 0)
            file.chmod(below.mode if below else _FILE)


def add_account(place: Place, account: Account, epoch: int) -> None:
    """Note a user and make an empty home that is theirs; one that is there already stays as it is.

    Raises :class:`BuildError` for a name or number that somebody else has.
    """
    before = {path: text for path in FILES if (text := place.text(path)) is not None}
    try:
        after = with_account(before, account, epoch)
    except ValueError as error:
        raise BuildError(
            f"the user {account.name} cannot be added", why=str(error), hint="choose another name, uid or gid"
        ) from error
    for path, text in sorted(after.items()):
        if before.get(path) != text:
            place.rewrite(path, text)
    make_home(place, account)


def make_home(place: Place, account: Account) -> None:
    """Make an empty home that is the user's alone, unless it is there. Raises :class:`BuildError` for a link."""
    home = account.home.strip("/")
    if above := home.rpartition("/")[0]:
        place.directory(above)  # whatever is looked at from here on, no link leads there
    if any(entry_at(tree, home) is not None for tree in (place.upper, *place.lower)):
        return
    directory = place.directory(home)
    with disk(f"cannot make {account.home}"):
        os.chown(directory, account.uid, account.gid)
        directory.chmod(0o700)  # HOME_MODE of Debian's login.defs


def install_wheel(
    place: Place, file: BinaryIO, filename: str, scheme: Mapping[str, str], interpreter: str
) -> None:
    """Unpack a wheel, write its scripts and its RECORD (binary distribution format, PEP 427, PEP 376).

    Raises :class:`BuildError` for one whose files are there already or lead out of their directories, and
    :class:`VerificationError` for one that is none.
    """
    read_metadata(file, filename)  # which bounds what it may hold
    file.seek(0)
    for target in scheme.values():
        if target != scheme["headers"]:
            place.directory(target.strip("/"))
    destination = SchemeDictionaryDestination(
        scheme_dict=dict(scheme), interpreter=interpreter, script_kind="posix", destdir=str(place.upper)
    )
    try:
        with warnings.catch_warnings(), ZipFile(file) as archive:
            warnings.simplefilter("ignore")  # bytecode in a wheel is left out, without a word
            archive.filename = (
                filename  # the store names it by digest, but the directory in it follows from the name
            )
            install(WheelFile(archive), destination, {"INSTALLER": INSTALLER})
    except FileExistsError as error:
        raise BuildError(
            f"{filename} has a file that is there already", why=str(error).replace(str(place.upper), "")
        ) from error
    except (AssertionError, BadZipFile, KeyError, OSError, ValueError) as error:
        raise BuildError(f"cannot install {filename}", why=str(error)[:300] or type(error).__name__) from error


def settle(directory: Path) -> None:
    """Owner root, and the modes that files of packages have, whatever the umask and the archive said."""
    for path, _, files in os.walk(directory):
        here = Path(path)
        for name in files:
            file = here / name
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode):
                os.chown(file, 0, 0)
                file.chmod(_PROGRAM if mode & 0o111 else _FILE)

# SPDX-License-Identifier: Apache-2.0
"""The port ``History`` on a Git repository of this machine, through the program ``git``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from imagewright.errors import ConfigurationError, MachineError
from imagewright.model.ports import Kept

_SECONDS = 120
_PASSED_ON = ("HOME", "PATH")


class GitHistory:
    """The repository that ``path`` is in, which may be a directory below its top. Nothing is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def kept(self, directories: Iterable[str]) -> dict[str, Kept]:
        """See :class:`imagewright.model.ports.History`."""
        prefix = self._git("rev-parse", "--show-prefix").strip()
        if self._git("rev-parse", "--is-shallow-repository").strip() == "true":
            raise ConfigurationError(
                f"the history of {self._path} was cut off",
                why="so the last commit of a directory is not known",
                hint="fetch all of it: git fetch --unshallow",
            )
        there = set(self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD").split("\0"))
        found: dict[str, Kept] = {}
        for directory in directories:
            place = f"{prefix}{directory}"
            if f"{place}/Dockerfile" in there:
                found[directory] = Kept(place, self._last(place))
        self._refuse_changes([kept.directory for kept in found.values()])
        return found

    def origin(self) -> str:
        """See :class:`imagewright.model.ports.History`."""
        try:
            return self._git("config", "--get", "remote.origin.url").strip()
        except ConfigurationError:
            return ""

    def _last(self, place: str) -> str:
        return self._git("log", "-1", "--format=%H", "HEAD", "--", f":(top,literal){place}").strip()

    def _refuse_changes(self, places: list[str]) -> None:
        changed = self._git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames").split("\0")
        paths = [line[3:] for line in changed if line]
        for place in places:
            hit = next((path for path in paths if path.startswith(f"{place}/")), "")
            if hit:
                raise ConfigurationError(
                    f"{hit} is not as it was committed",
                    why="the commit that a manifest names would not have it",
                    hint="commit it, or put it aside with git stash",
                )

    def _git(self, *words: str) -> str:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        try:
            done = subprocess.run(
                ["git", "-C", str(self._path), *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise MachineError("git is not installed", hint="install it: apt install git") from error
        except subprocess.TimeoutExpired as error:
            raise MachineError(f"git {words[0]} took more than {_SECONDS} s", why=f"in {self._path}") from error
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().splitlines()
            raise ConfigurationError(
                f"git cannot read {self._path}",
                why=last[-1] if last else f"git {words[0]} ended with {done.returncode}",
                hint="name a repository with commits: --git DIR",
            )
        return done.stdout.decode(errors="surrogateescape")

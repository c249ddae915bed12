# SPDX-License-Identifier: Apache-2.0
"""Instructions as text: comments, files, commands (Dockerfile reference, docs.docker.com/reference/dockerfile)."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 110
_DELIMITERS = ("EOF", "EOT", "END_OF_FILE")
_INDENT = "    "


def comment(text: str) -> str:
    """A comment, wrapped; paragraphs are kept."""
    lines: list[str] = []
    for paragraph in text.strip("\n").split("\n"):
        lines += textwrap.wrap(paragraph, WIDTH - 2, break_long_words=False, break_on_hyphens=False) or [""]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Mount:
    """One ``RUN --mount``: ``options`` in the order they are written."""

    options: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "--mount=" + ",".join(f"{key}={value}" for key, value in self.options)


def bind(stage: str, source: str, target: str) -> Mount:
    """What a stage has at ``source``, shown at ``target``, read-only."""
    where = (("source", source),) if source != "/" else ()
    return Mount((("type", "bind"), ("from", stage), *where, ("target", target)))


def cache(name: str, target: str) -> Mount:
    """A directory that outlives the build; one build at a time uses it."""
    return Mount((("type", "cache"), ("id", name), ("target", target), ("sharing", "locked")))


def tmpfs(target: str) -> Mount:
    """A directory in memory."""
    return Mount((("type", "tmpfs"), ("target", target)))


def run(mounts: Sequence[Mount | str], lines: Sequence[str]) -> str:
    """``RUN`` with its mounts and other flags; ``lines`` that begin with ``#`` are comments."""
    head = [str(mount) for mount in mounts]
    every = [*head, *lines]
    text = []
    for number, line in enumerate(every):
        last = number == len(every) - 1
        indent = "RUN " if number == 0 else _INDENT
        is_comment = line.lstrip().startswith("#")
        text.append(f"{indent}{line}" + ("" if last or is_comment else " \\"))
    return "\n".join(text) + "\n"


def words(environment: Iterable[tuple[str, str]]) -> list[str]:
    """Variables in front of a command, one a line, quoted as a shell wants them."""
    return [f"{name}={shlex.quote(value)}" for name, value in environment]


def env(variables: Iterable[tuple[str, str]]) -> str:
    """``ENV``; values are quoted where they must be, and nothing in them is expanded."""
    lines = [f"{name}={_quoted(value)}" for name, value in variables]
    return "ENV " + f" \\\n{_INDENT}".join(lines) + "\n"


def label(labels: Iterable[tuple[str, str]]) -> str:
    """``LABEL``."""
    lines = [f"{_quoted(name)}={_quoted(value)}" for name, value in labels]
    return "LABEL " + f" \\\n{_INDENT}".join(lines) + "\n"


def files(directory: str, contents: Mapping[str, str], *, classic: bool) -> str:
    """Text files in a directory of a stage: here-documents, or commands that a shell of the stage runs."""
    return "".join(
        (_printed if classic else _here)(f"{directory}/{name}", text) for name, text in contents.items()
    )


def _here(path: str, text: str) -> str:
    lines = text.splitlines()
    delimiter = next(word for word in _DELIMITERS if word not in lines)
    end = "" if text.endswith("\n") else "\n"
    return f'COPY <<"{delimiter}" {path}\n{text}{end}{delimiter}\n\n'  # hadolint wants an empty line there


def _printed(path: str, text: str) -> str:
    """Each line is an argument of its own, so that no builder takes one for a comment or an instruction."""
    directory = path.rpartition("/")[0]
    quoted = ["'" + line.replace("'", "'\\''") + "'" for line in text.splitlines()]
    return run((), [f"mkdir -p {directory} && printf '%s\\n'", *quoted, f"> {path}"])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"' if escaped != value or not value or " " in value or "'" in value else value

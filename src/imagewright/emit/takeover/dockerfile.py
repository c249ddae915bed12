# SPDX-License-Identifier: Apache-2.0
"""What a Dockerfile of CPython has besides what our own recipe does: found by reading, never by running."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from imagewright.emit.dockerfiles.parsing import Instruction, parse_dockerfile
from imagewright.emit.takeover.model import MAXIMUM, Extra, Remarks

RECIPE_VARIABLES = frozenset({"PATH", "LANG", "GPG_KEY", "PYTHONDONTWRITEBYTECODE"})
"""Set by our recipe too; so are those that begin with :data:`_RECIPE`, about the release and its pip."""

_RECIPE = ("PYTHON_",)

CONFIGURED = frozenset(
    {
        "--build",
        "--enable-loadable-sqlite-extensions",
        "--enable-optimizations",
        "--enable-option-checking",
        "--enable-shared",
        "--prefix",
        "--with-ensurepip",
        "--with-lto",
        "--with-system-expat",
        "--with-system-ffi",
        "--without-ensurepip",
    }
)
"""Arguments of CPython's configure that the official Dockerfiles have, or whose question our recipe answers."""

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+", re.ASCII)
_FLAG = re.compile(r"--[A-Za-z][^\s'\"\\$`;&|<>()]*", re.ASCII)
_PAIR = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.\-/]*)(?:=|\s+)(?P<value>.*)", re.ASCII | re.DOTALL)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9._/-]*[a-z0-9])?", re.ASCII)
_FOLDED = re.compile(r"\$@(\d+)@", re.ASCII)
_ARGUMENT = re.compile(r"--[a-z][a-z-]*", re.ASCII)
_PASSED_OVER = frozenset({"FROM", "ARG", "RUN", "SHELL"})
_INSTALL = ("apt-get", "apt")


@dataclass(slots=True)
class _Reading:
    """One Dockerfile while it is read."""

    file: str
    known: frozenset[str]
    remarks: Remarks
    packages: dict[str, None] = field(default_factory=dict)
    configure: dict[str, None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    directory: str = ""

    def lost(self, each: Instruction, what: str) -> None:
        self.remarks.add(self.file, each.line, what)


def read_extra(text: str, file: str, bases: Iterable[str], known: frozenset[str], remarks: Remarks) -> Extra:
    """What is there besides. ``bases`` are images that it may be made from, ``known`` packages that ours has.

    Raises ``ValueError`` for a text that is no Dockerfile.
    """
    if len(text) > MAXIMUM:
        raise ValueError(f"it is longer than {MAXIMUM} characters")
    reading = _Reading(file, known, remarks)
    expected = set(bases)
    for each in parse_dockerfile(text):
        if each.keyword == "FROM" and expected and each.words.split()[:1] and "$" not in each.words:
            base = each.words.split()[0].partition("@")[0]
            if base not in expected:
                reading.lost(each, f"it is made from {base[:60]}: ours are made from packages")
        _TAKERS.get(each.keyword, _other)(each, reading)
    return Extra(
        packages=tuple(reading.packages),
        configure=tuple(reading.configure),
        environment=tuple(reading.environment.items()),
        labels=tuple(reading.labels.items()),
        entrypoint=reading.entrypoint,
        command=() if reading.command in {("python3",), ("python",)} else reading.command,
        directory=reading.directory,
    )


def _other(each: Instruction, reading: _Reading) -> None:
    if each.keyword not in _PASSED_OVER:
        reading.lost(each, f"{each.keyword} {each.words[:60]}")


def _environment(each: Instruction, reading: _Reading) -> None:
    for name, value in _pairs(each, reading):
        if name in RECIPE_VARIABLES or name.startswith(_RECIPE):
            continue
        if "$" in value or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            reading.lost(each, f"the variable {name[:40]}, whose value depends on others")
        else:
            reading.environment[name] = value


def _labels(each: Instruction, reading: _Reading) -> None:
    for name, value in _pairs(each, reading):
        if "$" in value or not _LABEL.fullmatch(name):
            reading.lost(each, f"the label {name[:60]}")
        else:
            reading.labels[name] = value


def _pairs(each: Instruction, reading: _Reading) -> Iterator[tuple[str, str]]:
    """``NAME=VALUE …``, or the old form ``NAME VALUE``."""
    try:
        words = shlex.split(each.words)
    except ValueError:
        reading.lost(each, f"{each.keyword}: its quotes do not end")
        return
    if words and "=" not in words[0]:
        match = _PAIR.fullmatch(each.words.strip())
        if match is None:
            reading.lost(each, f"{each.keyword} {each.words[:60]}")
        else:
            yield match["name"], match["value"]
        return
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
        else:
            reading.lost(each, f"{each.keyword}: {word[:40]!r} is no pair")


def _command(each: Instruction, reading: _Reading) -> None:
    words = _list(each.words)
    if words is None:
        reading.lost(each, f"{each.keyword} {each.words[:60]}: a shell would stand between")
    elif each.keyword == "CMD":
        reading.command = words
    else:
        reading.entrypoint = words


def _directory(each: Instruction, reading: _Reading) -> None:
    if re.fullmatch(r"/[^\s$]*", each.words):
        reading.directory = each.words
    else:
        reading.lost(each, f"WORKDIR {each.words[:60]}")


def _list(words: str) -> tuple[str, ...] | None:
    try:
        value = json.loads(words)
    except (ValueError, RecursionError):
        return None
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _run(each: Instruction, reading: _Reading) -> None:
    texts = [document.text for document in each.documents] or [each.words]
    try:
        commands = [command for text in texts for command in _commands(text)]
    except ValueError:
        reading.lost(each, "a RUN whose quotes do not end")
        return
    # What a RUN purges again, or marks as automatic, it needed for compiling alone.
    building = any(command[:1] == ["apt-mark"] or "purge" in command for command in commands)
    for command in commands:
        if command[:1] == ["./configure"]:
            _flags(each, command[1:], reading)
        elif command[:1] and command[0] in _INSTALL and "install" in command and not building:
            _packages(each, command[command.index("install") + 1 :], reading)
    if not building and not any(
        command[:1] and command[0] in {*_INSTALL, "set", "ln", "for"} for command in commands
    ):
        reading.lost(each, f"RUN {' '.join(each.words.split())[:60]}")


def _commands(text: str) -> Iterator[list[str]]:
    """Simple commands, each as its words; what a command would print stands as one word ``$(…)``."""
    plain, inner = _folded(text)
    lexer = shlex.shlex(plain.replace("\n", " ; "), posix=True, punctuation_chars=";&|()")
    lexer.commenters = ""
    lexer.whitespace_split = True
    command: list[str] = []
    for word in lexer:
        if not word.strip(";&|()"):
            if command:
                yield command
            command = []
        else:
            command.append(_FOLDED.sub(lambda match: f"$({inner[int(match[1])]})", word))
    if command:
        yield command


def _folded(text: str) -> tuple[str, list[str]]:
    """The text with each outermost ``$(…)`` as ``$@NUMBER@``, and what these were; one may lack its end."""
    pieces: list[str] = []
    inner: list[str] = []
    at = 0
    while (begin := text.find("$(", at)) >= 0:
        depth, end = 1, begin + 2
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        pieces += [text[at:begin], f"$@{len(inner)}@"]
        inner.append(text[begin + 2 : end - (depth == 0)])
        at = end
    return "".join([*pieces, text[at:]]), inner


def _packages(each: Instruction, words: Sequence[str], reading: _Reading) -> None:
    for word in words:
        name = word.partition("=")[0]
        if word.startswith("-") or name in reading.known:
            continue
        if "=" in word:
            reading.lost(each, f"{word[:60]}: versions are the lock's")
        if _PACKAGE.fullmatch(name):
            reading.packages[name] = None
        else:
            reading.lost(each, f"the package {word[:60]}")


def _flags(each: Instruction, words: Sequence[str], reading: _Reading) -> None:
    for word in words:
        said = set(_ARGUMENT.findall(word) if word.startswith("$(") else [word.partition("=")[0]])
        if said <= CONFIGURED or not any(each.startswith("--") for each in said):
            continue
        if _FLAG.fullmatch(word):
            reading.configure[word] = None
        else:
            reading.lost(each, f"{word[:60]} of configure")


_TAKERS = {
    "ENV": _environment,
    "LABEL": _labels,
    "CMD": _command,
    "ENTRYPOINT": _command,
    "WORKDIR": _directory,
    "RUN": _run,
}

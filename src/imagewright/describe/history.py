# SPDX-License-Identifier: Apache-2.0
"""An image's history, written back as the Dockerfile that it came from.

What builders write into ``created_by``: the classic builder the whole command line, with ``#(nop)`` for what runs
nothing (moby, builder/dockerfile/dispatchers.go); BuildKit the instruction, ``# buildkit`` behind it where a
layer came of it (moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go, ``commitToHistory``). Both put
``|N NAME=VALUE …`` before a command that saw N build arguments. The shell before a command is the one that the
last ``SHELL`` named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from imagewright.describe.wording import plain
from imagewright.model.reports import Instruction
from imagewright.oci.config import History

_DEFAULT_SHELLS = ("/bin/sh -c", "cmd /S /C")
_NOP = "#(nop)"
_BUILDKIT = "# buildkit"
_OURS = "imagewright "
_KEYWORD = re.compile(
    r"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL"
    r"|USER|VOLUME|WORKDIR)(?:\s|$)"
)
_ARGUMENTS = re.compile(r"\|(\d{1,4}) ", re.ASCII)
_ARGUMENT = re.compile(r"(?:^| )(?=[A-Za-z_][A-Za-z0-9_]*=)", re.ASCII)
_PORTS = re.compile(r"EXPOSE map\[(.*)\]", re.DOTALL)
_EXECUTED = re.compile(r"(CMD|ENTRYPOINT) (?:&\{)?(\[[^\n]*\])(?:[^\n\]]*\})?")
_ASSIGNED = re.compile(r"(ENV|LABEL) (?=[A-Za-z0-9_./-]+=)([^\n]*)", re.ASCII)
_ASSIGNMENT = re.compile(r" (?=[A-Za-z0-9_./-]+=)", re.ASCII)
_HERE = re.compile(r"<<-?([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1(?=\s)", re.ASCII)
_NOT_KEPT = "(the history does not say what was written here)"
_HEALTH = re.compile(r"HEALTHCHECK &\{\[(.*)\] ((?:\"[^\"]*\" ){2,4})'(.+)'\}", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TIMES = ("--interval", "--timeout", "--start-period", "--start-interval")
_LEAST_VISIBLE = 32


def instructions(history: Iterable[History], shell: Sequence[str] = ()) -> tuple[Instruction, ...]:
    """The history as instructions, oldest first; ``shell`` is the one that the configuration ends with."""
    shells = [*_DEFAULT_SHELLS]
    if shell:
        shells.insert(0, " ".join(shell))
    found: list[Instruction] = []
    for step in history:
        text, arguments = _written_back(_clean(step.created_by), shells)
        found.append(Instruction(text, step.created, arguments, _clean(step.comment), step.empty_layer))
        if text.startswith("SHELL "):
            shells.insert(0, _shell_of(text))
    return tuple(found)


def dockerfile_lines(instruction: Instruction) -> Iterator[str]:
    """One instruction as lines of a Dockerfile, with comments for its build arguments; without its date."""
    if instruction.comment and not instruction.comment.startswith("buildkit."):
        yield from (f"# {line}".rstrip() for line in instruction.comment.split("\n"))
    if instruction.arguments:
        yield f"# ARGS: {' '.join(instruction.arguments)}".replace("\n", " ")
    if instruction.text:
        yield from instruction.text.split("\n")
    elif not instruction.comment:
        yield "# (nothing is said of this step)"


def _written_back(text: str, shells: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """An instruction and its build arguments."""
    if text.startswith(_OURS):
        return f"# {text}".replace("\n", " "), ()
    if text.endswith(_BUILDKIT):
        text = text.removesuffix(_BUILDKIT).rstrip()
    if _KEYWORD.match(text) and not text.startswith("RUN "):
        return _instruction(text), ()
    command, arguments = _without_arguments(text.removeprefix("RUN "), shells)
    if command.lstrip().startswith(_NOP):
        return _instruction(command.lstrip().removeprefix(_NOP).strip()), ()
    return _run(command.strip()), arguments


def _without_arguments(text: str, shells: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A command without build arguments and shell before it."""
    match = _ARGUMENTS.match(text)
    if match is None:
        return _without_shell(text, shells), ()
    number, rest = int(match[1]), text[match.end() - 1 :]
    places = sorted((place, name) for name in shells if (place := f"{rest} ".find(f" {name} ")) >= 0)
    if places:
        place, name = places[0]
        said, command = rest[:place].strip(), rest[place + len(name) + 2 :]
    else:  # run without a shell: values with blanks cannot be told from the command
        words = rest.strip().split(" ")
        said, command = " ".join(words[:number]), " ".join(words[number:])
    parts = [part for part in _ARGUMENT.split(said) if part]
    return command, tuple(parts) if len(parts) == number else ((said,) if said else ())


def _without_shell(text: str, shells: Sequence[str]) -> str:
    for name in shells:
        if f"{text} ".startswith(f"{name} "):
            return text[len(name) + 1 :]
    return text


def _run(command: str) -> str:
    """A command of several lines, or one that would swallow the next line, is written as a here-document."""
    if not command:
        return ""
    if command.startswith("<<") and "\n" in command:
        return f"RUN {command}"
    if "\n" not in command and not command.endswith("\\"):
        return f"RUN {command}"
    word = "EOF"
    while word in command.split("\n"):
        word += "F"
    return f"RUN <<{word}\n{command}\n{word}"


def _instruction(text: str) -> str:
    """What Go prints of its own structures becomes Dockerfile words again; line ends are continued."""
    if ports := _PORTS.fullmatch(text):
        return f"EXPOSE {' '.join(sorted(word.removesuffix(':{}') for word in ports[1].split()))}".strip()
    if executed := _EXECUTED.fullmatch(text):
        words = [] if executed[2] == "[]" else _strings(executed[2])
        text = text if words is None else f"{executed[1]} {_listed(words)}"
    elif health := _HEALTH.fullmatch(text):
        text = _healthcheck(health) or text
    elif assigned := _ASSIGNED.fullmatch(text):
        text = f"{assigned[1]} {' '.join(map(_quoted, _ASSIGNMENT.split(assigned[2])))}"
    elif text.startswith(("COPY ", "ADD ")) and "\n" not in text:
        ends = [f"{_NOT_KEPT}\n{match[2]}" for match in _HERE.finditer(text)]
        return "\n".join([text, *ends])  # or the here-document would swallow the rest
    return text.replace("\n", "\\\n")


def _quoted(assignment: str) -> str:
    """``NAME=good day`` as a Dockerfile needs it; what has quotes, escapes or no blanks is left as it is."""
    name, _, value = assignment.partition("=")
    plain = not any(sign in value for sign in "\"'\\$")
    return f'{name}="{value}"' if plain and any(sign.isspace() for sign in value) else assignment


def _healthcheck(match: re.Match[str]) -> str:
    test, times, retries = _strings(match[1]), _strings(match[2]), match[3]
    if not test or times is None:
        return ""
    if test[0] == "NONE":
        return "HEALTHCHECK NONE"
    pairs = zip(_TIMES, times, strict=False)
    options = [f"{name}={value}" for name, value in pairs if value not in ("", "0s")]
    count = int(f"0{retries[1:]}", 0) if re.fullmatch(r"\\x[0-9a-f]{2}", retries) else 0
    if len(retries) == 1 and ord(retries) >= _LEAST_VISIBLE:
        count = ord(retries)
    options += [f"--retries={count}"] if count else []
    command = " ".join(test[1:]) if test[0] == "CMD-SHELL" else _listed(test[1:])
    return " ".join(["HEALTHCHECK", *options, "CMD", command])


def _strings(text: str) -> list[str] | None:
    """Go's quoted strings; ``None`` where there is anything but them."""
    if _QUOTED.sub("", text).strip(" []"):
        return None
    try:
        return [str(json.loads(word, strict=False)) for word in _QUOTED.findall(text)]
    except ValueError:
        return None


def _listed(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _shell_of(text: str) -> str:
    """The shell that a ``SHELL`` names: a JSON list, or what Go prints of one."""
    words = text.removeprefix("SHELL ").strip()
    try:
        found = json.loads(words)
        return " ".join(map(str, found)) if isinstance(found, list) else words
    except ValueError:
        return words.removeprefix("[").removesuffix("]")


def _clean(text: str) -> str:
    """Without control characters, which no Dockerfile has and a terminal would obey; tabs and line ends stay."""
    return plain(text.replace("\r\n", "\n"))

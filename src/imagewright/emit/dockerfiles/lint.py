# SPDX-License-Identifier: Apache-2.0
"""Rules that Dockerfiles keep to.

Those with hadolint's names mean the same as there (github.com/hadolint/hadolint); those that begin with ``IW`` are
our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from imagewright.emit.dockerfiles.parsing import Instruction, parse_dockerfile


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing against a rule, at a line."""

    line: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, what it wants and why, and what finds breaches of it (line, message)."""

    name: str
    why: str
    find: Callable[[Sequence[Instruction]], Iterator[tuple[int, str]]]


_SECRET = re.compile(
    r"(?i)(^|_)(password|passwd|secret|token|credentials?|private_?key|access_?key|api_?key)($|_)"
)
_ABSOLUTE = re.compile(r"[/$%]|[A-Za-z]:[\\/]|\"[A-Za-z]:")
_URL = re.compile(r"https?://|\$\{?[A-Z_]*(MIRROR|URL)")
_STAGE = re.compile(r"(?P<image>\S+)(?:\s+[Aa][Ss]\s+(?P<name>\S+))?")


def lint(text: str) -> tuple[Finding, ...]:
    """Everything that is against a rule, by line. A text that is no Dockerfile is against ``IW0000``."""
    try:
        instructions = parse_dockerfile(text)
    except ValueError as error:
        return (Finding(1, "IW0000", str(error)),)
    found = [Finding(line, rule.name, message) for rule in RULES for line, message in rule.find(instructions)]
    return tuple(sorted(found, key=lambda each: (each.line, each.rule)))


def stages(instructions: Sequence[Instruction]) -> Iterator[tuple[Instruction, str, str]]:
    """Each ``FROM``, with the image or stage it names and its own name ("" for none)."""
    for each in instructions:
        match = _STAGE.fullmatch(each.words) if each.keyword == "FROM" else None
        if match is not None:
            yield each, match["image"], match["name"] or ""


def _begins(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    if not found or found[0].keyword not in {"FROM", "ARG"}:
        yield (found[0].line if found else 1), "the first instruction must be FROM or ARG"


def _untagged(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    known = {"scratch"}
    for each, image, name in stages(found):
        tail = image.rpartition("/")[2]
        if image not in known and "$" not in image and ":" not in tail and "@" not in image:
            yield each.line, f"{image} has neither a tag nor a digest"
        known.add(name)


def _latest(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each, image, _ in stages(found):
        if image.endswith(":latest"):
            yield each.line, f"{image} is another image tomorrow"


def _twice(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for each, _, name in stages(found):
        if name and name in seen:
            yield each.line, f"there are two stages {name}"
        seen.add(name)


def _unknown_stage(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    known: set[str] = set()
    for each in found:
        if each.keyword == "FROM":
            known |= {name for _, _, name in stages([each])}
        source = each.flag("from") if each.keyword == "COPY" else None
        if source is not None and source not in known and not source.isdigit() and ":" not in source:
            yield each.line, f"no stage before is called {source}"
        for key, value in each.flags if each.keyword == "RUN" else ():
            options = dict(option.partition("=")[::2] for option in value.split(","))
            if key == "mount" and options.get("from", "") not in {"", *known}:
                yield each.line, f"no stage before is called {options['from']}"


def _exec_form(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword in {"CMD", "ENTRYPOINT"} and not _is_list(each.words):
            yield each.line, f"{each.keyword} is no JSON list: a shell would stand between"


def _workdir(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword == "WORKDIR" and not _ABSOLUTE.match(each.words):
            yield each.line, f"WORKDIR {each.words} depends on where the base image was"


def _sudo(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword == "RUN" and re.search(r"(^|[;&|]\s*)sudo\s", each.words):
            yield each.line, "sudo in a build: it behaves unlike in a terminal"


def _apt(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword == "RUN" and re.search(r"(^|[;&|]\s*)apt\s", each.words):
            yield each.line, "apt is for people; scripts call apt-get"


def _maintainer(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword == "MAINTAINER":
            yield each.line, "MAINTAINER is no more; it is a label"


def _add(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        plain = each.keyword == "ADD" and not _URL.match(each.words) and not each.documents
        if plain and not re.search(r"\.(tar|tgz|txz)(\.\w+)?\s", f"{each.words} "):
            yield each.line, "COPY does the same, and nothing else"


def _unchecked(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    verified = any("sha256sum" in each.words or _mentions(each, "sha256sum") for each in found)
    for each in found:
        if each.keyword == "ADD" and _URL.match(each.words) and not each.flag("checksum") and not verified:
            yield each.line, "a download that nothing verifies"


def _secrets(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        if each.keyword not in {"ARG", "ENV"}:
            continue
        for name in re.findall(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)(?==|$|\s)", each.words):
            if _SECRET.search(name):
                yield each.line, f"{name} would be kept in the image's history; use RUN --mount=type=secret"


def _expanding(found: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for each in found:
        for document in each.documents:
            if each.keyword == "COPY" and not document.quoted and "$" in document.text:
                yield each.line, f"the builder expands variables in this file: quote {document.word}"


def _mentions(each: Instruction, word: str) -> bool:
    return any(word in document.text for document in each.documents)


def _is_list(words: str) -> bool:
    try:
        value = json.loads(words)
    except ValueError:
        return False
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


RULES: tuple[Rule, ...] = (
    Rule("DL3061", "a Dockerfile begins with FROM or ARG", _begins),
    Rule("DL3006", "a base image without a tag is another one tomorrow", _untagged),
    Rule("DL3007", "latest is another image tomorrow", _latest),
    Rule("DL3024", "stages are told apart by their names", _twice),
    Rule("DL3022", "what is copied comes from a stage that is there", _unknown_stage),
    Rule("DL3025", "signals reach the program, and arguments are as written", _exec_form),
    Rule("DL3000", "the working directory does not depend on the base image", _workdir),
    Rule("DL3004", "no sudo", _sudo),
    Rule("DL3027", "apt-get has a stable interface, apt has not", _apt),
    Rule("DL4000", "MAINTAINER is deprecated", _maintainer),
    Rule("DL3020", "ADD unpacks and downloads; COPY does not", _add),
    Rule("IW0001", "what is downloaded is verified by its digest", _unchecked),
    Rule("IW0002", "no secrets in build arguments and environment", _secrets),
    Rule("IW0003", "scripts in here-documents are as written", _expanding),
)
"""All rules, in the order in which they look."""

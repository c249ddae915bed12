# SPDX-License-Identifier: Apache-2.0
"""Which Python package indexes this machine uses, as pip tells it: texts in, addresses out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

_LINE = re.compile(r"(?P<section>[^.=\s]+)\.(?P<key>[^=\s]+)=(?P<value>'.*'|\".*\")")
_DEFAULT = re.compile(r"--index-url.{0,200}?\(default (?P<url>[a-z]+://\S+)\)", re.DOTALL)
_SECTIONS = (":env:", "install", "download", "global")
"""Where pip looks for a setting, what counts most first (pip's user guide, "Precedence / Override order")."""


def configured_indexes(text: str) -> tuple[str, ...]:
    """The addresses in what ``pip config list`` prints: the index, then extra ones."""
    settings = dict(_settings(text))
    found: list[str] = []
    for key in ("index-url", "extra-index-url"):
        found += next((settings[section, key] for section in _SECTIONS if (section, key) in settings), "").split()
    return tuple(dict.fromkeys(url.rstrip("/") for url in found))


def has_index(text: str) -> bool:
    """Whether ``pip config list`` names an index, besides extra ones."""
    settings: Mapping[tuple[str, str], str] = dict(_settings(text))
    return any((section, "index-url") in settings for section in _SECTIONS)


def default_index(text: str) -> str:
    """The index that ``pip install --help`` names as the default; empty where it names none."""
    match = _DEFAULT.search(" ".join(text.split()))
    return match["url"].rstrip("/") if match and "****" not in match["url"] else ""


def _settings(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    for line in text.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            try:
                value = ast.literal_eval(match["value"])
            except (ValueError, SyntaxError, RecursionError):
                continue
            if isinstance(value, str):
                yield (match["section"], match["key"]), value

# SPDX-License-Identifier: Apache-2.0
"""Reading TOML tables so that everything wrong is found at once, each with its path and a "did you mean"."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from imagewright.errors import ConfigurationError, Problems
from imagewright.model.digest import Digest

MAXIMUM_DOCUMENT = 4 << 20
"""Characters of one TOML document."""

_AS_CLOSE = 0.05
"""Two words are as close as each other when their similarities (0 to 1) differ by less."""

_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


def parse_document(text: str, name: str, *, maximum: int = MAXIMUM_DOCUMENT) -> Mapping[str, Any]:
    """Parse TOML. Raises :class:`ConfigurationError` naming the document and the line."""
    if len(text) > maximum:
        raise ConfigurationError(f"{name} is too long", why=f"more than {maximum} characters")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not TOML", why=str(error)) from error
    except RecursionError as error:
        raise ConfigurationError(f"{name} is not TOML", why="its values are nested too deeply") from error


def did_you_mean(word: str, known: Iterable[str], *, listing: int = 12) -> str:
    """A hint for a misspelt word: the nearest known ones, else those there are (at most ``listing``)."""
    words = [*dict.fromkeys(known)]
    close = difflib.get_close_matches(word, words, n=2, cutoff=0.6)
    if close:
        first, second = (difflib.SequenceMatcher(None, near, word).ratio() for near in (close[0], close[-1]))
        return f"did you mean {' or '.join(close if first - second < _AS_CLOSE else close[:1])}?"
    if not words:
        return ""
    more = ", …" if len(words) > listing else ""
    return f"there are {', '.join(words[:listing])}{more}"


class Table:
    """One TOML table under inspection. Each getter notes what is wrong and returns something of its type."""

    def __init__(
        self, values: Mapping[str, Any], path: str, problems: Problems, essential: frozenset[str] | None = None
    ) -> None:
        """``essential``: the only keys that must be there, here and in inner tables; ``None``: all required."""
        self._values = values
        self._essential = essential
        self._asked: dict[str, None] = {}
        self.path = path
        self.problems = problems

    def where(self, key: str) -> str:
        """The path of a key of this table."""
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", key) is not None
        name = key if bare else f'"{key}"'
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, key: str, message: str, hint: str = "") -> None:
        """Note that the value of ``key`` is wrong."""
        self.problems.add(self.where(key), message, hint)

    def text(self, key: str, default: str | None = None, *, pattern: str = "", of: str = "text") -> str:
        """A string, required unless there is a default; ``pattern`` must match all of it."""
        value = self._get(key, str, of, required=default is None)
        if value is None:
            return default or ""
        if pattern and not re.fullmatch(pattern, value, re.ASCII):
            self.wrong(key, f"{value[:80]!r} is not {of}")
        return str(value)

    def said(self, key: str) -> bool:
        """Whether ``key`` is written; it is known from then on."""
        self._asked[key] = None
        return key in self._values

    def choice(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        """One of some words."""
        value = self.text(key, default, of=f"one of {', '.join(known)}")
        if isinstance(self._values.get(key), str) and value not in known:
            self.wrong(key, f"{value[:80]!r} is not known", did_you_mean(value, known))
        return value

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """``true`` or ``false``."""
        value = self._get(key, bool, "true or false", required=default is None)
        return bool(default) if value is None else bool(value)

    def integer(self, key: str, default: int | None = None, *, minimum: int = 0, maximum: int = 1 << 40) -> int:
        """A whole number within bounds."""
        value = self._get(key, int, "a whole number", required=default is None)
        if value is None:
            return default or 0
        if not minimum <= value <= maximum:
            self.wrong(key, f"{value} is not between {minimum} and {maximum}")
        return int(value)

    def digest(self, key: str) -> Digest:
        """A SHA-256 in hexadecimal."""
        value = self.text(key, of="a SHA-256 in hexadecimal", pattern=r"[0-9a-f]{64}")
        try:
            return Digest(value)
        except ValueError:
            return Digest("0" * 64)

    def moment(self, key: str) -> int:
        """A date, or a date and time with its zone; in seconds since the epoch."""
        value = self._get(key, dt.date, "a date, or a date and time with its zone", required=True)
        if value is None:
            return 0
        if not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time(), dt.UTC)
        if value.tzinfo is None:
            self.wrong(key, "a time needs its zone", "write it as 2026-08-05T12:25:43Z")
            return 0
        return int(value.timestamp())

    def texts(
        self,
        key: str,
        default: Sequence[str] | None = None,
        *,
        pattern: str = "",
        of: str = "text",
        repeated: bool = False,
    ) -> tuple[str, ...]:
        """A list of strings, without repetition unless they may be ``repeated``."""
        values = self._get(key, list, f"a list, each of it {of}", required=default is None)
        if values is None:
            return tuple(default or ())
        found: list[str] = []
        seen: set[str] = set()
        for number, value in enumerate(values):
            place = f"{self.where(key)}[{number}]"
            if not isinstance(value, str):
                self.problems.add(place, f"must be {of}, not {_kind(value)}")
            elif pattern and not re.fullmatch(pattern, value, re.ASCII):
                self.problems.add(place, f"{value[:80]!r} is not {of}")
            elif value in seen and not repeated:
                self.problems.add(place, f"{value[:80]!r} is there twice")
            else:
                found.append(value)
                seen.add(value)
        return tuple(found)

    def mapping(self, key: str, *, pattern: str = "", of: str = "a name") -> tuple[tuple[str, str], ...]:
        """A table of strings, in the order written; ``pattern`` holds for its keys."""
        inner = self._get(key, dict, "a table of texts", required=False) or {}
        found: list[tuple[str, str]] = []
        table = Table(inner, self.where(key), self.problems)
        for name in inner:
            if pattern and not re.fullmatch(pattern, name, re.ASCII):
                table.wrong(name, f"{name[:80]!r} is not {of}")
            found.append((name, table.text(name)))
        return tuple(found)

    def table(self, key: str) -> Table | None:
        """An inner table, or ``None`` where there is none."""
        value = self._get(key, dict, "a table", required=False)
        return None if value is None else Table(value, self.where(key), self.problems, self._essential)

    def tables(self, key: str, *, required: bool = False) -> Iterator[Table]:
        """Each of a list of tables."""
        values = self._get(key, list, "a list of tables", required=required) or []
        for number, value in enumerate(values):
            place = f"{self.where(key)}[{number}]"
            if isinstance(value, dict):
                yield Table(value, place, self.problems, self._essential)
            else:
                self.problems.add(place, f"must be a table, not {_kind(value)}")

    def note(self, key: str) -> Any:
        """The value of ``key`` as it is, for what only people read."""
        self._asked[key] = None
        return self._values.get(key)

    def written(self) -> tuple[str, ...]:
        """The keys written, in order."""
        return tuple(self._values)

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.wrong(key, "is not known here", did_you_mean(key, self._asked))

    def _get(self, key: str, kind: type, of: str, *, required: bool) -> Any:
        self._asked[key] = None
        if key not in self._values:
            if required and (self._essential is None or key in self._essential):
                self.wrong(key, "is missing", f"it must be {of}")
            return None
        value = self._values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(key, f"must be {of}, not {_kind(value)}")
            return None
        return value


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date")

# SPDX-License-Identifier: Apache-2.0
"""What a person may add to their own images: the choices, how they are read, and the files they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from imagewright.catalog.reading import Table
from imagewright.errors import Problems
from imagewright.model.digest import Digest
from imagewright.model.site import Account, Installers, LocalFile

_PATH = r"[^\x00-\x1f\x7f]{1,1000}"
_ABSOLUTE = r"/[^\x00-\x1f\x7f:]{0,500}"
_ACCOUNT = r"[a-z_][a-z0-9_-]{0,30}"
_VERSION = r"[0-9][A-Za-z0-9.+!-]{0,60}"
_LOCALE = r"[a-z]{2,3}(_[A-Z]{2})?\.UTF-8(@[a-z]{1,20})?"
_REPOSITORY = r"[a-z0-9][a-z0-9._:/-]{0,250}[a-z0-9]"
_TAG = r"[A-Za-z0-9_{][A-Za-z0-9_.{}-]{0,127}"
_WORDS = ("release", "series", "flavour", "variant", "suite")
_LARGEST_ID = 60_000
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+(?P<body>[A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)
_DIFF = re.compile(r"^--- .+\n\+\+\+ .+\n@@ -\d+", re.MULTILINE)

MAXIMUM_FILE = 16 << 20
"""Bytes of one file that a configuration names."""


@dataclass(frozen=True, slots=True)
class SiteChoices:
    """What may be chosen. ``None`` and empty mean: not said. Lists of files and packages grow, the rest replaces.

    ``requirements``, ``certificates`` and ``patches`` are paths from where the configuration is; ``packages`` are
    lines of a requirements file; ``pip`` and ``uv`` are versions.
    """

    requirements: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    installers: Installers | None = None
    pip: str | None = None
    uv: str | None = None
    account: Account | None = None
    locale: str | None = None
    tzdata_legacy: bool | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None
    repository: str | None = None
    tags: tuple[str, ...] | None = None


_GROWING = ("requirements", "packages", "certificates", "patches")
_FILES = (("requirements", "requirements"), ("certificates", "ca_certificates"), ("patches", "patches"))
"""Fields of paths, and their keys."""


def over(below: SiteChoices, above: SiteChoices) -> SiteChoices:
    """Two layers as one; what is said above wins."""
    values: dict[str, Any] = {}
    for field in fields(SiteChoices):
        low, high = getattr(below, field.name), getattr(above, field.name)
        if field.name in _GROWING:
            values[field.name] = tuple(dict.fromkeys((*low, *high)))
        else:
            values[field.name] = low if high is None else high
    return SiteChoices(**values)


def read_site(table: Table) -> SiteChoices:
    """Read the keys of ``[defaults]`` or an override that are about a person's own images."""
    installers = table.choice("installers", [one.value for one in Installers]) if table.said("installers") else ""
    return SiteChoices(
        requirements=table.texts("requirements", (), pattern=_PATH, of="a path"),
        packages=table.texts("python_packages", (), of="a requirement, NAME==VERSION --hash=sha256:…"),
        certificates=table.texts("ca_certificates", (), pattern=_PATH, of="a path"),
        patches=table.texts("patches", (), pattern=_PATH, of="a path"),
        installers=Installers(installers) if installers in {one.value for one in Installers} else None,
        pip=_text(table, "pip", _VERSION, "a version"),
        uv=_text(table, "uv", _VERSION, "a version"),
        account=_account(table),
        locale=_text(table, "locale", _LOCALE, "a locale, such as de_DE.UTF-8"),
        tzdata_legacy=table.boolean("tzdata_legacy") if table.said("tzdata_legacy") else None,
        entrypoint=_words(table, "entrypoint"),
        command=_words(table, "command"),
        working_directory=_text(table, "working_directory", _ABSOLUTE, "an absolute path"),
        repository=_text(table, "repository", _REPOSITORY, "a repository, such as registry.example/team/python"),
        tags=_tags(table),
    )


def _text(table: Table, key: str, pattern: str, of: str) -> str | None:
    return table.text(key, pattern=pattern, of=of) if table.said(key) else None


def _words(table: Table, key: str) -> tuple[str, ...] | None:
    """A command: words, of which some may be there twice."""
    if not table.said(key):
        return None
    return table.texts(key, pattern=r"[^\x00]*", of="a word", repeated=True)


def _tags(table: Table) -> tuple[str, ...] | None:
    if not table.said("tags"):
        return None
    found = table.texts("tags", pattern=_TAG, of="a tag, such as {series}-app")
    for number, tag in enumerate(found):
        for word in re.findall(r"\{([^{}]*)\}", tag):
            if word not in _WORDS:
                table.problems.add(
                    f"{table.where('tags')}[{number}]",
                    f"{{{word}}} means nothing",
                    f"there are {', '.join(_WORDS)}",
                )
    return found


def _account(table: Table) -> Account | None:
    inner = table.table("user")
    if inner is None:
        return None
    name = inner.text("name", pattern=_ACCOUNT, of="the name of a user")
    uid = inner.integer("uid", 1000, minimum=1, maximum=_LARGEST_ID)
    account = Account(
        name=name,
        uid=uid,
        gid=inner.integer("gid", uid, minimum=1, maximum=_LARGEST_ID),
        home=inner.text("home", f"/home/{name}", pattern=_ABSOLUTE, of="an absolute path"),
        shell=inner.text("shell", pattern=_ABSOLUTE, of="an absolute path") if inner.said("shell") else "",
    )
    if any(part in {"", ".", ".."} for part in account.home.split("/")[1:]):
        inner.wrong("home", f"{account.home!r} is not a plain path")
    inner.finish()
    return account


def read_files(
    layers: Iterable[tuple[str, SiteChoices]], read: Callable[[str], bytes], problems: Problems
) -> tuple[tuple[str, bytes], ...]:
    """Every file that choices name, read by ``read`` (which raises ``OSError``) and looked at, with its bytes.

    ``layers`` are choices with their place in the configuration. What is wrong goes into ``problems``.
    """
    found: dict[str, bytes] = {}
    for place, choices in layers:
        for field, key in _FILES:
            for number, path in enumerate(getattr(choices, field)):
                where = f"{place}.{key}[{number}]"
                try:
                    found[path] = read(path)
                except OSError as error:
                    problems.add(where, f"cannot read {path}: {error.strerror or error}")
                    continue
                for message in _wrong_with(field, path, found[path]):
                    problems.add(where, message)
    return tuple(sorted(found.items()))


def _wrong_with(field: str, path: str, data: bytes) -> Iterator[str]:
    if len(data) > MAXIMUM_FILE:
        yield f"{path} is larger than {MAXIMUM_FILE} bytes"
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        if field != "patches":  # CPython's sources are not all UTF-8
            yield f"{path} is not UTF-8 text"
            return
        text = data.decode("utf-8", "surrogateescape")
    if field == "certificates" and len(_PEM.findall(text)) != 1:
        yield f"{path} does not hold one certificate in PEM"
    elif field == "certificates" and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", path.rpartition("/")[2]):
        yield f"{path} needs a plain name: letters, digits, dots, hyphens"
    elif field == "patches" and not _DIFF.search(text):
        yield f"{path} is not a unified diff"


def local_file(path: str, files: Mapping[str, bytes]) -> LocalFile:
    """A file that was read before. Raises ``KeyError``."""
    data = files[path]
    return LocalFile(path, len(data), Digest.of(data))

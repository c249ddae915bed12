# SPDX-License-Identifier: Apache-2.0
"""What the native engine does in Python, as scripts for engines that only run commands (``scripts/image-*.sh``).

They are filled in from the same rules: which file is in which part of the interpreter, what is removed after an
installation, what a root without a shell is made of. Pure data.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

from imagewright.model.images import PythonPart
from imagewright.recipes import bare, roots
from imagewright.recipes.parts import PART_RULES
from imagewright.recipes.pathrules import fixed_part

_ENGINES_OWN = frozenset({"etc/hostname", "etc/resolv.conf"})
"""Files that engines lay over those of the root while a command runs; in the root they are empty anyway."""


_MOUNTED = ("run/.containerenv", "run/secrets", "run/secrets/*")
"""What podman and buildah lay into ``/run`` while a command runs: nobody can delete it, and no image has it."""


@cache
def packages_script() -> str:
    """Installs or downloads packages at the versions of a lock."""
    return _text("packages")


@cache
def inputs_script() -> str:
    """Verifies the inputs of a build by their digests."""
    return _text("inputs")


@cache
def wheels_script() -> str:
    """Downloads wheels that are installed with the interpreter."""
    return _text("wheels")


@cache
def account_script() -> str:
    """Adds a user, a group and a home."""
    return _text("account")


@cache
def site_script() -> str:
    """Installs Python packages of a person's own, compiles them, and a locale."""
    return _text("site")


_DPKG = """\
needed() {
    readelf --dynamic "$1" 2> /dev/null | sed -n 's/.*(NEEDED).*\\[\\(.*\\)\\]$/\\1/p'
}

# dpkg-query prints PACKAGE:ARCHITECTURE: PATH, or PACKAGE, PACKAGE: PATH, or tells of a diversion.
owner() {
    dpkg-query --search "*/$1" |
        sed -n "/^diversion by /d; s|^\\([^:, ]*\\).*/$1\\$|\\1|p" | LC_ALL=C sort | head -n 1
}"""

_APK = """\
needed() {
    scanelf --needed --nobanner --format '%n#p' "$1" | tr ',' '\\n'
}

# apk itself knows libraries: every package provides so:NAME for those it has.
owner() {
    echo "so:$1"
}"""


@cache
def parts_script(*, apk: bool = False) -> str:
    """Splits an install tree by :data:`imagewright.recipes.parts.PART_RULES`; libraries are dpkg's or apk's."""
    rules = [f"        {rule.pattern}) part={rule.part} ;; # {rule.why}" for rule in PART_RULES]
    rules.append(f"        *) part={PythonPart.INTERPRETER} ;;")
    return _filled("parts", rules=rules, owner=[_APK if apk else _DPKG])


@cache
def apk_script() -> str:
    """Installs packages of Alpine's."""
    return _text("apk")


@cache
def tidy_script() -> str:
    """Removes and empties what :data:`imagewright.recipes.roots.REMOVED` and ``EMPTIED`` say."""
    removed = [f"    -path '/{rule.pattern}' -o" for rule in roots.REMOVED.rules]
    removed[-1] = removed[-1].removesuffix(" -o")
    emptied = [f"    /{rule.pattern}" for rule in roots.EMPTIED.rules if rule.pattern not in _ENGINES_OWN]
    return _filled(
        "tidy",
        removed=[f"{line} \\" for line in removed],
        emptied=[f"{line} \\" for line in emptied],
        kept=[" ".join(f"! -path '/{path}'" for path in (*(path for path, _ in roots.DIRECTORIES), *_MOUNTED))],
    )


@cache
def bare_script(exclude: tuple[str, ...], include: tuple[str, ...]) -> str:
    """Makes a root without a shell; ``exclude`` and ``include`` are dpkg's path rules."""
    return _filled(
        "bare",
        included=_cases(include, 1),
        prefixes=_cases((f"{prefix}*" for prefix in _shortest(map(fixed_part, include))), 1),
        excluded=_cases(exclude, 0),
        kept=_cases((rule.pattern for rule in bare.KEPT.rules), 1),
        removed=_cases((rule.pattern for rule in bare.REMOVED.rules), 0),
        links=[f"link {link.path} {link.target}" for link in bare.LINKS],
        directories=[f"directory {each.path} {each.mode:04o} {each.owner}" for each in bare.DIRECTORIES],
        applets=[" ".join(f"'{name}'" if name.startswith("[") else name for name in bare.APPLETS)],
    )


def _shortest(prefixes: Iterable[str]) -> list[str]:
    """Those that no other one begins."""
    found = sorted(set(prefixes))
    return [one for one in found if not any(one != other and one.startswith(other) for other in found)]


def _cases(patterns: Iterable[str], status: int) -> list[str]:
    return [f"        {pattern}) return {status} ;;" for pattern in patterns]


def _filled(name: str, **lines: list[str]) -> str:
    text = _text(name)
    for key, found in lines.items():
        text = text.replace(f"@{key}@", "\n".join(found))
    return text


@cache
def _text(name: str) -> str:
    return (resources.files("imagewright.recipes") / "scripts" / f"image-{name}.sh").read_text(encoding="utf-8")

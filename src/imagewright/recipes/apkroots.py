# SPDX-License-Identifier: Apache-2.0
"""The recipe of a root made of Alpine's packages: what is written, kept apart and left out. Pure data."""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.model.digest import Digest, canonical_json
from imagewright.recipes.roots import Layout, Rule, Rules

REVISION = "2"
"""Part of every such root's identity: changed when the same inputs give other bytes."""

DATABASE = "lib/apk/db"
"""Where apk keeps what it knows of installed packages."""

EXEC = "lib/apk/exec"
"""Where apk puts a script that it runs."""

WORLD = "etc/apk/world"
"""The packages that were asked for; what none of them needs may be removed."""

STATE = Rules(
    (
        Rule(f"{DATABASE}/*", "which packages there are, their scripts and triggers"),
        Rule(WORLD, "which of them were asked for"),
        Rule("etc/passwd", "users that packages add"),
        Rule("etc/group", "groups that packages add"),
        Rule("etc/shadow", "follows passwd"),
        Rule("etc/gshadow", "follows group"),
        Rule("etc/shells", "login shells that packages add"),
        Rule("etc/ssl/certs/*", "update-ca-certificates writes them for all authorities together"),
    )
)
"""Files that every installation may change: they are a layer of their own, the last one's."""

REMOVED = Rules(
    (
        Rule("etc/passwd-", "backups of the user database"),
        Rule("etc/group-", "the same"),
        Rule("etc/shadow-", "the same"),
        Rule("etc/gshadow-", "the same"),
        Rule(f"{EXEC}/*", "scripts while they run"),
        Rule("var/cache/apk/*", "indexes and packages that were downloaded"),
        Rule("var/cache/misc/*", "made again when needed"),
        Rule("var/log/apk.log", "when things were done"),
        Rule("run/*", "made when a system starts"),
        Rule("tmp/*", "temporary"),
        Rule("var/tmp/*", "temporary"),
        Rule("dev/*", "made by whoever runs a container"),
    )
)
"""What is gone after scripts have run."""

LAYOUT = Layout(STATE, REMOVED, Rules((Rule("etc/machine-id", "filled in when a system first starts"),)))

ENVIRONMENT = (
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),  # apk's own (apk-tools, src/package.c)
    ("TZ", "UTC"),
)
"""What scripts see, besides APK_PACKAGE, APK_SCRIPT and SOURCE_DATE_EPOCH."""


def root_files(
    *, architecture: str, world: Iterable[str], repositories: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Path → text, sorted, for :class:`imagewright.model.plan.RootWork`.

    ``architecture`` is Alpine's name; ``repositories`` are the addresses that the image's own apk asks.
    """
    files = {
        "etc/apk/arch": f"{architecture}\n",
        "etc/apk/repositories": "".join(f"{address}\n" for address in repositories),
        WORLD: world_text(world),
    }
    return tuple(sorted(files.items()))


def world_text(names: Iterable[str]) -> str:
    """``/etc/apk/world``: a name in each line, sorted (apk-world(5))."""
    return "".join(f"{name}\n" for name in sorted(set(names)))


def revision() -> str:
    """The revision, and all of the recipe that is data, so that a change to it cannot be forgotten."""
    rules = [[rule.pattern for rule in found.rules] for found in (LAYOUT.state, LAYOUT.removed, LAYOUT.emptied)]
    return f"{REVISION} {Digest.of(canonical_json([rules, ENVIRONMENT])).short}"

# SPDX-License-Identifier: Apache-2.0
"""What jobs run: POSIX shell, the same for every service. Nothing in it is secret; secrets are variables.

``SPEC`` and ``PLATFORM`` say which image; they are never part of the text, so that no name can be a command.
"""

from __future__ import annotations

import shlex

from imagewright.emit.ci.model import PROGRAM, Workflow

KEY_VARIABLE = "IMAGEWRIGHT_CACHE_KEY"
"""The private key that signs what jobs leave in the cache: the content of the file, with its line ends."""

BRANCH = "imagewright-refresh"
"""Where a refresh leaves the lock that it made, for a person to look at."""

_ROOT = """\
# Roots are made as root, or by subordinate ids where there is no sudo.
root=
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; then root='sudo -E'; fi
"""


def install(workflow: Workflow) -> str:
    """Bring the program; a job without a lock would build something else than its neighbours."""
    return f"""\
test -f imagewright.lock || {{ echo 'commit imagewright.lock: jobs share what one lock names' >&2; exit 3; }}
{workflow.install}
{PROGRAM} --version
"""


def write_key(workflow: Workflow) -> str:
    """Put the key where the configuration expects it; nobody else may read it."""
    path = shlex.quote(workflow.key)
    return f"""\
(umask 077 && printf '%s\\n' "${KEY_VARIABLE}" >{path})
"""


def compile_once(workflow: Workflow) -> str:
    """Compile unless the cache has it, and leave it there."""
    return f"{_ROOT}{_build(workflow)} --cache-write\n"


def build_image(workflow: Workflow) -> str:
    """Build, with what the compile left, and run the checks."""
    return f"{_ROOT}{_build(workflow)}\n"


def publish(workflow: Workflow) -> str:
    """Publish what was just built; tags move only when its checks have passed."""
    words = shlex.join(workflow.words)
    more = f" {words}" if words else ""
    return f"""\
{_ROOT}$root {PROGRAM} push "$SPEC" {shlex.quote(workflow.push)} --platform "$PLATFORM"{more}
"""


def git_token(user: str, variable: str) -> str:
    """Let git show a token, by its environment: on a command line, others would see it (git-config(1))."""
    return f"""\
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraheader
GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf '{user}:%s' "${variable}" | base64 -w0)"
export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
"""


def refresh(workflow: Workflow, token: str, remote: str) -> str:
    """Fill an empty store out of the cache, bring what is behind up to date, and propose the new lock.

    ``token`` makes git's credentials known, ``remote`` is where it pushes to; both are shell text.
    """
    platforms: dict[str, list[str]] = {}
    for job in workflow.images:
        platforms.setdefault(job.platform, []).append(job.spec)
    words = f" {shlex.join(workflow.words)}" if workflow.words else ""
    more = f"--cache {shlex.quote(workflow.cache)}{words}"
    builds = "\n".join(
        f"$root {PROGRAM} build {shlex.join(specs)} --platform {platform} {more}"
        for platform, specs in platforms.items()
    )
    push = f" --push {shlex.quote(workflow.push)}" if workflow.push else ""
    return f"""\
{_ROOT}{builds}
$root {PROGRAM} refresh{push}
git add imagewright.lock
if [ -f imagewright.releases.toml ]; then git add imagewright.releases.toml; fi
if git diff --cached --quiet; then echo 'nothing is behind'; exit 0; fi
{token}git -c user.name=imagewright -c user.email=imagewright@localhost commit -q -m 'Refresh imagewright.lock'
git push -q --force {remote} HEAD:refs/heads/{BRANCH}
"""


def _build(workflow: Workflow) -> str:
    words = f" {shlex.join(workflow.words)}" if workflow.words else ""
    where = shlex.quote(workflow.cache)
    return f'$root {PROGRAM} build "$SPEC" --platform "$PLATFORM" --cache {where}{words}'

# SPDX-License-Identifier: Apache-2.0
"""The commands. Each reads its words, calls one use case, and writes the answer.

One module holds the commands of one theme; they are put together here, in the order a person meets them.
"""

from __future__ import annotations

from imagewright.cli.commands.attesting import attest, keygen, rebuild, sign, verify
from imagewright.cli.commands.building import build, lock, plan
from imagewright.cli.commands.completion import completion
from imagewright.cli.commands.describing import report
from imagewright.cli.commands.group import COMPLETE_VARIABLE, PROGRAM, cli
from imagewright.cli.commands.images import check, run
from imagewright.cli.commands.library import library
from imagewright.cli.commands.registries import copy, gc_remote, inspect, pull, push, retag, untag
from imagewright.cli.commands.starting import init
from imagewright.cli.commands.store import store
from imagewright.cli.commands.tags import tags
from imagewright.cli.commands.training import train
from imagewright.cli.commands.updating import outdated, update

__all__ = ["COMPLETE_VARIABLE", "PROGRAM", "cli"]

for _command in (
    build,
    plan,
    lock,
    tags,
    update,
    outdated,
    check,
    run,
    train,
    push,
    pull,
    copy,
    inspect,
    report,
    attest,
    keygen,
    sign,
    verify,
    rebuild,
    retag,
    untag,
    gc_remote,
    library,
    store,
    init,
    completion,
):
    cli.add_command(_command)

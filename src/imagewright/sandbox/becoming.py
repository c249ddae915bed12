# SPDX-License-Identifier: Apache-2.0
"""The way of an ordinary user to root of a user namespace. Loads next to nothing where we are root already."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def become_root(arguments: Sequence[str] | None = None) -> None:
    """Where we are not root: run this program again as root of a user namespace with subordinate ids.

    To be called first, before any thread. Returns at once for root (also for root of such a namespace);
    otherwise it does not return. ``arguments`` follow the interpreter; by default this program's own.
    Raises :class:`MachineError` naming what is missing.
    """
    if os.geteuid() == 0:
        return
    from imagewright.sandbox.identity import enter_subordinate_ids  # noqa: PLC0415 - root needs none of it,
    from imagewright.sandbox.system import JailError  # noqa: PLC0415 - and every command comes by here
    from imagewright.sandbox.userns import explain  # noqa: PLC0415

    try:
        enter_subordinate_ids()
    except JailError as error:
        raise explain(error) from error
    words = sys.orig_argv[1:] if arguments is None else arguments
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is meant

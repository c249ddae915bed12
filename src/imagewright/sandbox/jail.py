# SPDX-License-Identifier: Apache-2.0
"""Run one command in one root, isolated by Linux namespaces: a program that needs the standard library only.

    python3 -I jail.py --request '{"plain": "/srv/root", "argv": ["/bin/sh"], "interactive": true}'
    python3 -I jail.py --request FILE        # or - for standard input

Three processes do the work. The *monitor* enters new user, PID, IPC, UTS, network and cgroup namespaces and
waits. Its child is PID 1 of the new PID namespace, the *init*: in a mount namespace of its own it makes the
root, then reaps whatever dies. Its child is the *command*. When the command ends, the init ends, and the kernel
kills what is left in the PID namespace; when the monitor or its parent die, a parent-death signal kills the
init, with the same effect. The monitor returns once nothing is left.

Nothing is skipped quietly: an isolation that is not to be had ends in exit status 125 before the command
starts. Otherwise the exit status is the command's own, 128 + n when signal n ended it, 127 or 126 when it could
not be found or executed. An ordinary user's subordinate ids are entered first. See docs/explanation/sandbox.md.

``--channel FD`` gets one line of JSON: ``{"status", "peak_memory"}`` or ``{"operation", "errno", "reason"}``;
``--parent PID`` is the process whose death ends the run (any, if left out).
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Isolated mode knows neither this directory nor the package's; only our own modules are found there.
    sys.path.append(os.path.abspath(__file__ + "/../../.."))  # noqa: PTH100 - pathlib is slow to import
    from imagewright.sandbox.processes import main

    raise SystemExit(main(sys.argv[1:]))

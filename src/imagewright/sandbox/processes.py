# SPDX-License-Identifier: Apache-2.0
"""The three processes of a run. Standard library only."""

# Importing pathlib would take a tenth of a whole run.
# ruff: noqa: PTH110
from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Sequence

from imagewright.sandbox.emulation import register
from imagewright.sandbox.identity import enter_subordinate_ids, enter_user_namespace, same_ids
from imagewright.sandbox.mounts import Operation, operations_for
from imagewright.sandbox.request import Request
from imagewright.sandbox.root import furnish, give_back, keep_private
from imagewright.sandbox.system import (
    DROP_BOUND,
    NEW_CGROUP,
    NEW_IPC,
    NEW_NET,
    NEW_PID,
    NEW_USER,
    NEW_UTS,
    NO_NEW_PRIVILEGES,
    READ_BOUND,
    SET_DEATH_SIGNAL,
    SET_DUMPABLE,
    JailError,
    checked,
    doing,
    join_new_keyring,
    libc,
    prctl,
)

USAGE, SETUP_FAILED, NOT_EXECUTABLE, NOT_FOUND = 2, 125, 126, 127
OPTIONS = frozenset({"--request", "--channel", "--parent"})

# linux/capability.h: what container engines leave to root: chown, dac_override, fowner, fsetid, kill, setgid,
# setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap
CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})

# linux/socket.h, linux/sockios.h; the module socket would take a tenth of a whole run
AF_INET, SOCK_DGRAM, IFF_UP, SET_INTERFACE_FLAGS = 2, 2, 1, 0x8914


def reset_signals() -> None:
    """Default dispositions and an empty mask: a shell's background job inherits an ignored SIGINT."""
    for number in signal.valid_signals():
        with contextlib.suppress(OSError, ValueError):  # KILL, STOP and the C library's own
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def report(channel: int, **facts: object) -> None:
    """Tell who started the monitor; without a channel, errors go to standard error."""
    if channel >= 0:
        os.write(channel, json.dumps(facts).encode() + b"\n")
    elif "operation" in facts:
        os.write(2, f"jail: cannot {facts['operation']}: {facts['reason']}\n".encode())


def reporting(channel: int, action: Callable[[], int]) -> None:
    """Run a child process' part; it ends here, whatever happens."""
    status = SETUP_FAILED
    try:
        status = action()
    except JailError as error:
        report(channel, operation=error.operation, errno=error.errno, reason=error.reason)
    except BaseException as error:  # noqa: BLE001 - a forked child must never return into its parent's code
        report(channel, operation="set up", errno=0, reason=f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


def set_limit(number: int, soft: int, hard: int) -> None:
    """setrlimit(2), as far as this process may go; -1 is no limit."""
    allowed = [limit for limit in (hard, resource.getrlimit(number)[1]) if limit >= 0]
    highest = min(allowed, default=resource.RLIM_INFINITY)
    wanted = [limit for limit in (soft, highest) if limit >= 0]
    resource.setrlimit(number, (min(wanted, default=resource.RLIM_INFINITY), highest))


def command(request: Request) -> int:
    """Become the command."""
    with doing("prepare the command's process"):
        if not request.interactive:
            os.setsid()
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)
        os.umask(0o022)
        checked(libc.personality(request.personality))
        for name, soft, hard in request.limits:
            set_limit(getattr(resource, f"RLIMIT_{name.upper()}"), soft, hard)
        for capability in range(64):
            if capability not in CAPABILITIES and libc.prctl(READ_BOUND, capability, 0, 0, 0) >= 0:
                prctl(DROP_BOUND, capability)
        prctl(NO_NEW_PRIVILEGES, 1)
        os.setgroups([])
        os.setresgid(*[request.user[1]] * 3)
        os.setresuid(*[request.user[0]] * 3)
    with doing(f"change to directory {request.directory}"):
        os.chdir(request.directory)
    reset_signals()
    try:
        os.execvpe(request.argv[0], request.argv, dict(request.environment))  # noqa: S606 - no shell is meant
    except OSError as error:
        os.write(2, f"{request.argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        return NOT_FOUND if isinstance(error, FileNotFoundError | NotADirectoryError) else NOT_EXECUTABLE


def initialise(request: Request, operations: tuple[Operation, ...], lifeline: int, channel: int) -> int:
    """Be PID 1: make the root, start the command, reap, give its status."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTSTP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # what a terminal sends is for the command
    prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    if select.select([lifeline], [], [], 0)[0]:
        return SETUP_FAILED  # the monitor died before the death signal was set
    with doing("name the machine"):
        checked(libc.sethostname(request.hostname.encode(), len(request.hostname)))
        checked(libc.setdomainname(b"(none)", 6))
    if not request.network:
        with doing("bring up the loopback interface"):
            bring_up_loopback()
    keep_private()
    emulation = -1 if request.emulator is None else register(request.emulator)
    made = furnish(request, operations)
    with doing("leave the keys of the session behind"):
        join_new_keyring()
    prctl(SET_DUMPABLE, 0)  # nothing inside looks into PID 1
    child = os.fork()
    if child == 0:
        reporting(channel, lambda: command(request))
    if emulation > 2:  # noqa: PLR2004 - standard streams
        os.closerange(3, emulation)  # what is registered is gone when the last handle is
    os.closerange(max(3, emulation + 1), 1 << 20)
    status = wait_for(child)
    if made:
        give_back(made)
    return status


def wait_for(child: int) -> int:
    """Reap everything until the child is gone; its exit status as a shell gives it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def bring_up_loopback() -> None:
    """The only interface of a new network namespace (netdevice(7))."""
    handle = checked(libc.socket(AF_INET, SOCK_DGRAM, 0))
    words = b"lo".ljust(16, b"\0") + IFF_UP.to_bytes(2, sys.byteorder) + bytes(22)
    checked(libc.ioctl(handle, ctypes.c_ulong(SET_INTERFACE_FLAGS), words))
    os.close(handle)


class Stopped(BaseException):
    """A signal asked the monitor to end everything."""

    def __init__(self, number: int, frame: object) -> None:
        super().__init__(number)
        self.number = number
        del frame


def stop(number: int, frame: object) -> None:
    """Signal handler of the monitor."""
    raise Stopped(number, frame)


def tie_to(parent: int) -> bool:
    """Die with our parent; whether it is still the one with this process id (0: whichever).

    To be repeated after each change of user namespace, which unties.
    """
    prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    return parent in {0, os.getppid()}


def run(request: Request, channel: int = -1, parent: int = 0) -> int:
    """Run a request to its end, in this process and children; gives the exit status.

    ``channel`` and ``parent`` as in :mod:`imagewright.sandbox.jail`. Raises :class:`JailError`, ``ValueError`` for
    a request that contradicts itself. This process is in the new namespaces afterwards: it has no other use.
    """
    operations = operations_for(request)
    flags = NEW_USER | NEW_PID | NEW_IPC | NEW_UTS | (0 if request.network else NEW_NET)
    if os.path.exists("/proc/self/ns/cgroup"):
        flags |= NEW_CGROUP
    enter_user_namespace(flags, same_ids)
    if not tie_to(parent):
        return SETUP_FAILED
    lifeline, held = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(held)
        reporting(channel, lambda: initialise(request, operations, lifeline, channel))
    os.close(lifeline)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
    except BaseException:
        os.kill(init, signal.SIGKILL)
        os.waitpid(init, 0)  # returns when nothing is left in the PID namespace
        raise
    status = code if code >= 0 else 128 - code
    report(channel, status=status, peak_memory=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
    return status


def main(words: Sequence[str]) -> int:
    """The program: see :mod:`imagewright.sandbox.jail`."""
    options = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not options.keys() <= OPTIONS or "--request" not in options:
        os.write(2, b"usage: jail.py --request JSON|FILE|- [--channel FD] [--parent PID]\n")
        return USAGE
    channel, parent = int(options.get("--channel", -1)), int(options.get("--parent", 0))
    reset_signals()
    if not tie_to(parent):
        return SETUP_FAILED
    try:
        request = Request.from_json(read_request(options["--request"]))
        operations_for(request)
    except (OSError, ValueError) as error:
        os.write(2, f"jail: {error}\n".encode("utf-8", "backslashreplace"))
        return USAGE
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    if request.interactive:  # what a terminal sends is for the command
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    close_others(channel)
    try:
        if os.geteuid():
            enter_subordinate_ids()
        return run(request, channel, parent)
    except JailError as error:
        report(channel, operation=error.operation, errno=error.errno, reason=error.reason)
        return SETUP_FAILED
    except Stopped as stopped:
        return 128 + stopped.number


def read_request(where: str) -> str:
    """JSON itself, a file, or ``-`` for standard input."""
    if where.lstrip().startswith("{"):
        return where
    with open(0 if where == "-" else where, encoding="utf-8", closefd=where != "-") as source:
        return source.read()


def close_others(channel: int) -> None:
    """Close what the parent left open; the command gets standard streams only."""
    if channel >= 0:
        os.set_inheritable(channel, False)  # noqa: FBT003
        os.closerange(3, channel)
    os.closerange(max(3, channel + 1), 1 << 20)

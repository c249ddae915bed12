# SPDX-License-Identifier: Apache-2.0
"""Child processes and threads, with recursion as deep as Python promises."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

from verdict import need, passed, python


def depth(number: int) -> int:
    return 0 if number == 0 else 1 + depth(number - 1)


def endless(value: object) -> object:
    return endless([value])


def overflow() -> str:
    """Recursion without end is an exception, not a crash; also through C code."""
    with contextlib.suppress(RecursionError):
        endless(None)
    nested: object = []
    for _ in range(100_000):
        nested = [nested]
    try:
        repr(nested)
    except RecursionError:
        return "caught"
    return "no RecursionError"


results: list[object] = []
limit = sys.getrecursionlimit()
need(depth(limit - 50) == limit - 50, "recursion ends before the limit")
sys.setrecursionlimit(6000)
need(depth(5000) == 5000, "recursion ends before the limit")
threads = [threading.Thread(target=lambda: results.append(depth(3000))) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
need(results == [3000] * 20, f"{len(results)} of 20 threads recursed 3000 deep")
sys.setrecursionlimit(limit)
threads = [threading.Thread(target=lambda: results.append(overflow())) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
need(results[20:] == ["caught", "caught"], f"recursion without end gave {results[20:]}")

child = subprocess.run(
    [sys.executable, "-c", "print(input()[::-1])"], input="hello\n", capture_output=True, text=True, check=True
)
need(child.stdout == "olleh\n", f"a child answered {child.stdout!r}")
killed = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], check=False)
need(killed.returncode == -signal.SIGTERM, f"a killed child has status {killed.returncode}")
pipes = [
    subprocess.Popen([sys.executable, "-S", "-c", "print('x' * 100_000)"], stdout=subprocess.PIPE)
    for _ in range(4)
]
need(all(len(pipe.communicate()[0]) == 100_001 for pipe in pipes), "output of children was lost")
process = os.fork()
if process == 0:
    os._exit(7)
need(os.waitpid(process, 0)[1] >> 8 == 7, "the status of a forked child was lost")
shell = "a shell and " if os.path.exists("/bin/sh") else ""
if shell:
    need(subprocess.check_output("echo $((6 * 7))", shell=True) == b"42\n", "the shell cannot count")
CHILD = """
import asyncio, sys

async def main():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(3)")
    print(await child.wait())

asyncio.run(main())
"""
output = python(CHILD)
need(output == "3\n", f"asyncio's child: {output!r}")
passed(f"{shell}children, 20 threads 3000 deep, overflow caught in threads")

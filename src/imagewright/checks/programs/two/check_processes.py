# SPDX-License-Identifier: Apache-2.0
"""Children, and threads with deep recursion."""

from __future__ import absolute_import, division, print_function

import os
import signal
import subprocess
import sys
import threading

from verdict import need, passed


def depth(number):
    return 0 if number == 0 else 1 + depth(number - 1)


results = []
sys.setrecursionlimit(6000)
need(depth(5000) == 5000, "recursion ends before the limit")
threads = [threading.Thread(target=lambda: results.append(depth(3000))) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
need(results == [3000] * 20, "%d of 20 threads recursed 3000 deep" % len(results))

child = subprocess.Popen(
    [sys.executable, "-c", "print(raw_input()[::-1])"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
answer = child.communicate(b"hello\n")[0]
need(answer == b"olleh\n", "a child answered %r" % answer)
for status in (0, 3):
    ended = subprocess.call([sys.executable, "-c", "import sys; sys.exit(%d)" % status])
    need(ended == status, "sys.exit(%d) ended a child with %d" % (status, ended))
killed = subprocess.call([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"])
need(killed == -signal.SIGTERM, "a killed child has status %s" % killed)
pipes = [
    subprocess.Popen([sys.executable, "-S", "-c", "print('x' * 100000)"], stdout=subprocess.PIPE) for _ in range(4)
]
need(all(len(pipe.communicate()[0]) == 100001 for pipe in pipes), "output of children was lost")
process = os.fork()
if process == 0:
    os._exit(7)
need(os.waitpid(process, 0)[1] >> 8 == 7, "the status of a forked child was lost")
shell = "a shell and " if os.path.exists("/bin/sh") else ""
if shell:
    need(subprocess.check_output("echo $((6 * 7))", shell=True) == b"42\n", "the shell cannot count")
passed("%schildren, 20 threads 3000 deep" % shell)

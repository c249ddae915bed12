# SPDX-License-Identifier: Apache-2.0
"""How a check program tells its result, as ../verdict.py does, for Python 2.7."""

from __future__ import absolute_import, division, print_function

import os
import subprocess
import sys

SKIPPED = 77


def passed(detail):
    """End well; ``detail`` says what was seen."""
    end(detail, 0)


def failed(detail):
    """End badly; ``detail`` says what was expected and what was seen."""
    end(detail, 1)


def end(detail, status):
    sys.stdout.flush()
    os.write(1, " ".join(detail.split()) + "\n")
    raise SystemExit(status)


def need(condition, detail):
    """Fail unless something holds."""
    if not condition:
        failed(detail)


def words(name):
    """The words of an environment variable."""
    return os.environ.get(name, "").split()


def run(*arguments, **environment):
    """A command's combined output; fail if it does. ``environment`` is added to our own."""
    with open(os.devnull) as nothing:
        process = subprocess.Popen(
            arguments,
            stdin=nothing,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, **environment),
            universal_newlines=True,
        )
        output = process.communicate()[0]
    if process.returncode:
        last = (output.strip().splitlines() or ["no output"])[-1]
        failed("%s: exit status %s: %s" % (" ".join(arguments)[:120], process.returncode, last[:300]))
    return output


def python(source, *options, **environment):
    """The output of a fresh interpreter that runs some source."""
    return run(sys.executable, *(options + ("-c", source)), **environment)

# SPDX-License-Identifier: Apache-2.0
"""All tests: those that need a machine here, and beside them, in a process of their own, all others.

Integration tests wait for compilers and peers half of the time, and unit tests need neither; so together they take
little longer than the former alone. What the unit tests print is shown when both have ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest", "-ra")


def main() -> int:
    """The first exit status of pytest that is not 0."""
    with tempfile.TemporaryFile() as said:
        command = [*PYTEST, "-m", "not integration"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT) as units:
            try:
                status = subprocess.run([*PYTEST, "-m", "integration"], check=False).returncode
                units.wait()
            finally:
                units.terminate()
        print("\nunit tests, which ran beside these:\n", flush=True)
        said.seek(0)
        sys.stdout.buffer.write(said.read())
    return status or units.returncode


if __name__ == "__main__":
    sys.exit(main())

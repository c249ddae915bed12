# SPDX-License-Identifier: Apache-2.0
"""``python -m imagewright`` is ``imagewright``."""

from imagewright.cli.main import entry

if __name__ == "__main__":
    entry()

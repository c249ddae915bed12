# SPDX-License-Identifier: Apache-2.0
"""What the file system says, as errors a person can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagewright.errors import MachineError

_HINTS = {
    errno.ENOSPC: "free some space with `imagewright store gc`, or choose another directory with --store",
    errno.EDQUOT: "free some space with `imagewright store gc`, or choose another directory with --store",
    errno.EROFS: "choose a directory that can be written to with --store",
    errno.EACCES: "choose a directory that you own with --store",
    errno.EPERM: "choose a directory that you own with --store",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def machine_error(error: OSError, path: Path, what: str) -> MachineError:
    """The error to raise for an ``OSError`` met at ``path`` while doing ``what``."""
    reason = error.strerror or str(error)
    where = error.filename if isinstance(error.filename, str) else str(path)
    hint = _HINTS.get(error.errno or 0, "look at the disk; `imagewright store fsck` checks the store")
    return MachineError(f"{what}: {reason}", why=f"at {where}", hint=hint, details={"errno": error.errno})


@contextmanager
def machine_errors(path: Path, what: str) -> Iterator[None]:
    """Turn ``OSError`` into ``MachineError`` that names ``path`` and what was being done."""
    try:
        yield
    except OSError as error:
        raise machine_error(error, path, what) from error

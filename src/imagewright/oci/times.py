# SPDX-License-Identifier: Apache-2.0
"""Times as OCI documents write them: RFC 3339, section 5.6."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,12})?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def to_rfc3339(epoch: int) -> str:
    """``2026-08-01T00:00:00Z`` from seconds since the epoch. Raises ``ValueError`` outside the years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(seconds=epoch)
    except OverflowError:
        raise ValueError(f"{epoch} s is outside the years 1 to 9999") from None
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def from_rfc3339(text: str) -> int:
    """Whole seconds since the epoch; fractions are cut off. Raises ``ValueError``."""
    found = _SHAPE.fullmatch(text)
    if not found:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    year, month, day, hour, minute, second = (int(word) for word in found.groups()[:6])
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    sign, hours, minutes = found.groups()[6:]
    offset = 0 if sign is None else (1 if sign == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60)
    if second > 60 or (sign is not None and (int(hours) > 23 or int(minutes) > 59)):  # noqa: PLR2004 - RFC 3339
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    return (moment - _EPOCH) // timedelta(seconds=1) - offset + (1 if second == 60 else 0)  # noqa: PLR2004

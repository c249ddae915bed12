# SPDX-License-Identifier: Apache-2.0
"""Time zones from the system's database."""

from __future__ import annotations

import os
import time
import zoneinfo
from datetime import datetime, timedelta

from verdict import failed, need, passed

ZONES = (
    ("Europe/Paris", datetime(2024, 1, 15), 60),
    ("Europe/Paris", datetime(2024, 7, 15), 120),
    ("America/New_York", datetime(2024, 7, 15), -240),
    ("Asia/Kolkata", datetime(2024, 7, 15), 330),
    ("Australia/Lord_Howe", datetime(2024, 1, 15), 660),
    ("UTC", datetime(2024, 1, 15), 0),
)
for name, moment, minutes in ZONES:
    try:
        offset = moment.replace(tzinfo=zoneinfo.ZoneInfo(name)).utcoffset()
    except zoneinfo.ZoneInfoNotFoundError as error:
        failed(f"no time zone {name}: {error}")
    need(offset == timedelta(minutes=minutes), f"{name} is {offset} off UTC on {moment:%d %B %Y}")
os.environ["TZ"] = "Asia/Tokyo"
time.tzset()
need(time.localtime(0).tm_hour == 9, "the C library does not know the zone Asia/Tokyo")
del os.environ["TZ"]
time.tzset()
need(time.localtime(0).tm_hour == 0, "without TZ, the time is not UTC")
known = len(zoneinfo.available_timezones())
need(known > 400, f"only {known} time zones")
passed(f"{known} time zones")

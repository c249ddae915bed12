# SPDX-License-Identifier: Apache-2.0
"""Time zones from the system's database, which Python 2 reaches through the C library."""

from __future__ import absolute_import, division, print_function

import calendar
import os
import time

from verdict import need, passed

ZONES = (
    ("Europe/Paris", (2024, 1, 15), 60),
    ("Europe/Paris", (2024, 7, 15), 120),
    ("America/New_York", (2024, 7, 15), -240),
    ("Asia/Kolkata", (2024, 7, 15), 330),
    ("Asia/Tokyo", (2024, 1, 15), 540),
)
for name, day, minutes in ZONES:
    os.environ["TZ"] = name
    time.tzset()
    moment = calendar.timegm(day + (0, 0, 0))
    offset = (calendar.timegm(time.localtime(moment)) - moment) // 60
    need(offset == minutes, "%s is %d minutes off UTC on %s" % (name, offset, day))
del os.environ["TZ"]
time.tzset()
need(time.localtime(0).tm_hour == 0, "without TZ, the time is not UTC")
passed("%d dates in zones" % len(ZONES))

# SPDX-License-Identifier: Apache-2.0
"""The composition root: the one place that knows the clock, the environment, the network and the disk.

Everything that takes long to import (network, signatures, solver) is imported where it is first needed: a build
that finds everything in the store must answer at once.
"""

from __future__ import annotations

from imagewright.app.application import make_application

__all__ = ["make_application"]

# SPDX-License-Identifier: Apache-2.0
"""Which proxy a host is reached through: as curl and others read ``http_proxy``, ``https_proxy``, ``no_proxy``."""

from __future__ import annotations

from dataclasses import dataclass

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Proxies:
    """``by_scheme`` maps a scheme to a proxy's URL; ``direct`` are hosts and domains without one (``*``: all)."""

    by_scheme: tuple[tuple[str, str], ...] = ()
    direct: tuple[str, ...] = LOOPBACK

    def find(self, scheme: str, host: str) -> str:
        """The proxy's URL, "" for none."""
        names = [name.removeprefix("*").lstrip(".") for name in self.direct]
        if any(not name or host == name or host.endswith(f".{name}") for name in names):
            return ""
        return dict(self.by_scheme).get(scheme, "")
